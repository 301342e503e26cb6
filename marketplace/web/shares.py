"""Licence income and who shares in it: the book, a patent's rules and entries, and the yearly report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, SelectField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.money import Money
from marketplace.core.permissions import allowed, require
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.shares import agreements, allocating, report, rules, services
from marketplace.deals.shares import persons as people
from marketplace.deals.shares.models import (
    CATEGORIES,
    LedgerAccount,
    LedgerTransaction,
    SharePerson,
)
from marketplace.listings.models import Patent
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx

from . import formats, labels
from .downloads import saved, stored, streamed
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .holder_frame import party
from .people import uploaded

blueprint = Blueprint("shares", __name__, url_prefix="/shares")

_PAPERS: Final = _l("PDF, PNG or JPEG, up to 10 MB.")


class CostForm(Form):
    """What net income bears."""

    category = SelectField(_l("What kind of cost?"), [required()])
    amount = StringField(_l("Sum (yuan)"), [required()], filters=[stripped])
    on = DateField(_l("Paid on"), [required()])
    reference = StringField(_l("Reference"), [optional(), at_most(200)], filters=[stripped])
    evidence = FileField(_l("Evidence"), [optional()], description=_PAPERS)


class SinceForm(Form):
    """From when a rule holds, and the paper that it stands on; its parts are plain fields beside it."""

    since = DateField(_l("Holds from"), [required()])
    percent = StringField(
        _l("Share of these persons in your net income (per cent)"), [optional()], filters=[stripped]
    )
    evidence = FileField(_l("The agreement or rule"), [optional()], description=_PAPERS)


class PersonForm(Form):
    """A person who shares."""

    name = StringField(_l("Name of the person"), [required(), at_most(100)], filters=[stripped])
    staff_number = StringField(_l("Staff number"), [optional(), at_most(40)], filters=[stripped])


class AccountForm(Form):
    """Through which account a person sees its statement."""

    email = StringField(
        _l("E-mail address of the person's account"),
        [optional(), at_most(254)],
        description=_l("A member of your institution. Leave it empty to end the access."),
        filters=[stripped],
    )


@blueprint.get("")
@access("organisation")
def index() -> ResponseReturnValue:
    """The book of the organisation one works for: its patents with income, what is due to whom, persons.

    A member who only looks sees what is his or her own.
    """
    actor = current_actor()
    if not allowed(actor, "shares.view", party()).allowed and people.own_persons(actor):
        return redirect(url_for("shares.own"))
    return _index(PersonForm(formdata=None))


def _index(form: PersonForm) -> ResponseReturnValue:
    book = _book()
    due = report.due(book.id)
    persons = list(
        db.session.scalars(
            sa.select(SharePerson).where(SharePerson.organisation_id == book.id).order_by(SharePerson.id)
        )
    )
    year = clock.today().year - 1
    return (
        render_template(
            "shares/index.html",
            book=book,
            pools=report.pools(book.id),
            due=[(one, owed, _payee(one, book)) for one, owed in due],
            persons=persons,
            own=people.own_persons(current_actor()),
            form=form,
            year=year,
            report_due=rules.report_due(year),
            established=rules.is_state_established(book.state_established, book.type),
            today=clock.today(),
        ),
        status_of(form),
    )


def _book() -> Organisation:
    book = party()
    require(current_actor(), "shares.view", book)
    return book


def _payee(one: LedgerAccount, book: Organisation) -> str:
    if one.party_id is not None:
        found = db.session.get_one(Organisation, one.party_id)
        name = (found.name_en if formats.english() else None) or found.name
        return name if found.id != book.id else str(gettext("%(name)s (own part)", name=name))
    return _person(db.session.get(SharePerson, one.person_id))


def _person(person: SharePerson | None) -> str:
    if person is None or person.name is None:
        return str(gettext("Erased person %(id)s", id="—" if person is None else person.id))
    return f"{person.name} ({person.staff_number})" if person.staff_number else person.name


@blueprint.post("/persons")
@access("organisation")
def add_person() -> ResponseReturnValue:
    """Enter a person."""
    book, form = _book(), PersonForm()
    if form.validate_on_submit():
        with unit_of_work(current_actor()):
            people.add_person(current_actor(), book.id, form.name.data, form.staff_number.data)
        flash(gettext("Noted."), "success")
        return redirect(url_for("shares.index"))
    return _index(form)


@blueprint.post("/persons/<int:person_id>/erase")
@access("organisation")
def erase_person(person_id: int) -> ResponseReturnValue:
    """Erase a person's name; the sums stay."""
    with unit_of_work(current_actor()):
        people.erase_person(current_actor(), person_id)
    flash(gettext("The name is erased; the sums stay."), "success")
    return redirect(url_for("shares.index"))


