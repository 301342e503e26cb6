"""Royalties: what is to be reported and paid over all licences, a period's statements, and default."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.money import InvalidMoney, Money
from marketplace.core.permissions import allowed
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.royalties import reading, services
from marketplace.deals.royalties.lifecycle import CHANGE, DEFAULT
from marketplace.deals.royalties.models import (
    LENGTHS,
    RoyaltyEvidence,
    RoyaltyPeriod,
    RoyaltyStatement,
)
from marketplace.deals.royalties.services import Given, LineGiven, Reading
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx

from . import formats, labels
from .downloads import kept, streamed
from .forms import Form, at_most, optional, options, required, status_of, stripped

blueprint = Blueprint("royalties", __name__, url_prefix="/royalties")

_SIZE: Final = 50
_BLANK_LINES: Final = 4


class StatementForm(Form):
    """What stands beside the lines of a statement."""

    note = TextAreaField(_l("Note"), [optional(), at_most(services.MAX_NOTE)], filters=[stripped])
    reason = StringField(
        _l("What was wrong in the earlier statement?"), [optional(), at_most(500)], filters=[stripped]
    )
    files = MultipleFileField(
        _l("Evidence"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB each, ten at most.")
    )


class ReadingForm(Form):
    """How one party reads the announced terms as to reporting."""

    length = SelectField(_l("Reporting period"), [required()])
    report_days = IntegerField(_l("Days for the statement after the period's end"), [required()])
    pay_days = IntegerField(_l("Days for the payment after that"), [required()])
    minimum = StringField(
        _l("Least royalty of a period (yuan)"),
        [optional()],
        description=_l("Only where the announced terms name one."),
        filters=[stripped],
    )
    cap = StringField(_l("Highest royalty of a period (yuan)"), [optional()], filters=[stripped])
    reason = StringField(_l("Where does it stand?"), [required(), at_most(500)], filters=[stripped])


class DefaultForm(Form):
    """The holder's demand, and the day that it sets."""

    text = TextAreaField(_l("What do you demand?"), [required(), at_most(2000)], filters=[stripped])
    cure_by = DateField(_l("To be done by"), [required()])


@blueprint.get("")
@access("organisation")
def index() -> ResponseReturnValue:
    """All periods of the actor's licences, on either side, with what is due first."""
    actor = current_actor()
    group = request.args.get("group", "")
    asked = group if group in reading.GROUPS else None
    rows = reading.page(
        reading.periods(actor, group=asked), before=request.args.get("before", type=int), limit=_SIZE + 1
    )
    return render_template(
        "royalties/index.html",
        rows=[(one, services.current(one), reading.payment_of(one)) for one in rows[:_SIZE]],
        counts=reading.counts(actor),
        group=asked,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        side=_side,
    )


def _side(period: RoyaltyPeriod) -> str:
    return "licensee" if period.licence.licensee_id in current_actor().licensees else "holder"


@blueprint.get("/export.<ending>")
@access("organisation")
def export(ending: str) -> ResponseReturnValue:
    """All periods of the actor's licences as CSV or a spreadsheet."""
    if ending not in ("csv", "xlsx"):
        raise NotFound("file-missing", "The file is no longer in the store.")
    query = reading.periods(current_actor()).order_by(RoyaltyPeriod.licence_id, RoyaltyPeriod.begins)
    rows = list(db.session.scalars(query).unique())
    pieces: Iterator[Any] = (as_csv if ending == "csv" else as_xlsx)(_lines(rows))
    return streamed(pieces, f"royalties-{clock.today():%Y%m%d}.{ending}")


def _lines(rows: list[RoyaltyPeriod]) -> Iterator[list[str]]:
    yield [
        safe_cell(text)
        for text in (
            gettext("Licence"),
            gettext("Patent number"),
            gettext("Licensee"),
            gettext("From"),
            gettext("To"),
            gettext("Statement due on"),
            gettext("Status"),
            gettext("Base"),
            gettext("Rate (per cent)"),
            gettext("Sum of the base (yuan)"),
            gettext("Royalty (yuan)"),
            gettext("Payment due on"),
            gettext("Payment"),
        )
    ]
    for one in rows:
        said = services.current(one)
        yield [
            safe_cell(value)
            for value in (
                one.licence.number,
                formats.patent_number(one.licence.patent),
                one.licence.licensee.name,
                one.begins.isoformat(),
                one.ends.isoformat(),
                one.report_due_on.isoformat(),
                labels.name("royalty_state", one.state),
                labels.name("royalty_base", one.base),
                f"{one.rate_percent.normalize():f}",
                "" if said is None else str(Money(said.base_minor, one.currency).major),
                "" if said is None else str(Money(said.royalty_minor, one.currency).major),
                one.pay_due_on.isoformat(),
                "" if said is None else labels.name("royalty_payment", reading.payment_of(one)),
            )
        ]


