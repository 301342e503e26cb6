"""New offers find demands and firms; what comes of it goes back to the holder, into figures and one mail."""

from __future__ import annotations

import collections.abc
import datetime as dt
import email
import email.policy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.mailing import choices
from marketplace.accounts.models import Organisation, User
from marketplace.core import clock, importing
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.demands.models import Demand, Recommendation
from marketplace.demands.services import publish_demand
from marketplace.listings.models import Offer
from marketplace.matching import digest, hits, interests
from marketplace.matching.reverse import Shared, demands_fitting, fits
from marketplace.matching.services import mark, recommendations_to
from marketplace.search import generations
from tests import factories


def organisation_of(actor: Actor) -> Organisation:
    return db.session.get_one(Organisation, actor.organisation_id)


SECRET = "我公司的镀槽配方含稀土添加剂"


@dataclass
class Market:
    """A holder and a firm that are both signed in."""

    holder: Actor
    firm: Actor


@pytest.fixture
def market(committed_app: Flask) -> collections.abc.Iterator[Market]:
    with committed_app.app_context():
        with unit_of_work():
            holder, firm = factories.organisation(), factories.organisation()
            found = Market(factories.actor(holder), factories.actor(firm))
            factories.live_offer(holder, factories.patent(holder, title="葡萄酒发酵罐"))
        generations.rebuild()
        Worker(committed_app).drain()
        yield found
        db.session.remove()


def publish(app: Flask, holder: Actor, title: str, ipc: str = "C02F1/42", **terms: object) -> int:
    """A new live offer, seen by index and worker."""
    with unit_of_work():
        patent = factories.patent(organisation_of(holder), title=title, abstract=title)
        patent.classes[0].symbol = ipc
        row = factories.live_offer(organisation_of(holder), patent, **terms)
        record("offer.verified", row, organisation_id=row.holder_id)
    Worker(app).drain()
    return row.id


def demand(app: Flask, firm: Actor, **values: object) -> int:
    with unit_of_work(firm):
        made = publish_demand(
            firm,
            {
                "title": "含镍电镀废水如何除镍",
                "description": "电镀车间排出的废水含镍超标。",
                "confidential": SECRET,
                **values,
            },
        )
    Worker(app).drain()
    return made.id


def of_firm(firm: Actor) -> list[Recommendation]:
    return recommendations_to(firm)


def test_a_new_offer_finds_the_demand_and_its_holder_sees_it_without_the_confidential_part(
    committed_app: Flask, market: Market
) -> None:
    needed = demand(committed_app, market.firm)
    offer_id = publish(committed_app, market.holder, "含镍电镀废水深度除镍系统")
    (row,) = of_firm(market.firm)
    assert (row.demand_id, row.offer_id, row.channel) == (needed, offer_id, "offer")
    offer = db.session.get_one(Offer, offer_id)
    (fit,) = demands_fitting(market.holder, offer)
    assert fit.demand.id == needed
    words = [str(reason.value) for reason in fit.reasons]
    assert "电镀" in words
    assert not any(word in SECRET for word in words if word not in "电镀")
    with pytest.raises(NotFound):
        demands_fitting(market.firm, offer)


def test_an_offer_above_the_budget_or_alike_in_generic_words_only_finds_no_demand(
    committed_app: Flask, market: Market
) -> None:
    demand(committed_app, market.firm, budget=1_000)
    dear = publish(committed_app, market.holder, "含镍电镀废水深度除镍系统", fee_minor=5_000_000)
    other = publish(committed_app, market.holder, "一种控制系统及方法", "G05B1/00")
    for offer_id in (dear, other):
        assert demands_fitting(market.holder, db.session.get_one(Offer, offer_id)) == []
    assert of_firm(market.firm) == []