@blueprint.get("/own")
@access("signed_in")
def own() -> ResponseReturnValue:
    """What is due to oneself as an inventor, at each institution that has entered one."""
    found = people.own_persons(current_actor())
    if not found:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return _statements(found, request.args.get("year", type=int), AccountForm(formdata=None), keeps=False)


@blueprint.route("/persons/<int:person_id>", methods=["GET", "POST"])
@access("organisation")
def person(person_id: int) -> ResponseReturnValue:
    """A person's statement, and the account through which the person sees it."""
    found, form = people.get(current_actor(), person_id), AccountForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(current_actor()):
                people.link_account(current_actor(), person_id, form.email.data or "")
        except Invalid as error:
            form.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("shares.person", person_id=person_id))
    elif request.method == "GET":
        account = None if found.user_id is None else db.session.get(User, found.user_id)
        form = AccountForm(formdata=None, data={"email": "" if account is None else account.email})
    keeps = allowed(current_actor(), "shares.keep", found).allowed
    return _statements([found], request.args.get("year", type=int), form, keeps=keeps)


def _statements(
    found: Sequence[SharePerson], year: int | None, form: AccountForm, *, keeps: bool
) -> ResponseReturnValue:
    if year is not None and not 2000 <= year <= clock.today().year:
        year = None
    statements = [people.statement(current_actor(), one.id, year) for one in found]
    patents = {one.entry.patent_id for each in statements for one in each.lines} - {None}
    return (
        render_template(
            "shares/person.html",
            statements=statements,
            institutions={
                one.organisation_id: db.session.get_one(Organisation, one.organisation_id) for one in found
            },
            patents={
                one.id: one
                for one in db.session.scalars(sa.select(Patent).where(Patent.id.in_(patents))).unique()
            },
            person=_person,
            year=year,
            today=clock.today(),
            form=form,
            keeps=keeps,
        ),
        status_of(form),
    )


@blueprint.post("/accounts/<int:account_id>/payout")
@access("organisation")
def pay_out(account_id: int) -> ResponseReturnValue:
    """Record that somebody was paid, today, what is due or a part of it."""
    actor = current_actor()
    with unit_of_work(actor):
        services.pay_out(
            actor,
            account_id,
            _minor(request.form.get("amount", "")),
            on=clock.today(),
            reference=request.form.get("reference", "")[:200].strip(),
        )
    flash(gettext("The pay-out is recorded."), "success")
    return redirect(url_for("shares.index"))


@blueprint.get("/patents/<int:patent_id>")
@access("organisation")
def patent(patent_id: int) -> ResponseReturnValue:
    """A patent's income, costs and allocations, and the rules by which it is shared."""
    answer: ResponseReturnValue = _patent(patent_id)
    return answer


