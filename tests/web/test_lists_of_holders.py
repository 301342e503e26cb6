"""The holder's long lists: the same number of statements whatever their length, and what is to be checked."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import PatentFact
from marketplace.listings.stocktaking import upkeep
from tests import factories
from tests.statements import statements

from .pages import LANGUAGES, client_of, member


def add(app: Flask, organisation_id: int, patents: int, *, offers: bool = False) -> None:
    """Patents whose pledge was looked at long ago, half of them with a live offer if asked for."""
    with app.app_context():
        with unit_of_work():
            owner = db.session.get_one(Organisation, organisation_id)
            made = [factories.patent(owner, title=f"一种旧事实的阀门{n}") for n in range(patents)]
            for patent in made[: patents // 2] if offers else ():
                factories.live_offer(owner, patent)
            old = sa.update(PatentFact).where(PatentFact.patent_id.in_([one.id for one in made]))
            db.session.execute(old.where(PatentFact.name == "pledged").values(as_of=dt.date(2024, 1, 1)))
            upkeep.refresh([one.id for one in made])
        db.session.remove()


@pytest.mark.parametrize(
    "path",
    [
        "/holder/patents",
        "/holder/patents?check=stale",
        "/holder/offers",
        "/holder/facts",
        "/holder/stock",
        "/holder/stock?check=stale",
    ],
)
def test_a_longer_list_takes_no_more_statements(app: Flask, path: str) -> None:
    user_id, organisation_id = member(app, "示例长清单大学")
    browser = client_of(app, user_id)
    add(app, organisation_id, 4, offers=True)
    taken = []
    for _ in range(2):
        browser.get(path)
        with statements() as seen:
            assert browser.get(path).status_code == 200
        taken.append(len(seen))
        add(app, organisation_id, 24, offers=True)
    assert taken[0] == taken[1] <= 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_to_be_checked_again_can_be_listed_by_itself(app: Flask, language: str) -> None:
    user_id, organisation_id = member(app, "示例时效大学")
    browser = client_of(app, user_id, language)
    add(app, organisation_id, 2)
    with app.app_context(), unit_of_work():
        owner = db.session.get_one(Organisation, organisation_id)
        upkeep.refresh([factories.patent(owner, title="一种新事实的水泵").id])
    for path, word in (("/holder/patents", "check again"), ("/holder/stock", "")):
        everything = browser.get(path).text
        assert "水泵" in everything
        narrowed = browser.get(f"{path}?check=stale").text
        assert "旧事实的阀门1" in narrowed
        assert "水泵" not in narrowed
        if word and language == "en":
            assert narrowed.count(word) == 2
    exported = browser.get("/holder/stock/export.csv?check=stale").get_data().decode("utf-8-sig")
    assert "旧事实的阀门0" in exported
    assert "水泵" not in exported
