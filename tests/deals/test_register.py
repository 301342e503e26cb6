"""The register shows what the gazette prints, finds it by every field, and nothing else to the public."""

from __future__ import annotations

import datetime as dt

import pytest

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, lookup
from marketplace.deals.models import Licence
from marketplace.deals.recordals.register import Asked, entries, every_entry, line_of
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve

PUBLIC = Actor()


def take(deal: Deal, number: str | None) -> Licence:
    licence = lookup.licence_of(serve(deal.firm_actor, deal.offer))
    assert licence is not None
    if number is not None:
        with unit_of_work(deal.firm_actor):
            licences.record_recordal(deal.firm_actor, licence.id, number=number, on=clock.today())
    return licence


def found(actor: Actor = PUBLIC, **asked: object) -> list[int]:
    return [one.id for one in entries(actor, Asked(**asked))]  # type: ignore[arg-type]


def test_the_public_sees_recorded_licences_without_fees_and_staff_see_all(context: None) -> None:
    shown, hidden = (
        take(make_deal(fee_form="free", fee_minor=None), number) for number in ("X2026310000077", None)
    )
    with unit_of_work():
        staff = factories.operator()
    assert found() == [shown.id]
    assert found(staff) == [hidden.id, shown.id]
    assert found(staff, recordal="to_do") == [hidden.id]
    assert found(recordal="to_do") == [shown.id]  # a filter for staff alone
    [line] = [line_of(one) for one in every_entry(PUBLIC, Asked())]
    assert not any("amount" in name or "fee" in name for name in line)
    assert line["licensee"] == shown.licensee.name
    # What one side alone has stated of a licence taken elsewhere is not made public.
    with unit_of_work():
        db.session.get_one(Licence, shown.id).evidence = "holder_stated"
    assert found() == []


def test_it_is_found_by_number_patent_parties_place_class_days_and_state(context: None) -> None:
    deal = make_deal(fee_form="free", fee_minor=None)
    mine = take(deal, "X2026310000078")
    other = take(make_deal(fee_form="free", fee_minor=None), "X2026310000079")
    both, today = [other.id, mine.id], clock.today()
    assert found(number=mine.number.lower()) == found(number=" X2026310000078 ") == [mine.id]
    assert found(patent=f"ZL{deal.offer.patent.number}") == [mine.id]
    assert found(party=deal.firm.name[2:]) == found(party=deal.holder.name) == [mine.id]
    assert found(party="%") == []
    assert found(district="3101") == found(ipc="h01m 10") == found(first=today, last=today) == both
    assert found(district="11") == found(ipc="A01B") == found(first=today + dt.timedelta(days=1)) == []
    assert found(state="in_effect") == both
    assert found(state="ended") == []
    assert [one.id for one in entries(PUBLIC, Asked(), after=other.id, limit=5)] == [mine.id]
    with pytest.raises(Invalid, match="register-number-form"):
        found(patent="12")


def test_a_holder_sees_what_it_owns_in_part_and_what_it_declared_for_others(context: None) -> None:
    with unit_of_work():
        holder, owner, firm = (factories.organisation() for _ in range(3))
        shared = factories.live_offer(owner, factories.patent(owner, holder), fee_form="free", fee_minor=None)
        declared = factories.live_offer(holder, factories.patent(owner), fee_form="free", fee_minor=None)
        strange = factories.live_offer(owner, factories.patent(owner), fee_form="free", fee_minor=None)
        actors = [factories.actor(one) for one in (holder, owner, firm)]
    taken = []
    for offer in (shared, declared, strange):
        licence = lookup.licence_of(serve(actors[2], offer))
        assert licence is not None
        taken.append(licence.id)
    holder_ids, owner_ids, firm_ids = ([one.id for one in licences.list_licences(actor)] for actor in actors)
    assert holder_ids == taken[1::-1]
    assert owner_ids == firm_ids == taken[::-1]
    assert [one.id for one in licences.list_licences(actors[0], after=taken[1])] == taken[:1]