def _patent(patent_id: int, cost: CostForm | None = None, since: SinceForm | None = None) -> Any:
    book = _book()
    found = db.session.get(Patent, patent_id)
    require(current_actor(), "shares.owned", found)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    entries = report.entries(book.id, patent_id)
    persons = list(
        db.session.scalars(
            sa.select(SharePerson)
            .where(SharePerson.organisation_id == book.id, SharePerson.erased_at.is_(None))
            .order_by(SharePerson.id)
        )
    )
    cost = cost or CostForm(formdata=None, data={"on": clock.today()})
    cost.category.choices = options((code, labels.name("ledger_cost", code)) for code in CATEGORIES)
    since = since or SinceForm(formdata=None, data={"since": clock.today(), "percent": "50"})
    undone = {one.reverses_id for one in entries if one.reverses_id is not None}
    return (
        render_template(
            "shares/patent.html",
            book=book,
            patent=found,
            entries=entries,
            undone=undone,
            pool=report.pool(book.id, patent_id),
            splits=agreements.splits_of(book.id, patent_id),
            rules=agreements.rules_of(book.id, patent_id),
            steps=report.steps([one.id for one in entries if one.kind == "allocation"]),
            organisations=report.names_of(entries, book.id),
            person=_person,
            persons=persons,
            named={one.id: one for one in report.persons(book.id)},
            cost=cost,
            since=since,
            established=rules.is_state_established(book.state_established, book.type),
        ),
        status_of(cost) if cost.errors or cost.form_errors else status_of(since),
    )


@blueprint.post("/patents/<int:patent_id>/cost")
@access("organisation")
def add_cost(patent_id: int) -> ResponseReturnValue:
    """Enter a cost."""
    book, form = _book(), CostForm()
    form.category.choices = options((code, labels.name("ledger_cost", code)) for code in CATEGORIES)
    if form.validate_on_submit():
        try:
            with unit_of_work(current_actor()):
                services.add_cost(
                    current_actor(),
                    book.id,
                    patent_id,
                    form.category.data,
                    _minor(form.amount.data),
                    on=form.on.data,
                    reference=form.reference.data,
                    evidence=uploaded(form.evidence),
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The cost is entered."), "success")
            return redirect(url_for("shares.patent", patent_id=patent_id))
    answer: ResponseReturnValue = _patent(patent_id, cost=form)
    return answer


@blueprint.post("/patents/<int:patent_id>/allocate")
@access("organisation")
def allocate(patent_id: int) -> ResponseReturnValue:
    """Divide what has gathered."""
    book = _book()
    try:
        with unit_of_work(current_actor()):
            allocating.allocate(current_actor(), book.id, patent_id)
    except Invalid as error:
        form = SinceForm(formdata=None, data={"since": clock.today(), "percent": "50"})
        form.accept(error)
        answer: ResponseReturnValue = _patent(patent_id, since=form)
        return answer
    flash(gettext("The net income is allocated."), "success")
    return redirect(url_for("shares.patent", patent_id=patent_id))


@blueprint.post("/patents/<int:patent_id>/<kind>")
@access("organisation")
def set_rule(patent_id: int, kind: str) -> ResponseReturnValue:
    """Enter the owners' agreement (`owners`) or the persons' rule (`persons`)."""
    book, form, actor = _book(), SinceForm(), current_actor()
    if kind not in ("owners", "persons"):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if form.validate_on_submit():
        try:
            parts = _parts()
            evidence = uploaded(form.evidence)
            with unit_of_work(actor):
                if kind == "owners":
                    agreements.agree_split(
                        actor, book.id, patent_id, parts, since=form.since.data, evidence=evidence
                    )
                else:
                    agreements.set_inventor_rule(
                        actor,
                        book.id,
                        patent_id,
                        _percent(form.percent.data or ""),
                        parts,
                        since=form.since.data,
                        evidence=evidence,
                    )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("shares.patent", patent_id=patent_id))
    answer: ResponseReturnValue = _patent(patent_id, since=form)
    return answer


def _parts() -> Mapping[int, Decimal]:
    keys, texts = request.form.getlist("key", type=int), request.form.getlist("part")
    return {key: _percent(text) for key, text in zip(keys, texts, strict=False) if text.strip()}


def _percent(text: str) -> Decimal:
    try:
        number = Decimal(text.strip().rstrip("%％"))
        if number.is_finite() and number == number.quantize(Decimal("0.0001")):
            return number
    except InvalidOperation:
        pass
    said = gettext("Please give per cent as a number, with four decimals at most.")
    raise Invalid("share-invalid", said, fields={"percent": [said]})


def _minor(text: str) -> int:
    try:
        return int(yuan()(text) or 0)
    except InvalidValue as error:
        raise Invalid("amount-invalid", error.reason, fields={"amount": [error.reason]}) from error


