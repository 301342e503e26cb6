"""The fact table against small histories worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, PatentParty
from marketplace.statistics import facts
from marketplace.statistics.columns import STAGES, Facts, day_of
from marketplace.statistics.models import Activity, FactColumn, FactsAsOf
from tests import factories

from .history import licence, notice

D = dt.date
pytestmark = pytest.mark.usefixtures("context")


def _kept() -> list[tuple[object, ...]]:
    """The facts as they are kept, byte for byte."""
    return [
        tuple(row)
        for row in db.session.execute(
            sa.select(FactColumn.name, FactColumn.content).order_by(FactColumn.name)
        )
    ]


def _facts() -> Facts:
    db.session.expire_all()
    return facts.load()


def _row(offer: Offer) -> int:
    row = _facts().row_of(offer.patent_id)
    assert row is not None
    return row


def _reached(offer: Offer, stage: str) -> dt.date | None:
    return day_of(_facts().reached(stage)[_row(offer)])


def _labels(offer: Offer, *names: str) -> tuple[str | None, ...]:
    return tuple(_facts().label(name, _row(offer)) for name in names)


def _licences(offer: Offer) -> int:
    return int((_facts().open.patent == _row(offer)).sum())


def test_a_patent_has_its_first_days_and_its_dimensions_at_announcement() -> None:
    with unit_of_work():
        holder = factories.organisation(type="university", region="310104")
        offer = factories.live_offer(holder, announced_on=D(2026, 3, 2))
        notice(offer, D(2026, 3, 20))
        licence(
            offer, D(2026, 4, 1), notice_on=D(2026, 3, 20), paid_on=D(2026, 4, 1), recorded_on=D(2026, 5, 6)
        )
        licence(offer, D(2026, 6, 1))
        db.session.add_all(
            Activity(day=day, offer_id=offer.id, kind=kind, channel="web", audience="visitor", count=3)
            for day, kind in ((D(2026, 3, 4), "shown"), (D(2026, 3, 3), "shown"), (D(2026, 3, 9), "opened"))
        )
    facts.rebuild()
    assert {stage: _reached(offer, stage) for stage in STAGES} == {
        "announced": D(2026, 3, 2),
        "shown": D(2026, 3, 3),
        "opened": D(2026, 3, 9),
        "notice": D(2026, 3, 20),
        "paid": D(2026, 4, 1),
        "in_effect": D(2026, 4, 1),
        "recorded": D(2026, 5, 6),
    }
    assert (_licences(offer), bool(_facts().patents.in_region[_row(offer)])) == (2, True)
    assert _labels(offer, "kind", "fee_form", "owner_type", "district") == (
        "invention",
        "fixed",
        "university",
        "310104",
    )
    assert _labels(offer, "ipc_section", "ipc_class", "ipc_subclass") == ("H", "H01", "H01M")
    assert _labels(offer, "industry") == ("38",)
    assert _facts().spells_of(_row(offer)) == [(D(2026, 3, 2), D(2031, 9, 1), "term_over")]


def test_only_verified_announcements_make_a_patent_of_the_population() -> None:
    with unit_of_work():
        holder = factories.organisation()
        factories.live_offer(holder, evidence="holder_stated")
        factories.live_offer(holder, status="filed", evidence=None, announced_on=None)
        factories.live_offer(holder, announced_on=D(2026, 12, 1))
        counted = factories.live_offer(holder)
    facts.rebuild()
    assert _facts().patents.id.tolist() == [counted.patent_id]


def test_declaring_anew_adds_a_spell_but_no_patent_and_restarts_no_clock() -> None:
    with unit_of_work():
        holder = factories.organisation()
        first = factories.live_offer(
            holder, status="withdrawn", announced_on=D(2025, 1, 10), withdrawn_on=D(2025, 6, 1)
        )
        factories.live_offer(
            holder, first.patent, announced_on=D(2025, 9, 1), fee_form="free", fee_minor=None
        )
    facts.rebuild()
    assert len(_facts().patents.id) == 1
    assert (_reached(first, "announced"), *_labels(first, "fee_form")) == (D(2025, 1, 10), "fixed")
    assert _facts().spells_of(_row(first)) == [
        (D(2025, 1, 10), D(2025, 6, 1), "withdrawn"),
        (D(2025, 9, 1), D(2031, 9, 1), "term_over"),
    ]


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({"status": "withdrawn", "withdrawn_on": D(2026, 10, 8)}, (D(2026, 10, 8), "withdrawn")),
        ({"status": "revoked", "revoked_on": D(2026, 10, 9)}, (D(2026, 10, 9), "revoked")),
        (
            {"status": "lapsed", "term_to": D(2026, 10, 9), "lapsed_on": D(2026, 10, 10)},
            (D(2026, 10, 10), "term_over"),
        ),
        ({"term_to": D(2026, 11, 19)}, (D(2026, 11, 20), "term_over")),
        ({"term_to": D(2026, 11, 20)}, (D(2026, 11, 21), "term_over")),
        ({"status": "lapsed", "lapsed_on": D(2026, 9, 9)}, (D(2026, 9, 9), "patent_ended")),
        (
            {"status": "withdrawal_filed", "withdrawal_filed_on": D(2026, 10, 1)},
            (D(2031, 9, 1), "term_over"),
        ),
        ({"term_to": None}, (D(2039, 3, 2), "patent_ended")),
    ],
)
def test_an_offer_ends_on_its_day_for_its_reason(
    values: dict[str, object], end: tuple[dt.date | None, str | None]
) -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation(), **values)
    facts.rebuild()
    ((_, *found),) = _facts().spells_of(_row(offer))
    assert tuple(found) == end


def test_a_terminated_patent_exits_before_the_offer_is_marked_as_lapsed() -> None:
    with unit_of_work():
        holder = factories.organisation()
        subject = factories.patent(holder, facts={"legal_status": "terminated"})
        offer = factories.live_offer(holder, subject)
    facts.rebuild()
    assert _facts().spells_of(_row(offer))[0][1:] == (D(2026, 11, 1), "patent_ended")


def test_offers_from_outside_the_region_are_kept_apart() -> None:
    with unit_of_work():
        outside = factories.live_offer(factories.organisation(region="110108"))
        elsewhere, local = (
            factories.organisation(region="320500"),
            factories.organisation(region="310115", type="hospital"),
        )
        shared = factories.live_offer(elsewhere, factories.patent(elsewhere, local))
    facts.rebuild()
    local = _facts().patents.in_region
    assert (bool(local[_row(outside)]), bool(local[_row(shared)])) == (False, True)
    assert _labels(shared, "district", "owner_type") == ("310115", "hospital")


def test_the_region_of_the_register_goes_before_that_of_the_organisation() -> None:
    with unit_of_work():
        holder = factories.organisation(region="310112")
        offer = factories.live_offer(holder)
        db.session.execute(
            sa.update(PatentParty).where(PatentParty.patent_id == offer.patent_id).values(region="330106")
        )
    facts.rebuild()
    assert not _facts().patents.in_region[_row(offer)]


def test_negotiated_licences_and_impossible_ones_are_not_counted_as_open() -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation(), announced_on=D(2026, 5, 1))
        licence(offer, D(2026, 6, 1), kind="ordinary")
        licence(offer, D(2026, 4, 30))  # before the announcement
        unverified = factories.live_offer(factories.organisation(), evidence="holder_stated")
        licence(unverified, D(2026, 10, 1))
    mark = facts.rebuild()
    assert (_licences(offer), _reached(offer, "in_effect")) == (0, None)
    assert mark.left_out == 2
    assert (len(_facts().open.id), len(_facts().ordinary.id)) == (0, 1)


def test_the_number_of_open_licences_is_right_at_once_and_counts_only_what_came_since_the_facts() -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
        licence(offer, D(2026, 10, 1))
        licence(offer, D(2026, 10, 2), kind="ordinary")
    assert facts.open_licences() == 1
    facts.rebuild()
    assert facts.open_licences() == 1
    with unit_of_work():
        last = licence(offer, D(2026, 10, 3))
    assert facts.open_licences() == 2
    with unit_of_work():
        counted = sa.update(FactsAsOf).values(licences=1_000_000, licences_up_to=last.id)
        db.session.execute(counted)
    assert facts.open_licences() == 1_000_000  # those before are not read again


def test_a_licence_is_in_effect_until_its_term_or_its_earlier_end() -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation(), announced_on=D(2026, 5, 1))
        running = licence(offer, D(2026, 6, 1))
        ended = licence(offer, D(2026, 6, 1), state="ended", ended_on=D(2026, 7, 31))
    facts.rebuild()
    licences = _facts().open
    days = dict(zip(licences.id.tolist(), map(day_of, licences.last_day), strict=True))
    assert days == {running.id: D(2031, 8, 31), ended.id: D(2026, 7, 31)}


def test_a_notice_that_was_not_served_is_no_notice() -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
        notice(offer, D(2026, 10, 1), state="not_served", served_at=None)
    facts.rebuild()
    assert _reached(offer, "notice") is None


def test_a_rebuild_from_nothing_gives_the_same_bytes() -> None:
    with unit_of_work():
        for region in ("310112", "310115", "110108"):
            offer = factories.live_offer(factories.organisation(region=region))
            licence(offer, D(2026, 10, 1))
    first = facts.rebuild().build
    before = _kept()
    with unit_of_work():
        for model in (FactColumn, FactsAsOf):
            db.session.execute(sa.delete(model))
    db.session.expire_all()
    assert facts.rebuild().build != first
    assert _kept() == before
    assert len(_facts().patents.id) == 3


def test_the_schedule_computes_only_when_the_journal_moved_or_the_day_changed() -> None:
    def build() -> str | None:
        return db.session.scalar(sa.select(FactsAsOf.build))

    facts.refresh()
    first = build()
    facts.refresh()
    assert build() == first
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
        record("offer.announced", offer)
    facts.refresh()
    second = build()
    assert second != first
    assert _facts().patents.id.tolist() == [offer.patent_id]
    with clock.at(clock.now() + dt.timedelta(days=1)):
        facts.refresh()
        assert build() != second


def test_older_facts_never_take_the_place_of_newer_ones() -> None:
    with unit_of_work():
        record("offer.announced", factories.live_offer(factories.organisation()))
    facts.rebuild()
    with unit_of_work():
        db.session.execute(sa.update(FactsAsOf.__table__).values(journal_id=10_000, build="newer"))
    assert facts.rebuild().build == "newer"


def test_licences_on_the_same_patent_are_read_once_each() -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
        for _ in range(3):
            licence(offer, D(2026, 10, 1))
    facts.rebuild()
    assert len(_facts().open.id) == 3
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Licence)) == 3