@blueprint.get("/licences/<int:licence_id>")
@access("organisation")
def licence(licence_id: int) -> ResponseReturnValue:
    """How one licence is reported, its periods, and what the parties propose to each other."""
    return _licence_page(licence_id, None)


def _licence_page(licence_id: int, form: ReadingForm | None) -> ResponseReturnValue:
    actor = current_actor()
    plan = reading.plan_of(actor, licence_id)
    periods = list(
        db.session.scalars(
            reading.periods(actor, licence_id=licence_id).order_by(RoyaltyPeriod.begins.desc())
        ).unique()
    )
    changes = reading.changes_of(plan)
    if form is None:
        form = ReadingForm(formdata=None, data={
            "length": plan.length,
            "report_days": plan.report_days,
            "pay_days": plan.pay_days,
            "minimum": _yuan(plan.minimum_minor),
            "cap": _yuan(plan.cap_minor),
        })  # fmt: skip
    form.length.choices = options((code, labels.name("royalty_length", code)) for code in LENGTHS)
    return (
        render_template(
            "royalties/licence.html",
            plan=plan,
            licence=plan.licence,
            rows=[(one, services.current(one), reading.payment_of(one)) for one in periods],
            changes=[(one, [move.action for move in CHANGE.offered(actor, one)]) for one in changes],
            may_propose=allowed(actor, "royalty.propose_plan", plan).allowed
            and plan.licence.state == "in_effect"
            and all(one.state != "proposed" for one in changes),
            form=form,
            side=_side,
        ),
        status_of(form),
    )


@blueprint.post("/licences/<int:licence_id>/reading")
@access("organisation")
def propose(licence_id: int) -> ResponseReturnValue:
    """Propose a reading of the terms to the other party."""
    form = ReadingForm()
    form.length.choices = options((code, labels.name("royalty_length", code)) for code in LENGTHS)
    if form.validate_on_submit():
        try:
            proposed = Reading(
                form.length.data,
                form.report_days.data,
                form.pay_days.data,
                _minor(form.minimum.data, "minimum"),
                _minor(form.cap.data, "cap"),
                form.reason.data,
            )
            with unit_of_work(current_actor()):
                services.propose_plan(current_actor(), licence_id, proposed)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The other party is asked."), "success")
            return redirect(url_for("royalties.licence", licence_id=licence_id))
    return _licence_page(licence_id, form)


@blueprint.post("/readings/<int:change_id>/<action>")
@access("organisation")
def answer(change_id: int, action: str) -> ResponseReturnValue:
    """Accept, decline or take back a proposed reading."""
    if action not in CHANGE.actions():
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    with unit_of_work(current_actor()):
        change = services.answer_plan(current_actor(), change_id, action)
        licence_id = change.plan.licence_id
    flash(gettext("Noted."), "success")
    return redirect(url_for("royalties.licence", licence_id=licence_id))


@blueprint.get("/<int:period_id>")
@access("organisation")
def period(period_id: int) -> ResponseReturnValue:
    """A period: every statement with its reckoning, what is owed, and notices of default; made to print."""
    return _period_page(services.get(current_actor(), RoyaltyPeriod, period_id), None)


def _period_page(row: RoyaltyPeriod, form: DefaultForm | None) -> ResponseReturnValue:
    actor = current_actor()
    defaults = reading.defaults_of(row)
    today = clock.today()
    ground = services.ground_of(row, today)
    earliest = services.shortest_cure(row, today)
    if form is None:
        form = DefaultForm(formdata=None, data={"cure_by": earliest.date})
    may_report = allowed(actor, "royalty.report", row).allowed and row.ends < today
    return (
        render_template(
            "royalties/period.html",
            period=row,
            licence=row.licence,
            statements=[(one, services.reckon(row, one.lines)) for one in reversed(row.statements)],
            payment=reading.payment_of(row),
            defaults=[(one, [move.action for move in DEFAULT.offered(actor, one)]) for one in defaults],
            ground=ground,
            earliest=earliest,
            clause=services.accepted_grace(row.licence),
            may_report=may_report,
            may_default=ground is not None
            and row.licence.state == "in_effect"
            and allowed(actor, "royalty.default", row).allowed
            and all(one.state != "given" for one in defaults),
            form=form,
            today=today,
            side=_side(row),
        ),
        status_of(form),
    )


