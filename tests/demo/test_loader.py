"""The loader: two years of history by the product's own services, and nothing twice."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation, User
from marketplace.accounts.services import actor_of_token
from marketplace.app import create_app
from marketplace.core import clock, importing, journal
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.bundles.models import BundlePart
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.licences import check_certificate
from marketplace.deals.models import Licence, Notice
from marketplace.deals.royalties.models import RoyaltyPeriod
from marketplace.deals.royalties.reading import payment_of
from marketplace.deals.shares.models import LedgerTransaction, SharePerson
from marketplace.demands.models import Demand
from marketplace.demo import accounts, loader
from marketplace.demo.catalogue import DATA, LAST_DAY
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.listings.showcase.models import ListingDetails
from marketplace.notifications import services as notifications
from marketplace.statistics import facts
from marketplace.statistics.columns import EXIT_REASONS, NEVER, STAGES, day_number
from marketplace.statistics.models import Activity
from tests.conftest import NOW, Databases, settings_for


@pytest.fixture(scope="module")
def loaded_app(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose database holds the catalogue."""
    app = create_app(settings_for(databases.copy(), tmp_path_factory.mktemp("demo")))
    with app.app_context():
        assert loader.load()
        db.session.remove()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def demo(loaded_app: Flask) -> Iterator[Flask]:
    """The loaded application in its context, at NOW."""
    clock.set_now(NOW)
    with loaded_app.app_context():
        yield loaded_app
        db.session.remove()


def counts() -> dict[str, Any]:
    models = (Organisation, User, Patent, Offer, Licence, Notice, Demand, Activity)
    found = {
        model.__tablename__: db.session.scalar(sa.select(sa.func.count()).select_from(model))
        for model in models
    }
    found["journal"] = journal.last_id()
    db.session.rollback()
    return found


@pytest.mark.usefixtures("demo")
def test_loading_again_changes_nothing() -> None:
    before = counts()
    assert loader.load() is False
    assert counts() == before
    assert before["patents"] == 200
    assert before["demands"] == 44


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("organisations", "organisations.jsonl"),
        ("patents", "patents_a_d.jsonl"),
        ("patents", "patents_e_h.jsonl"),
        ("offers", "offers.jsonl"),
        ("withdrawals", "withdrawals.jsonl"),
        ("licences", "licences.jsonl"),
        ("demands", "demands.jsonl"),
    ],
)
def test_importing_the_files_by_hand_finds_everything_there(kind: str, file: str) -> None:
    summary = importing.run(kind, DATA / file, actor=OPERATOR_COMMAND)
    assert (summary.created, summary.updated, summary.rejected) == (0, 0, 0), summary.errors
    assert summary.unchanged == summary.read > 0


@pytest.mark.usefixtures("demo")
def test_the_journal_verifies_and_tells_the_history() -> None:
    assert journal.verify().ok
    entries = db.session.execute(
        sa.select(journal.JournalEntry.recorded_at).order_by(journal.JournalEntry.id)
    ).scalars().all()  # fmt: skip
    assert list(entries) == sorted(entries)
    assert (clock.legal_date(entries[0]).isoformat(), len(entries) > 900) == ("2024-11-01", True)


@pytest.mark.usefixtures("demo")
def test_offers_stand_in_every_state_and_a_hundred_and_fifty_are_live() -> None:
    today = clock.today()
    offers = db.session.scalars(sa.select(Offer)).unique().all()
    assert sum(offer.in_force_on(today) for offer in offers) >= 150
    states = {offer.status for offer in offers}
    assert states == {"draft", "price_notice", "filed", "announced", "refused", "withdrawal_filed",
                      "withdrawn", "revoked", "lapsed"}  # fmt: skip
    duties = [offer for offer in offers if offer.duty_bars]
    assert {bar for offer in duties for bar in offer.duty_bars} == {"annuity", "pledge", "other"}
    assert all((offer.duty_to_withdraw_since or today) < today for offer in duties)
    stated = [offer for offer in offers if offer.evidence == "holder_stated"]
    assert len(stated) == 2
    assert not any(offer.in_force_on(today) for offer in stated)


@pytest.mark.usefixtures("demo")
def test_deals_were_made_here_from_notice_to_certificate_and_others_are_under_way() -> None:
    licences = db.session.scalars(
        sa.select(Licence).where(Licence.evidence == "platform").order_by(Licence.id)
    ).all()  # fmt: skip
    assert {0, 140_000_00, 320_000_00} <= {licence.amount_minor or 0 for licence in licences}
    certified = [licence for licence in licences if licence.certificate_digest]
    assert len(certified) >= 7
    for licence in certified:
        assert check_certificate(licence.certificate_code or "").valid
    states = Counter(db.session.scalars(sa.select(Notice.state)))
    assert states["paid"] >= 3
    assert set(states) >= {"abandoned", "lapsed", "not_served", "served"}
    parts = Counter(db.session.scalars(sa.select(BundlePart.state)))
    assert parts == {"served": 3, "refused": 1}