def test_a_firm_hears_once_of_an_offer_in_a_field_it_follows(committed_app: Flask, market: Market) -> None:
    with unit_of_work(market.firm):
        field = interests.name_field(market.firm, "锂电池隔膜", ["H01M 50"])
    with pytest.raises(Conflict), unit_of_work(market.firm):
        interests.name_field(market.firm, "锂电池隔膜", ["H01M 50"])
    with pytest.raises(Invalid), unit_of_work(market.firm):
        interests.name_field(market.firm, "一种方法和装置")
    Worker(committed_app).drain()
    by_place = publish(committed_app, market.holder, "一种多孔聚合物膜", "H01M50/40")
    by_word = publish(committed_app, market.holder, "一种隔膜涂布机", "B05C1/00")
    publish(committed_app, market.holder, "一种苹果采摘机", "A01D46/30")
    publish(committed_app, market.firm, "一种锂电池隔膜", "H01M50/40")  # its own
    found = {row.offer_id: row for row in of_firm(market.firm)}
    assert set(found) == {by_place, by_word}
    assert {row.channel for row in found.values()} == {"field"}
    kinds = {one["kind"]: one["value"] for one in found[by_place].reasons}
    assert (kinds["interest"], kinds["ipc"]) == ("锂电池隔膜", "H01M50")
    with unit_of_work():
        record(
            "offer.verified",
            db.session.get_one(Offer, by_place),
            organisation_id=market.holder.organisation_id,
        )
    Worker(committed_app).drain()
    assert len(of_firm(market.firm)) == 2  # the same pair is never made again
    with pytest.raises(NotFound), unit_of_work(market.holder):
        interests.drop(market.holder, field.id)
    with unit_of_work(market.firm):
        interests.drop(market.firm, field.id)
    publish(committed_app, market.holder, "一种陶瓷隔膜", "H01M50/40")
    assert len(of_firm(market.firm)) == 2


def test_the_firms_own_patents_are_a_profile(committed_app: Flask, market: Market) -> None:
    with unit_of_work():
        firm = organisation_of(market.firm)
        factories.patent(firm, title="一种钠离子电池负极硬碳", abstract="").classes[0].symbol = "H01M4/58"
    with unit_of_work(market.firm):
        assert interests.take_patents(market.firm) == 1
        assert interests.take_patents(market.firm) == 0
    Worker(committed_app).drain()
    near = publish(committed_app, market.holder, "硬碳包覆材料", "H01M4/36")
    publish(committed_app, market.holder, "一种铅酸板栅", "H01M4/68")  # the group, but no word
    (row,) = of_firm(market.firm)
    assert (row.offer_id, row.channel, row.reasons[0]["kind"]) == (near, "patents", "own_patent")
    with unit_of_work(market.firm):
        mark(market.firm, row, "passed", reason="terms")
    assert hits.passes_of(market.holder, db.session.get_one(Offer, near), near) == {"terms": 1}
    with pytest.raises(NotFound):
        hits.passes_of(market.firm, db.session.get_one(Offer, near), near)


def test_a_list_of_numbers_and_titles_becomes_the_profile_and_repeating_it_changes_nothing(
    committed_app: Flask, market: Market, tmp_path: Path
) -> None:
    firm = market.firm
    with unit_of_work():
        here = factories.patent(factories.organisation(), title="一种钠离子电池负极硬碳")
        here.classes[0].symbol = "H01M4/58"
        number = str(here.number)
    path = tmp_path / "patents.csv"

    def take(*rows: str, **options: Any) -> tuple[dict[str, int], list[tuple[int, str, str]]]:
        path.write_text("专利号,公告号,名称,摘要,分类号\n" + "".join(f"{row}\n" for row in rows))
        done = importing.run("own-patents", path, **{"actor": firm} | options)
        return done.as_json(), [(one.line, one.field, one.code) for one in done.errors]

    rows = (
        f"ZL{number},,,,",
        ",CN101234567B,一种铝电解电容器,,H01G9/00",
        "201910000010.1,,坏校验位,,",
        ",CN107654321B,,,",  # neither known here nor with a title
        ",,无号,,",
    )
    with force_locale("zh"):
        counted, errors = take(*rows)
    assert (counted["created"], counted["rejected"]) == (2, 3)
    assert errors == [
        (4, "number", "number-check-digit"),
        (5, "title", "required"),
        (6, "number", "required"),
    ]
    assert take(*rows)[0]["unchanged"] == 2
    again, _ = take(f"{number},,,一种多孔硬碳,", ",CN101234567B,,,")
    assert (again["updated"], again["unchanged"]) == (1, 1)  # an empty cell is as before
    kept = {one.key: (one.title, one.ipc) for one in interests.interests_of(firm)}
    assert kept[number] == ("一种钠离子电池负极硬碳", ["H01M4/58"])
    assert ("一种铝电解电容器", ["H01G9/00"]) in kept.values()
    with pytest.raises(Forbidden):
        take(f"{number},,,,", owner=organisation_of(market.holder).name)
    by_operator, _ = take(f"{number},,,,", actor=OPERATOR_COMMAND, owner=organisation_of(market.holder).name)
    assert by_operator["created"] == 1

    Worker(committed_app).drain()
    near = publish(committed_app, market.holder, "硬碳包覆材料", "H01M4/36")
    (row,) = of_firm(firm)
    assert (row.offer_id, row.channel, row.reasons[0]["value"]) == (near, "patents", number)


