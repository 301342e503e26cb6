"""Licence income and who shares in it: the book, its entries, rules, persons, and the yearly report."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.permissions import require
from marketplace.deals.shares import agreements, allocating, report, rules, services
from marketplace.deals.shares import persons as people
from marketplace.deals.shares.models import (
    CATEGORIES,
    ENTRY_KINDS,
    InventorRule,
    LedgerAccount,
    LedgerTransaction,
    OwnerSplit,
    SharePerson,
)
from marketplace.listings.models import Patent

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint
from .files import LARGEST_IN_JSON, WithFile, kept_file, sent_along
from .shapes import Amount, Day, Id, Instant, key_of

blueprint = Blueprint(
    "shares", "income and shares", "The book of licence income of the token's organisation."
)

_SUM = {"description": "in minor units (分), below zero for a loss or a reversal"}
_LARGEST = 10**15


class SharePoolView(ma.Schema):
    """What waits to be divided of a patent's net income."""

    patent_id = Id(required=True)
    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    waiting_minor = fields.Integer(required=True, metadata=_SUM)


class ShareDueView(ma.Schema):
    """What is due to an owner or a person; `payouts` of the account records its payment."""

    account_id = Id(required=True)
    organisation_id = Id(required=True, allow_none=True)
    person_id = Id(required=True, allow_none=True)
    currency = fields.String(required=True)
    due_minor = fields.Integer(required=True, metadata=_SUM)


class ShareBookView(ma.Schema):
    """The book of one organisation."""

    organisation_id = Id(required=True)
    state_established = fields.Boolean(
        required=True, metadata={"description": "at least half goes to persons (TTL 45)"}
    )
    pools = fields.List(fields.Nested(SharePoolView), required=True)
    due = fields.List(fields.Nested(ShareDueView), required=True)


class SharePostingView(ma.Schema):
    """One side of an entry: above zero debit, below zero credit."""

    account_id = Id(required=True)
    kind = fields.String(required=True)
    organisation_id = Id(required=True, allow_none=True)
    person_id = Id(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)


class ShareEntryView(ma.Schema):
    """An entry of the ledger; it balances and is never changed, only reversed by another one."""

    id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(ENTRY_KINDS)})
    occurred_on = Day(required=True)
    category = fields.String(required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    licence_id = Id(required=True, allow_none=True)
    reverses_id = Id(required=True, allow_none=True)
    has_file = fields.Boolean(required=True, metadata={"description": "the paper behind a cost"})
    postings = fields.List(fields.Nested(SharePostingView), required=True)
    steps = fields.List(
        fields.Dict(), required=True, metadata={"description": "of an allocation: how it was reckoned"}
    )


class SharePartView(ma.Schema):
    """A part in per cent."""

    id = Id(required=True, metadata={"description": "of the organisation or the person"})
    percent = fields.Float(required=True)


class ShareRuleView(ma.Schema):
    """A rule from a day on: of the owners, or of those who made and transformed the result."""

    id = Id(required=True)
    since = Day(required=True)
    percent = fields.Float(required=True, allow_none=True)
    parts = fields.List(fields.Nested(SharePartView), required=True)
    has_file = fields.Boolean(required=True, metadata={"description": "the paper behind it"})


class PatentSharesView(ma.Schema):
    """A patent's book: rules and the latest 100 entries, newest first."""

    patent_id = Id(required=True)
    patent_number = fields.String(required=True)
    waiting_minor = fields.Integer(required=True, metadata=_SUM)
    owner_agreements = fields.List(fields.Nested(ShareRuleView), required=True)
    inventor_rules = fields.List(fields.Nested(ShareRuleView), required=True)
    entries = fields.List(fields.Nested(ShareEntryView), required=True)


class ShareCostRequest(WithFile):
    """What net income bears, with its paper if there is one."""

    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    amount = fields.Nested(Amount, required=True)
    on = shapes.day(required=True)
    reference = shapes.text(200, lines=False)


class SharePayoutRequest(ma.Schema):
    """What was paid to an owner or a person."""

    amount = fields.Nested(Amount, required=True)
    on = shapes.day(required=True)
    reference = shapes.text(200, lines=False)


class SharePartRequest(ma.Schema):
    """A part in per cent, with four decimals at most."""

    id = fields.String(required=True, validate=validate.Length(max=20))
    percent = fields.Float(required=True, validate=validate.Range(min=0, max=100))


class ShareOwnersRequest(WithFile):
    """What the owners have agreed; the parts, by organisation, make up 100."""

    since = shapes.day(required=True)
    parts = fields.List(
        fields.Nested(SharePartRequest), required=True, validate=validate.Length(min=1, max=50)
    )


class ShareInventorsRequest(ShareOwnersRequest):
    """What of the own part goes to which persons; the parts, by person, make up 100."""

    percent = fields.Float(required=True, validate=validate.Range(min=0, max=100))


class SharePersonRequest(ma.Schema):
    """A person who shares: a name, and a staff number to tell two of one name apart."""

    name = shapes.text(100, required=True, lines=False)
    staff_number = shapes.text(40, lines=False)


class SharePersonView(ma.Schema):
    """A person who shares; without a name it was erased."""

    id = Id(required=True)
    name = fields.String(required=True, allow_none=True)
    staff_number = fields.String(required=True, allow_none=True)
    added_at = Instant(required=True)
    erased_at = Instant(required=True, allow_none=True)


class SharePersonList(ma.Schema):
    """Persons, oldest first."""

    items = fields.List(fields.Nested(SharePersonView), required=True)


class ShareBasisView(ma.Schema):
    """How a part came about: of the net income, of the institution's own part, and the rate for persons."""

    net_minor = fields.Integer(required=True)
    own_minor = fields.Integer(required=True)
    persons_percent = fields.String(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)


class ShareStatementLineView(ma.Schema):
    """One entry: above zero what became due, below zero what was paid or taken back."""

    entry_id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(ENTRY_KINDS)})
    occurred_on = Day(required=True)
    patent_id = Id(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)
    bases = fields.List(fields.Nested(ShareBasisView), required=True)


