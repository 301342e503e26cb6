"""Offers like an offer: with checkable reasons, of both engines, never its own patent, never ended ones."""

from __future__ import annotations

import pytest
from flask import Flask

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.matching.similar import similar
from marketplace.search import engines, generations
from marketplace.search.engine import EngineUnavailable
from tests import factories
from tests.matching.test_matches import installation, offer

__all__ = ["installation"]


def test_similar_offers_are_alike_in_words_or_place_and_can_be_taken(
    installation: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation.app_context():
        with unit_of_work():
            holder = factories.organisation("示例大学")
            mine = offer("一种电镀废水除镍的离子交换装置", holder)
            alike = offer("电镀废水的除镍方法", holder)
            ended = offer("电镀废水除镍系统", holder)
            for number in range(3):
                offer(f"一种磁力泵{number}", holder, ipc="F04D13/02")
            again = factories.live_offer(holder, mine.patent, status="withdrawn")
            ids = mine.id, alike.id, ended.id, again.id
        generations.rebuild()
        with unit_of_work():
            db.session.get_one(Offer, ids[2]).status = "withdrawn"  # the index does not know yet
        found, source = similar(db.session.get_one(Offer, ids[0]))
        assert [one.offer.id for one in found] == [ids[1]]
        assert found[0].ipc == "C02F1/42"
        assert "电镀" in found[0].terms
        assert source.engine == engines.engine().name

        def away(*_arguments: object, **_named: object) -> None:
            raise EngineUnavailable("away")

        # What is remembered is still checked against the database, and the engine need not be asked.
        monkeypatch.setattr(engines.engine(), "scores", away)
        with unit_of_work():
            db.session.get_one(Offer, ids[1]).status = "withdrawn"
        assert similar(db.session.get_one(Offer, ids[0]))[0] == []
        with pytest.raises(EngineUnavailable):
            similar(db.session.get_one(Offer, ids[1]))
        db.session.remove()
    # The page of an offer goes without the section, the link's page says that search is away.
    client = installation.test_client()
    path = f"/offers/{ids[1]}/similar"
    part = client.get(path, headers={"HX-Request": "true"})
    assert (part.status_code, part.text) == (200, "")
    assert client.get(path).status_code == 503