@pytest.mark.usefixtures("demo")
def test_royalties_are_paid_corrected_and_late_shares_divided_and_disputes_settled_and_open() -> None:
    periods = db.session.scalars(sa.select(RoyaltyPeriod)).unique().all()
    assert {one.state for one in periods} == {"reported", "overdue", "running"}
    assert {payment_of(one) for one in periods if one.statements} == {"paid", "open"}
    assert {len(one.statements) for one in periods} == {0, 1, 2}
    assert set(db.session.scalars(sa.select(Dispute.state))) == {"settled", "open"}
    kinds = Counter(db.session.scalars(sa.select(LedgerTransaction.kind)))
    assert (kinds["allocation"], kinds["payout"]) == (3, 2)
    assert db.session.scalar(sa.select(SharePerson.id).where(SharePerson.user_id.is_not(None)))


@pytest.mark.usefixtures("demo")
def test_figures_have_something_to_show() -> None:
    db.session.rollback()
    facts.rebuild()
    found = facts.load()
    local = found.patents.in_region
    days = {stage: found.reached(stage)[local] for stage in STAGES}
    reached = {
        stage: int((days[stage] != NEVER).sum())
        for stage in ("announced", "shown", "opened", "notice", "in_effect", "recorded")
    }
    assert list(reached.values()) == sorted(reached.values(), reverse=True)
    assert reached["shown"] < reached["announced"]
    assert reached["in_effect"] >= 20
    noticed = days["notice"] != NEVER
    assert (days["opened"] <= days["notice"])[noticed].all()
    waited = sorted((days["in_effect"] - days["announced"])[days["in_effect"] != NEVER].tolist())
    assert waited[0] <= 7
    assert sum(day <= 30 for day in waited) >= 6
    assert waited[-1] > 180
    over = found.spells.end <= day_number(clock.today())
    assert {EXIT_REASONS[reason] for reason in found.spells.reason[over]} > {"withdrawn", "revoked"}


@pytest.mark.usefixtures("demo")
def test_there_is_an_account_for_each_role_with_a_token_that_works() -> None:
    shown = accounts.listed()
    assert [account["role"] for account in shown] == [
        "holder", "firm", "individual", "manager", "bureau", "operator",
    ]  # fmt: skip
    for account in shown:
        actor = actor_of_token(account["token"])
        assert (actor.organisation_id is None) == (account["organisation"] is None)
    [manager] = [actor_of_token(one["token"]) for one in shown if one["role"] == "manager"]
    assert len(manager.principals) == 2
    db.session.rollback()
    assert accounts.listed() == shown


def test_the_tokens_file_is_its_owners_only(demo: Flask) -> None:
    accounts.listed()
    path = demo.config["SETTINGS"].instance_dir / accounts.FILE
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_are_no_demo_accounts_in_production(demo: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Production:
        production = True

    monkeypatch.setitem(demo.config, "SETTINGS", Production())
    with pytest.raises(Conflict, match="demo-only"):
        accounts.listed()


def test_a_clock_before_the_catalogues_last_day_is_refused(committed_app: Flask) -> None:
    evening_before = clock.start_of_day_utc(LAST_DAY) - dt.timedelta(hours=1)
    with committed_app.app_context(), clock.at(evening_before):
        with pytest.raises(Conflict, match="demo-clock"):
            loader.load()
        db.session.remove()


def test_a_database_that_holds_something_else_is_left_alone(committed_app: Flask) -> None:
    with committed_app.app_context():
        with unit_of_work(OPERATOR_COMMAND):
            db.session.add(Organisation(name="上海别处有限公司", type="enterprise", created_at=clock.now()))
        with pytest.raises(Conflict, match="demo-interrupted"):
            loader.load()
        assert not loader.interrupted()
        db.session.remove()


def test_an_interrupted_load_is_known_as_such(committed_app: Flask) -> None:
    class Cut(Exception):
        pass

    def tell(done: int, _total: int, _note: str) -> None:
        if done > 6:
            raise Cut

    with committed_app.app_context():
        with pytest.raises(Cut):
            loader.load(tell)
        assert loader.interrupted()
        with pytest.raises(Conflict, match="demo-interrupted"):
            loader.load()
        db.session.remove()


@pytest.mark.usefixtures("demo")
def test_every_english_title_of_an_offer_in_force_says_who_translated_it() -> None:
    query = (
        sa.select(Offer.id, ListingDetails.origins)
        .join(Patent, Patent.id == Offer.patent_id)
        .outerjoin(ListingDetails, ListingDetails.offer_id == Offer.id)
        .where(Offer.status.in_(IN_FORCE), Offer.evidence == "verified", Patent.title_en.is_not(None))
    )
    rows = db.session.execute(query).all()
    assert len(rows) >= 100
    assert [row.id for row in rows if (row.origins or {}).get("title_en") not in ("human", "machine")] == []


@pytest.mark.usefixtures("demo")
def test_the_firms_inbox_tells_its_recent_history_and_nobody_was_mailed() -> None:
    firm = accounts.actor_of(accounts.FIRM.organisation or "")
    page = notifications.inbox(firm, limit=100)
    codes = [message.code for message in page]
    assert len(codes) >= 4
    assert len(set(codes)) >= 2
    assert {message.read_at is None for message in page} == {True, False}
    mails = sa.select(sa.func.count()).select_from(Task).where(Task.name == "notifications.mail")
    assert db.session.scalar(mails) == 0