class PersonStatementView(ma.Schema):
    """What is a person's, for the person and for those who keep the book."""

    person_id = Id(required=True)
    organisation_id = Id(required=True)
    name = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True, allow_none=True)
    lines = fields.List(fields.Nested(ShareStatementLineView), required=True)
    due = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "due now, in minor units by currency"},
    )


class ShareOwnStatements(ma.Schema):
    """The statements of the token's user, one for each institution."""

    items = fields.List(fields.Nested(PersonStatementView), required=True)


class ShareYearQuery(shapes.Query):
    """Of one year, else of all."""

    year = fields.Integer(validate=validate.Range(min=2000, max=2100))


class ShareReasonRequest(ma.Schema):
    """Why."""

    reason = shapes.text(200, required=True, lines=False)


class ShareReportRowView(ma.Schema):
    """A licence's year, or what stands with the patent as a whole; figures in minor units."""

    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    licence_number = fields.String(required=True, allow_none=True)
    licensee = fields.String(required=True, allow_none=True)
    effective_on = Day(required=True, allow_none=True)
    recordal_number = fields.String(required=True, allow_none=True)
    figures = fields.Dict(required=True, keys=fields.String(), values=fields.Integer())


class TransformationReportView(ma.Schema):
    """What became of an institution's patents in a year (SH-TT 18), due on 30 March after it."""

    organisation_id = Id(required=True)
    year = fields.Integer(required=True)
    due_on = Day(required=True)
    handed_in_on = Day(required=True, allow_none=True)
    definitions = fields.Dict(required=True, keys=fields.String(), values=fields.String())
    rows = fields.List(fields.Nested(ShareReportRowView), required=True)


def _book(actor: Actor) -> Organisation:
    """The book of the organisation that the token acts for."""
    book = db.session.get(Organisation, actor.organisation_id)
    if book is None:
        raise Forbidden("forbidden", "Your account may not do this.")
    require(actor, "shares.view", book)
    return book


def _patent(actor: Actor, patent_id: str) -> Patent:
    row = db.session.get(Patent, key_of(patent_id))
    require(actor, "shares.owned", row)
    return db.session.get_one(Patent, key_of(patent_id))


def _entry(row: LedgerTransaction, steps: list[Any]) -> dict[str, Any]:
    plain = ("id", "kind", "occurred_on", "category", "reference", "licence_id", "reverses_id")
    return {name: getattr(row, name) for name in plain} | {
        "has_file": row.evidence_id is not None,
        "postings": [
            {
                "account_id": one.account_id,
                "kind": one.account.kind,
                "organisation_id": one.account.party_id,
                "person_id": one.account.person_id,
                "amount_minor": one.amount_minor,
                "currency": one.currency,
            }
            for one in row.postings
        ],
        "steps": steps,
    }