@given(
    st.sampled_from(["field", "patent"]),
    st.lists(st.sampled_from(["隔膜", "硬碳", "镍", "泵"]), max_size=4, unique=True),
    st.integers(0, 5),
    st.booleans(),
)
def test_whatever_is_told_to_a_firm_shares_a_word_or_a_place(
    kind: str, words: list[str], depth: int, in_title: bool
) -> None:
    place = "H01M" if depth >= 3 else None
    shared = Shared(words, place, depth if place else 0, in_title and bool(words))
    if fits(kind, shared):
        assert words or place
    if kind == "patent" and not words:
        assert not fits(kind, shared)  # the classification alone is not enough for a firm's own patents


def mails(app: Flask) -> list[email.message.EmailMessage]:
    folder = Path(app.config["SETTINGS"].mail_url.removeprefix("file://"))
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"))
    ]


def test_the_daily_mail_comes_once_a_day_in_the_readers_language_until_stopped(
    committed_app: Flask, market: Market
) -> None:
    demand(committed_app, market.firm)
    with unit_of_work():
        user = db.session.get_one(User, market.firm.user_id)
        user.locale = "en"
        address = user.email
    offer_id = publish(committed_app, market.holder, "含镍电镀废水深度除镍系统")
    morning = clock.start_of_day_utc(clock.today() + dt.timedelta(days=1))

    def at(hours: int) -> list[email.message.EmailMessage]:
        with clock.at(morning + dt.timedelta(hours=hours)):
            digest.send_all()
            Worker(committed_app).drain()
        return [one for one in mails(committed_app) if one["To"] == address]

    assert at(3) == []  # not in the night
    (mail,) = at(9)
    assert "open licence" in mail["Subject"]
    text = mail.get_content()
    assert f"/offers/{offer_id}" in text
    assert len(at(10)) == 1
    assert len(at(24 + 9)) == 1  # nothing new: no mail
    link = choices.Link(market.firm.user_id or 0, digest.TOPIC)
    assert link.address in text
    assert link.address in "".join(mail["List-Unsubscribe"].split())
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058
    with unit_of_work():
        choices.stop(link)
    publish(committed_app, market.holder, "电镀废水回收镍的除镍方法")
    assert len(at(24 + 10)) == 1
    with unit_of_work(market.firm):
        choices.choose(market.firm, digest.TOPIC, wanted=True)
    assert len(at(24 + 11)) == 2


def test_hit_rates_add_up_by_month_and_channel_and_open_into_their_rows(
    committed_app: Flask, market: Market
) -> None:
    with unit_of_work():
        bureau = Actor(user_id=1, roles=frozenset({"bureau"}))
    demand(committed_app, market.firm)
    for number in range(3):
        publish(committed_app, market.holder, f"含镍电镀废水除镍装置{'甲乙丙'[number]}")
    first, second, third = of_firm(market.firm)
    with unit_of_work(market.firm):
        mark(market.firm, first, "opened")
        mark(market.firm, second, "contacted")
        mark(market.firm, third, "passed", reason="too_expensive")
    period = hits.Period(clock.today() - dt.timedelta(days=40), clock.today())
    by_month, by_channel = (hits.groups(bureau, period, by) for by in hits.GROUPINGS)
    assert len(by_month) == len(period.months)
    assert hits.total(by_month).counts == hits.total(by_channel).counts
    counts = hits.total(by_month).counts
    assert counts == {"shown": 3, "opened": 2, "contacted": 1, "licensed": 0, "passed": 1}
    assert hits.passes(bureau, period)["too_expensive"] == 1
    for group in by_channel:
        for step in hits.STEPS:
            rows, number = hits.rows(bureau, period, step, channel=group.key)
            assert len(rows) == number == group.counts[step]
    with pytest.raises(Forbidden):
        hits.groups(market.firm, period, "month")
    with pytest.raises(Invalid):
        hits.Period(clock.today(), clock.today() - dt.timedelta(days=1))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Demand)) == 1