@blueprint.post("/entries/<int:entry_id>/reverse")
@access("organisation")
def reverse(entry_id: int) -> ResponseReturnValue:
    """Take an entry back by another one."""
    actor = current_actor()
    with unit_of_work(actor):
        row = services.reverse(actor, entry_id, reason=request.form.get("reason", ""))
        patent_id = row.patent_id
    flash(gettext("The entry is reversed; both stay readable."), "success")
    return redirect(url_for("shares.patent", patent_id=patent_id) if patent_id else url_for("shares.index"))


@blueprint.get("/evidence/<int:entry_id>")
@access("organisation")
def evidence(entry_id: int) -> Response:
    """The paper behind a cost, for whose book it is."""
    book, row = _book(), db.session.get(LedgerTransaction, entry_id)
    if row is None or row.book_id != book.id:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return stored(row.evidence_id)


@blueprint.get("/report/<int:year>")
@access("organisation")
def yearly(year: int) -> ResponseReturnValue:
    """What became of the institution's patents in a year (SH-TT 18), to print or to save as a spreadsheet."""
    book = _book()
    state = report.handed_in(book.id, year)
    return render_template(
        "shares/report.html",
        book=book,
        year=year,
        rows=report.yearly(book.id, year),
        definitions=report.DEFINITIONS,
        report_due=rules.report_due(year),
        handed_in_on=None if state is None else state.handed_in_on,
        today=clock.today(),
        established=rules.is_state_established(book.state_established, book.type),
    )


@blueprint.post("/report/<int:year>/handed-in")
@access("organisation")
def handed_in(year: int) -> ResponseReturnValue:
    """Note that the report was handed in today."""
    book, actor = _book(), current_actor()
    with unit_of_work(actor):
        report.note_handed_in(actor, book, year)
    flash(gettext("Noted."), "success")
    return redirect(url_for("shares.yearly", year=year))


@blueprint.get("/report/<int:year>.<ending>")
@access("organisation")
def yearly_file(year: int, ending: str) -> ResponseReturnValue:
    """The yearly report as CSV, a spreadsheet or JSON, with its definitions below the figures."""
    if ending not in ("csv", "xlsx", "json"):
        raise NotFound("file-missing", "The file is no longer in the store.")
    book = _book()
    if ending == "json":
        lines = list(_lines(book, year))
        body = {
            "institution": book.name,
            "year": year,
            "columns": lines[2],
            "rows": lines[3 : -len(report.DEFINITIONS)],
        }
        body["definitions"] = {str(name): str(meaning) for name, meaning in report.DEFINITIONS.values()}
        text = json.dumps(body, ensure_ascii=False, indent=2)
        return saved(text.encode(), f"transformation-{year}.json")
    pieces: Iterator[Any] = (as_csv if ending == "csv" else as_xlsx)(_lines(book, year))
    return streamed(pieces, f"transformation-{year}.{ending}")


def _lines(book: Organisation, year: int) -> Iterator[list[str]]:
    yield [safe_cell(gettext("Institution")), safe_cell(book.name)]
    yield [safe_cell(gettext("Year")), str(year)]
    yield [
        safe_cell(text)
        for text in (
            gettext("Patent number"),
            gettext("Title"),
            gettext("Licence"),
            gettext("Licensee"),
            gettext("In effect from"),
            gettext("Recordal number"),
            *(labels_ for labels_, _meaning in report.DEFINITIONS.values()),
        )
    ]
    for row in report.yearly(book.id, year):
        licence = row.licence
        yield [
            safe_cell(value)
            for value in (
                formats.patent_number(row.patent),
                row.patent.title,
                "" if licence is None else licence.number,
                "" if licence is None else licence.licensee.name,
                "" if licence is None else licence.effective_on.isoformat(),
                "" if licence is None else licence.recordal_number or "",
                *(str(Money(row.figures[name]).major) for name in report.DEFINITIONS),
            )
        ]
    for name, meaning in report.DEFINITIONS.values():
        yield [safe_cell(name), safe_cell(meaning)]