def _entered(row: LedgerTransaction) -> dict[str, Any]:
    return _entry(row, report.steps([row.id]).get(row.id, []))


def _due(account: LedgerAccount, owed: int) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "organisation_id": account.party_id,
        "person_id": account.person_id,
        "currency": account.currency,
        "due_minor": owed,
    }


def _split(row: OwnerSplit) -> dict[str, Any]:
    parts = [{"id": one.organisation_id, "percent": shapes.number(one.percent)} for one in row.parts]
    return {
        "id": row.id,
        "since": row.effective_from,
        "percent": None,
        "parts": parts,
        "has_file": row.evidence_id is not None,
    }


def _inventors(row: InventorRule) -> dict[str, Any]:
    parts = [{"id": one.person_id, "percent": shapes.number(one.percent)} for one in row.parts]
    return {
        "id": row.id,
        "since": row.effective_from,
        "percent": shapes.number(row.percent),
        "parts": parts,
        "has_file": row.evidence_id is not None,
    }


def _parts(body: dict[str, Any]) -> dict[int, Decimal]:
    return {key_of(one["id"]): _percent(one["percent"]) for one in body["parts"]}


def _percent(number: float) -> Decimal:
    """Per cent with four decimals, as a JSON number writes it."""
    return Decimal(str(number)).quantize(Decimal("0.0001"))


def _person(row: SharePerson) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SharePersonView().fields}


def _statement(found: people.Statement) -> dict[str, Any]:
    return {
        "person_id": found.person.id,
        "organisation_id": found.person.organisation_id,
        "name": found.person.name,
        "year": found.year,
        "due": found.due,
        "lines": [
            {
                "entry_id": one.entry.id,
                "kind": one.entry.kind,
                "occurred_on": one.entry.occurred_on,
                "patent_id": one.entry.patent_id,
                "amount_minor": one.amount_minor,
                "bases": one.bases,
            }
            for one in found.lines
        ],
    }


# --- the book


@blueprint.call("GET", "/shares")
@access("organisation")
@blueprint.response(200, ShareBookView)
def get_shares() -> dict[str, Any]:
    """What waits to be divided by patent, and what is due to whom."""
    book = _book(current_actor())
    return {
        "organisation_id": book.id,
        "state_established": rules.is_state_established(book.state_established, book.type),
        "pools": [
            {
                "patent_id": patent.id,
                "patent_number": patent.reference,
                "title": patent.title,
                "waiting_minor": waiting,
            }
            for patent, waiting in report.pools(book.id)
        ],
        "due": [_due(account, owed) for account, owed in report.due(book.id)],
    }


@blueprint.call("GET", "/shares/patents/<patent_id>")
@access("organisation")
@blueprint.response(200, PatentSharesView)
def get_patent_shares(patent_id: str) -> dict[str, Any]:
    """A patent's rules and entries in the organisation's book."""
    actor = current_actor()
    book, patent = _book(actor), _patent(actor, patent_id)
    entries = report.entries(book.id, patent.id)
    steps = report.steps([one.id for one in entries if one.kind == "allocation"])
    return {
        "patent_id": patent.id,
        "patent_number": patent.reference,
        "waiting_minor": report.pool(book.id, patent.id),
        "owner_agreements": [_split(one) for one in agreements.splits_of(book.id, patent.id)],
        "inventor_rules": [_inventors(one) for one in agreements.rules_of(book.id, patent.id)],
        "entries": [_entry(one, steps.get(one.id, [])) for one in entries],
    }


@blueprint.call("POST", "/shares/patents/<patent_id>/costs", largest=LARGEST_IN_JSON)
@access("organisation")
@blueprint.arguments(ShareCostRequest)
@blueprint.response(201, ShareEntryView)
def add_share_cost(body: dict[str, Any], patent_id: str) -> Response:
    """Enter a cost that the patent's net income bears."""

    def act(actor: Actor) -> dict[str, Any]:
        row = services.add_cost(
            actor,
            _book(actor).id,
            key_of(patent_id),
            body["category"],
            body["amount"]["amount_minor"],
            on=body["on"],
            reference=body.get("reference"),
            currency=body["amount"]["currency"],
            evidence=sent_along(body, "cost"),
        )
        return _entered(row)

    return once(ShareEntryView, act, status=201)