@blueprint.route("/<int:period_id>/statement", methods=["GET", "POST"])
@access("organisation")
def report(period_id: int) -> ResponseReturnValue:
    """State a period, or correct what was stated: the sum is shown before it is handed in."""
    actor = current_actor()
    row = services.get(actor, RoyaltyPeriod, period_id)
    earlier = services.current(row)
    form = StatementForm()
    texts = _given_texts() if request.method == "POST" else _earlier_texts(earlier)
    reckoning = None
    if form.validate_on_submit():
        try:
            lines = _parsed(texts)
            reckoning = services.reckon(row, lines)
            if request.form.get("stage") == "submit":
                files = tuple((one.filename, one.read()) for one in form.files.data or () if one.filename)
                given = Given(lines, form.note.data or None, form.reason.data or None, files)
                with unit_of_work(actor):
                    services.submit(actor, period_id, given)
                flash(gettext("The statement is handed in."), "success")
                return redirect(url_for("royalties.period", period_id=period_id))
        except DomainError as error:
            form.accept(error)
    return (
        render_template(
            "royalties/report.html",
            period=row,
            licence=row.licence,
            earlier=earlier,
            form=form,
            lines=texts + [dict.fromkeys(_FIELDS, "")] * _BLANK_LINES,
            reckoning=reckoning,
        ),
        status_of(form),
    )


_FIELDS: Final = ("product", "quantity", "unit", "amount", "deductions", "line_note")


def _given_texts() -> list[dict[str, str]]:
    columns = [request.form.getlist(name)[: services.MAX_LINES + 1] for name in _FIELDS]
    rows = [dict(zip(_FIELDS, (value.strip() for value in row), strict=True)) for row in zip(*columns)]  # noqa: B905
    return [row for row in rows if any(row.values())]


def _earlier_texts(earlier: RoyaltyStatement | None) -> list[dict[str, str]]:
    return [
        {
            "product": one.product,
            "quantity": one.quantity or "",
            "unit": one.unit or "",
            "amount": _yuan(one.amount_minor),
            "deductions": _yuan(one.deductions_minor) if one.deductions_minor else "",
            "line_note": one.note or "",
        }
        for one in (() if earlier is None else earlier.lines)
    ]


def _parsed(texts: list[dict[str, str]]) -> list[LineGiven]:
    found = []
    for row in texts:
        quantity = row["quantity"].replace(",", "") or None
        if quantity is not None:
            quantity = _number(quantity)
        found.append(
            LineGiven(
                row["product"][:200],
                _minor(row["amount"], "lines") or 0,
                _minor(row["deductions"], "lines") or 0,
                quantity,
                row["unit"][:20] or None,
                row["line_note"][:500] or None,
            )
        )
    return found


def _number(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or len(text) > 24:
        said = gettext("A quantity is a number.")
        raise Invalid("royalty-lines-invalid", said, fields={"lines": [said]})
    return f"{number:f}"


def _minor(text: str | None, field: str) -> int | None:
    """Yuan as typed, in 分; None for an empty field."""
    if not text:
        return None
    try:
        return Money.from_yuan(text.replace(",", "").replace("，", "")).amount_minor
    except InvalidMoney:
        said = gettext("Please give sums in yuan, with two decimals at most.")
        raise Invalid("amount-invalid", said, fields={field: [said]}) from None


def _yuan(minor: int | None) -> str:
    return "" if minor is None else str(Money(minor).major)


@blueprint.get("/evidence/<int:evidence_id>")
@access("organisation")
def evidence(evidence_id: int) -> Response:
    """A file that a statement rests on, for the two parties."""
    row = db.session.get(RoyaltyEvidence, evidence_id)
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    services.get(current_actor(), RoyaltyStatement, row.statement_id)
    return kept(row.file)


@blueprint.post("/<int:period_id>/default")
@access("organisation")
def give_default(period_id: int) -> ResponseReturnValue:
    """Demand what is overdue."""
    actor = current_actor()
    form = DefaultForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                services.give_default(actor, period_id, text=form.text.data, cure_by=form.cure_by.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The notice of default is given; the licensee is told."), "success")
            return redirect(url_for("royalties.period", period_id=period_id))
    return _period_page(services.get(actor, RoyaltyPeriod, period_id), form)


@blueprint.post("/defaults/<int:default_id>/<action>")
@access("organisation")
def close_default(default_id: int, action: str) -> ResponseReturnValue:
    """Say what came of a notice of default."""
    if action not in DEFAULT.actions():
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    with unit_of_work(current_actor()):
        period_id = services.close_default(current_actor(), default_id, action).period_id
    flash(gettext("Noted."), "success")
    return redirect(url_for("royalties.period", period_id=period_id))
