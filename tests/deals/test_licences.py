"""Licences: the certificate, the public check, recordal and end."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace

import pytest
import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.papers import MissingGlyph
from marketplace.core.papers.signing import verify
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, papers, payments
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import make_deal, serve


@pytest.fixture
def free(context):
    """A free offer, taken up by the firm."""
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free):
    """The licence of that."""
    return licence_of(serve(free.firm_actor, free.offer))


def test_the_certificate_is_printed_on_demand_sealed_and_kept(free, licence):
    assert licence.certificate_digest is None
    paper = licences.certificate_bytes(free.holder_actor, licence.id)
    again = licences.certificate_bytes(free.firm_actor, licence.id)
    assert paper == again
    row = db.session.get_one(Licence, licence.id)
    assert row.certificate_digest == hashlib.sha256(paper).hexdigest()
    check = verify(paper, papers.signer().trust_roots)
    assert (check.intact, check.valid, check.trusted, check.covers_whole_file) == (True,) * 4
    licences.render_certificate(licence.id)
    issued = sa.select(sa.func.count()).where(JournalEntry.action == "licence.certificate_issued")
    assert db.session.scalar(issued) == 1


def test_a_certificate_with_a_character_no_font_has_is_the_operators_task(context):
    with unit_of_work():
        person = factories.organisation("张示例", type="individual")
        actor = factories.actor(person)
    deal = make_deal(fee_form="free", fee_minor=None)
    licence = licence_of(serve(actor, deal.offer))
    with unit_of_work():
        db.session.get_one(type(person), person.id).name = "张\U0003013f"
    with pytest.raises(MissingGlyph):
        licences.render_certificate(licence.id)
    assert db.session.get_one(Licence, licence.id).certificate_digest is None


def test_the_certificate_of_a_paid_licence_names_its_payment(context):
    deal = make_deal()
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), payment.amount_minor)
    document = papers.certificate_document(licence_of(notice))
    [paid] = document.payments
    assert (paid.amount_minor, paid.paid_on, paid.reference) == (5_000_000, clock.today(), payment.reference)
    assert document.check_url.endswith(document.check_code)
    assert document.recordal_due_on == dt.date(2027, 2, 22)  # the 20th is a Saturday
    assert document.demonstration is True


def test_the_certificate_names_the_same_first_day_as_the_notice_when_the_term_is_still_to_begin(context):
    deal = make_deal(fee_form="free", fee_minor=None, term_from=dt.date(2027, 1, 1))
    licence = licence_of(serve(deal.firm_actor, deal.offer))
    assert licence.effective_on == clock.today()
    assert papers.certificate_document(licence).term_from == dt.date(2027, 1, 1)


def test_anyone_may_check_a_code_and_learns_the_licensee_only_once_it_is_recorded(free, licence):
    code = licence.certificate_code
    check = licences.check_certificate(f" {code[:4]}-{code[4:]} ".lower())
    assert (check.valid, check.number, check.licensee) == (True, licence.number, None)
    assert check.holders == (free.holder.name,)
    with unit_of_work(free.firm_actor):
        licences.record_recordal(free.firm_actor, licence.id, number="X2026310000001", on=clock.today())
    check = licences.check_certificate(code)
    assert (check.licensee, check.recordal_number) == (free.firm.name, "X2026310000001")
    with pytest.raises(NotFound):
        licences.check_certificate("0" * 20)


def test_licences_are_listed_for_their_parties_newest_first_by_keyset(context):
    deal = make_deal(fee_form="free", fee_minor=None)
    with unit_of_work():
        firms = [factories.actor(factories.organisation()) for _ in range(3)]
        stranger, operator = factories.actor(factories.organisation()), factories.operator()
    made = [licence_of(serve(firm, deal.offer)).id for firm in firms]
    for actor in (deal.holder_actor, operator):
        first = licences.list_licences(actor, limit=2)
        rest = licences.list_licences(actor, after=first[-1].id, limit=2)
        assert [one.id for one in first + rest] == made[::-1]
    assert [one.id for one in licences.list_licences(firms[0])] == made[:1]
    assert licences.list_licences(stranger) == []
    assert licences.list_licences(replace(stranger, principals=frozenset({deal.holder.id})))
    with pytest.raises(NotFound):
        licences.get_licence(stranger, made[0])
    with pytest.raises(NotFound):
        licences.certificate_bytes(stranger, made[0])


def test_a_recordal_is_filed_then_recorded_by_either_party(free, licence):
    with unit_of_work(free.firm_actor):
        licences.file_recordal(free.firm_actor, licence.id)
    assert (licence.recordal_state, licence.recordal_filed_on) == ("filed", clock.today())
    with pytest.raises(Invalid), unit_of_work(free.holder_actor):
        licences.record_recordal(free.holder_actor, licence.id, number=" ", on=clock.today())
    with pytest.raises(Invalid), unit_of_work(free.holder_actor):
        licences.record_recordal(free.holder_actor, licence.id, number="X001", on=dt.date(2026, 11, 19))
    with unit_of_work(free.holder_actor):
        licences.record_recordal(free.holder_actor, licence.id, number="X001", on=clock.today())
    assert licence.recordal_state == "recorded"
    with pytest.raises(Conflict), unit_of_work(free.firm_actor):
        licences.file_recordal(free.firm_actor, licence.id)


def test_an_overdue_recordal_turns_late_and_then_needs_its_reason(free, licence):
    after = clock.end_of_day_utc(licence.recordal_due_on)
    with clock.at(after - dt.timedelta(seconds=1)):
        licences.expire_licences()
        assert db.session.get_one(Licence, licence.id).recordal_state == "to_do"
    with clock.at(after):
        licences.expire_licences()
        assert db.session.get_one(Licence, licence.id).recordal_state == "late"
        with pytest.raises(Invalid) as refused, unit_of_work(free.firm_actor):
            licences.file_recordal(free.firm_actor, licence.id)
        assert refused.value.code == "late-reason-missing"
        with unit_of_work(free.firm_actor):
            licences.file_recordal(free.firm_actor, licence.id, late_reason="材料补正")
        assert db.session.get_one(Licence, licence.id).recordal_state == "filed"


def test_a_licence_ends_after_the_last_day_of_its_term(free, licence):
    over = clock.end_of_day_utc(licence.term_to)
    with clock.at(over - dt.timedelta(seconds=1)):
        licences.expire_licences()
        assert licences.check_certificate(licence.certificate_code).valid
    with clock.at(over):
        licences.expire_licences()
        row = db.session.get_one(Licence, licence.id)
        assert (row.state, row.ended_on, row.ended_reason) == ("ended", licence.term_to, "term")
        assert not licences.check_certificate(licence.certificate_code).valid


def test_a_licence_is_ended_on_a_known_ground_which_only_the_holder_can_state(free, licence):
    with pytest.raises(Invalid), unit_of_work(free.holder_actor):
        licences.end_licence(free.holder_actor, licence.id, reason="dislike")
    with pytest.raises(Invalid), unit_of_work(free.holder_actor):
        licences.end_licence(free.holder_actor, licence.id, reason="patent_ended")
    with pytest.raises(Forbidden), unit_of_work(free.firm_actor):
        licences.end_licence(free.firm_actor, licence.id, reason="statutory_ground")
    with pytest.raises(Invalid), unit_of_work(free.holder_actor):
        licences.end_licence(
            free.holder_actor, licence.id, reason="contractual_ground", on=dt.date(2026, 11, 21)
        )
    with clock.at(NOW + dt.timedelta(days=2)), unit_of_work(free.holder_actor):
        licences.end_licence(free.holder_actor, licence.id, reason="contractual_ground")
    assert (licence.state, licence.ended_on) == ("ended", dt.date(2026, 11, 22))
    assert not licences.check_certificate(licence.certificate_code).valid
    with clock.at(NOW + dt.timedelta(days=3)):
        assert serve(free.firm_actor, free.offer).state == "paid"