@blueprint.call("POST", "/shares/patents/<patent_id>/allocations")
@access("organisation")
@blueprint.response(201, ShareEntryView)
def allocate_shares(patent_id: str) -> Response:
    """Divide what has gathered among owners and persons, by the rules of the day on which each sum came."""

    def act(actor: Actor) -> dict[str, Any]:
        return _entered(allocating.allocate(actor, _book(actor).id, _patent(actor, patent_id).id))

    return once(ShareEntryView, act, status=201)


@blueprint.call("POST", "/shares/patents/<patent_id>/owner-agreements", largest=LARGEST_IN_JSON)
@access("organisation")
@blueprint.arguments(ShareOwnersRequest)
@blueprint.response(201, ShareRuleView)
def enter_owner_agreement(body: dict[str, Any], patent_id: str) -> Response:
    """Enter what the owners have agreed (Patent Law, Art. 14); the others are told."""

    def act(actor: Actor) -> dict[str, Any]:
        row = agreements.agree_split(
            actor,
            _book(actor).id,
            key_of(patent_id),
            _parts(body),
            since=body["since"],
            evidence=sent_along(body, "agreement"),
        )
        db.session.flush()
        return _split(row)

    return once(ShareRuleView, act, status=201)


@blueprint.call("POST", "/shares/patents/<patent_id>/inventor-rules", largest=LARGEST_IN_JSON)
@access("organisation")
@blueprint.arguments(ShareInventorsRequest)
@blueprint.response(201, ShareRuleView)
def enter_inventor_rule(body: dict[str, Any], patent_id: str) -> Response:
    """Enter what of the own part goes to which persons: at least half where the state founded it (TTL 45)."""

    def act(actor: Actor) -> dict[str, Any]:
        row = agreements.set_inventor_rule(
            actor,
            _book(actor).id,
            key_of(patent_id),
            _percent(body["percent"]),
            _parts(body),
            since=body["since"],
            evidence=sent_along(body, "rule"),
        )
        db.session.flush()
        return _inventors(row)

    return once(ShareRuleView, act, status=201)


@blueprint.call("GET", "/shares/owner-agreements/<agreement_id>/file")
@access("organisation")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_owner_agreement_file(agreement_id: str) -> Response:
    """The paper behind an agreement, for those whose book it is in."""
    book, row = _book(current_actor()), db.session.get(OwnerSplit, key_of(agreement_id))
    return kept_file(row.evidence_id if row is not None and row.book_id == book.id else None)


@blueprint.call("GET", "/shares/inventor-rules/<rule_id>/file")
@access("organisation")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_inventor_rule_file(rule_id: str) -> Response:
    """The paper behind a rule for persons, for those whose book it is in."""
    book, row = _book(current_actor()), db.session.get(InventorRule, key_of(rule_id))
    return kept_file(row.evidence_id if row is not None and row.organisation_id == book.id else None)


@blueprint.call("GET", "/shares/entries/<entry_id>/file")
@access("organisation")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_share_entry_file(entry_id: str) -> Response:
    """The paper behind a cost, for those whose book it is in."""
    book, row = _book(current_actor()), db.session.get(LedgerTransaction, key_of(entry_id))
    return kept_file(row.evidence_id if row is not None and row.book_id == book.id else None)


@blueprint.call("POST", "/shares/accounts/<account_id>/payouts")
@access("organisation")
@blueprint.arguments(SharePayoutRequest)
@blueprint.response(201, ShareEntryView)
def record_payout(body: dict[str, Any], account_id: str) -> Response:
    """Record that an owner or a person was paid; an owner's part becomes income of its own book."""

    def act(actor: Actor) -> dict[str, Any]:
        row = services.pay_out(
            actor,
            key_of(account_id),
            body["amount"]["amount_minor"],
            on=body["on"],
            reference=body.get("reference"),
        )
        return _entered(row)

    return once(ShareEntryView, act, status=201)


