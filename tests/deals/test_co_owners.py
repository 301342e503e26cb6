"""Co-owners of a patent know of the notices and licences on it; who declared acts alone on the money."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, notices, payments
from marketplace.listings.models import PatentParty
from marketplace.notifications.services import tell
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve


def co_owned(**offer: Any) -> tuple[Deal, Actor]:
    """A deal on a patent with a second patentee, and somebody who acts for that one."""
    deal = make_deal(**offer)
    with unit_of_work():
        second = factories.organisation("示例共有权利人")
        patent = deal.offer.patent
        patent.parties.append(PatentParty(position=1, organisation_id=second.id))
        return deal, factories.actor(second)


def told(action: str) -> set[tuple[int | None, str]]:
    [entry] = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == action))
    with unit_of_work():
        return {(one.organisation_id, one.code) for one in tell(entry)}


def test_co_owners_are_told_of_notices_and_licences(context: None) -> None:
    deal, second = co_owned(fee_form="free", fee_minor=None)
    serve(deal.firm_actor, deal.offer)
    both = (deal.holder.id, second.organisation_id)
    assert told("notice.served") == {(each, "notice_served") for each in both}
    assert told("licence.in_effect") == {
        (deal.firm.id, "licence_in_effect"),
        *((each, "licence_granted") for each in both),
    }


def test_the_lists_of_a_co_owner_hold_them_once_and_the_lists_of_strangers_do_not(context: None) -> None:
    deal, second = co_owned(fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    for actor in (second, deal.holder_actor, deal.firm_actor):
        assert notices.list_notices(actor) == [notice]
        assert [one.notice_id for one in licences.list_licences(actor)] == [notice.id]
    assert notices.list_notices(stranger) == []
    assert licences.list_licences(stranger) == []


def test_only_who_declared_confirms_the_money(context: None) -> None:
    deal, second = co_owned()
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    assert payments.get_payment(second, payment.id).id == payment.id
    with pytest.raises(Forbidden), unit_of_work(second):
        payments.confirm_payment(second, payment.id, clock.today(), payment.amount_minor)