@blueprint.call("POST", "/shares/entries/<entry_id>/actions/reverse")
@access("organisation")
@blueprint.arguments(ShareReasonRequest)
@blueprint.response(200, ShareEntryView)
def reverse_share_entry(body: dict[str, Any], entry_id: str) -> Response:
    """Take a cost, a pay-out or the latest allocation back by an entry of its own."""

    def act(actor: Actor) -> dict[str, Any]:
        return _entered(services.reverse(actor, key_of(entry_id), reason=body["reason"]))

    return once(ShareEntryView, act)


# --- persons


@blueprint.call("GET", "/shares/persons")
@access("organisation")
@blueprint.response(200, SharePersonList)
def list_share_persons() -> dict[str, Any]:
    """Those who made and transformed results of the organisation."""
    book = _book(current_actor())
    return {"items": [_person(one) for one in sorted(report.persons(book.id), key=lambda one: one.id)]}


@blueprint.call("POST", "/shares/persons")
@access("organisation")
@blueprint.arguments(SharePersonRequest)
@blueprint.response(201, SharePersonView)
def add_share_person(body: dict[str, Any]) -> Response:
    """Enter a person; nothing but the name and the staff number is kept."""

    def act(actor: Actor) -> dict[str, Any]:
        row = people.add_person(actor, _book(actor).id, body["name"], body.get("staff_number"))
        return _person(row)

    return once(SharePersonView, act, status=201)


@blueprint.call("POST", "/shares/persons/<person_id>/actions/erase")
@access("organisation")
@blueprint.response(200, SharePersonView)
def erase_share_person(person_id: str) -> Response:
    """Erase a person's name and number; the sums stay, by the id alone."""
    return once(SharePersonView, lambda actor: _person(people.erase_person(actor, key_of(person_id))))


@blueprint.call("GET", "/shares/persons/<person_id>/statement")
@access("signed_in")
@blueprint.arguments(ShareYearQuery, location="query")
@blueprint.response(200, PersonStatementView)
def get_person_statement(asked: dict[str, Any], person_id: str) -> dict[str, Any]:
    """What is a person's with its basis, for the person and for those who keep the book."""
    return _statement(people.statement(current_actor(), key_of(person_id), asked.get("year")))


@blueprint.call("GET", "/shares/statements")
@access("signed_in")
@blueprint.arguments(ShareYearQuery, location="query")
@blueprint.response(200, ShareOwnStatements)
def list_own_statements(asked: dict[str, Any]) -> dict[str, Any]:
    """The statements of the token's own user."""
    actor = current_actor()
    found = [people.statement(actor, one.id, asked.get("year")) for one in people.own_persons(actor)]
    return {"items": [_statement(one) for one in found]}


# --- the yearly report


def _report(book: Organisation, year: int) -> dict[str, Any]:
    state = report.handed_in(book.id, year)
    return {
        "organisation_id": book.id,
        "year": year,
        "due_on": rules.report_due(year),
        "handed_in_on": None if state is None else state.handed_in_on,
        "definitions": {name: str(meaning) for name, (_title, meaning) in report.DEFINITIONS.items()},
        "rows": [
            {
                "patent_number": row.patent.reference,
                "title": row.patent.title,
                "licence_number": row.licence and row.licence.number,
                "licensee": row.licence and row.licence.licensee.name,
                "effective_on": row.licence and row.licence.effective_on,
                "recordal_number": row.licence and row.licence.recordal_number,
                "figures": row.figures,
            }
            for row in report.yearly(book.id, year)
        ],
    }


@blueprint.call("GET", "/shares/reports/<int:year>")
@access("organisation")
@blueprint.response(200, TransformationReportView)
def get_transformation_report(year: int) -> Response:
    """A year's figures per licence and patent, with what they mean."""
    return json_answer(TransformationReportView().dump(_report(_book(current_actor()), _known(year))))


@blueprint.call("POST", "/shares/reports/<int:year>/actions/handed_in")
@access("organisation")
@blueprint.response(200, TransformationReportView)
def note_report_handed_in(year: int) -> Response:
    """Note that the report was handed in to the supervising body today."""
    _known(year)

    def act(actor: Actor) -> dict[str, Any]:
        book = _book(actor)
        report.note_handed_in(actor, book, year)
        return _report(book, year)

    return once(TransformationReportView, act)


def _known(year: int) -> int:
    if not 2000 <= year <= 2100:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return year
