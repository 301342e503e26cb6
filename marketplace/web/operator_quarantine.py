"""Money and messages that do not fit: what is known, what is proposed, and what a second operator decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import User
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import corrections
from marketplace.deals.models import Correction, Obligation, Payment, Quarantine
from marketplace.deals.quarantine import needs_two, open_quarantine, resolve_quarantine

from . import formats, labels
from .forms import Form, at_most, options, required, required_when, sentence_of, status_of, stripped
from .operator_frame import blueprint, key_given

_SIZE = 50


class NoteForm(Form):
    """What was done."""

    note = TextAreaField(
        _l("What was done?"),
        [required(), at_most(2000)],
        description=_l("It stays with the case. Nothing is changed by closing it."),
        filters=[stripped],
    )


class ProposalForm(Form):
    """What is to be done about the money of a case, and why."""

    kind = RadioField(
        _l("What is to be done?"),
        [required(_l("Please choose what is to be done."))],
        choices=options((code, labels.name("correction_kind", code)) for code in corrections.KINDS),
    )
    obligation = SelectField(
        _l("Which sum does it pay?"),
        [required_when(_l("needed where it pays a sum"))],
        coerce=lambda value: int(value or 0),
    )
    reason = TextAreaField(
        _l("Why?"),
        [required(), at_most(corrections.MAX_REASON)],
        description=_l("The second operator decides by it, and it stays with the case."),
        filters=[stripped],
    )


class DecisionForm(Form):
    """What the second operator says."""

    note = TextAreaField(
        _l("Remark"),
        [required_when(_l("needed to decline")), at_most(corrections.MAX_REASON)],
        filters=[stripped],
    )


class ReportForm(Form):
    """Why a payment was entered wrongly."""

    reason = TextAreaField(
        _l("Why was it entered wrongly?"), [required(), at_most(corrections.MAX_REASON)], filters=[stripped]
    )


@dataclass(frozen=True)
class Compared:
    """One figure of a case: what was expected and what came."""

    name: str
    expected: str
    received: str

    @property
    def differs(self) -> bool:
        """Whether they are told both and are not the same."""
        return "—" not in (self.expected, self.received) and self.expected != self.received


_NAMES = {
    "amount_minor": _l("Amount"),
    "amount_total": _l("Amount"),
    "currency": _l("Currency"),
    "paid_on": _l("Paid on"),
    "account": _l("Account"),
    "livemode": _l("Real money"),
    "reason": _l("Reason"),
}


def compared(case: Quarantine) -> list[Compared]:
    """Expected and received side by side, by name."""
    names = list(dict.fromkeys([*case.expected, *case.received]))
    return [
        Compared(
            str(_NAMES.get(name, name.replace("_", " "))),
            _told(case.expected, name),
            _told(case.received, name),
        )
        for name in names
        if not isinstance(case.received.get(name), dict | list)
    ]


def _told(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return "—"
    if name in ("amount_minor", "amount_total") and isinstance(value, int):
        return formats.money(value, str(values.get("currency") or "CNY").upper())
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    return str(formats.day(value)) if name.endswith("_on") else str(value)


@dataclass(frozen=True)
class Case:
    """A quarantined matter as it is listed."""

    row: Quarantine
    payment: Payment | None
    figures: Sequence[Compared]
    closed_by: str | None
    proposed: Correction | None
    two: bool


def _cases(rows: Sequence[Quarantine]) -> list[Case]:
    ids = {row.payment_id for row in rows if row.payment_id is not None}
    found = {
        payment.id: payment for payment in db.session.scalars(sa.select(Payment).where(Payment.id.in_(ids)))
    }
    names = _names({row.resolved_by for row in rows})
    proposals = corrections.corrections_of([row.id for row in rows])
    return [
        Case(
            row,
            found.get(row.payment_id or 0),
            compared(row),
            names.get(row.resolved_by or 0),
            next((one for one in proposals.get(row.id, []) if one.state == "proposed"), None),
            needs_two(row),
        )
        for row in rows
    ]


def _names(users: set[int | None]) -> dict[int, str]:
    ids = {one for one in users if one is not None}
    return {one.id: one.name for one in db.session.scalars(sa.select(User).where(User.id.in_(ids)))}


@blueprint.get("/quarantine")
@access("operator")
def quarantine() -> ResponseReturnValue:
    """Open cases, oldest first, expected and received side by side, with who can act."""
    rows = open_quarantine(current_actor(), after=key_given("after"), limit=_SIZE + 1)
    settled = db.session.scalars(
        sa.select(Quarantine)
        .where(Quarantine.state == "resolved")
        .order_by(Quarantine.resolved_at.desc())
        .limit(10)
    ).all()
    cases = _cases(rows[:_SIZE])
    return render_template(
        "operator/quarantine.html",
        cases=cases,
        settled=_cases(settled),
        names=_names({case.proposed.proposed_by for case in cases if case.proposed}),
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


def _case_page(case_id: int, form: Form | None = None) -> ResponseReturnValue:
    actor = current_actor()
    row = db.session.get(Quarantine, case_id)
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    [case] = _cases([row])
    said = corrections.corrections_of([row.id]).get(row.id, [])
    proposal = form if isinstance(form, ProposalForm) else ProposalForm(formdata=None)
    if case.two and row.state == "open":
        _offer_sums(proposal, row)
    return render_template(
        "operator/case.html",
        case=case,
        corrections=said,
        names=_names({one.proposed_by for one in said} | {one.decided_by for one in said}),
        may_decide=case.proposed is not None and allowed(actor, "correction.decide", case.proposed).allowed,
        may_take_back=case.proposed is not None
        and allowed(actor, "correction.take_back", case.proposed).allowed,
        proposal=proposal,
        note_form=form if isinstance(form, NoteForm) else NoteForm(formdata=None),
        decision=form if isinstance(form, DecisionForm) else DecisionForm(formdata=None),
        refused=form if form is not None and (form.errors or form.form_errors) else None,
    ), status_of(form) if form is not None else 200


def _offer_sums(form: ProposalForm, case: Quarantine) -> None:
    form.obligation.choices = options(
        [
            ("0", gettext("none")),
            *((str(one.id), _sum_in_words(one)) for one in corrections.payable(current_actor(), case)),
        ]
    )


def _sum_in_words(one: Obligation) -> str:
    amount = formats.money(one.amount_minor, one.currency)
    return f"{one.notice.number} · {one.notice.licensee.name} · {amount}"


@blueprint.get("/quarantine/<int:case_id>")
@access("operator")
def case(case_id: int) -> ResponseReturnValue:
    """One case: what is known, what was proposed, and what this operator can do."""
    return _case_page(case_id)


@blueprint.post("/quarantine/<int:case_id>")
@access("operator")
def resolve_case(case_id: int) -> ResponseReturnValue:
    """Close a case that holds no money, with a note."""
    actor, form = current_actor(), NoteForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                resolve_quarantine(actor, case_id, form.note.data)
        except NotFound:
            raise
        except Conflict as error:
            if error.code != "quarantine-resolved":
                flash(sentence_of(error), "warning")
                return redirect(url_for("operator.case", case_id=case_id))
            flash(gettext("The case had been closed already. Your note was not kept."), "warning")
            return redirect(url_for("operator.quarantine"))
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The case is closed."), "success")
            return redirect(url_for("operator.quarantine"))
    return _case_page(case_id, form)


@blueprint.post("/quarantine/<int:case_id>/corrections")
@access("operator")
def propose_correction(case_id: int) -> ResponseReturnValue:
    """Propose what is to be done; another operator decides."""
    actor, form = current_actor(), ProposalForm()
    row = db.session.get(Quarantine, case_id)
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    _offer_sums(form, row)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                corrections.propose(
                    actor,
                    case_id,
                    form.kind.data,
                    form.reason.data,
                    obligation_id=form.obligation.data or None,
                )
        except NotFound:
            raise
        except DomainError as error:
            flash(sentence_of(error), "warning")
        else:
            flash(gettext("Proposed. Another operator decides; nothing has happened yet."), "success")
            return redirect(url_for("operator.case", case_id=case_id))
    return _case_page(case_id, form)


@blueprint.post("/corrections/<int:correction_id>/<deed>")
@access("operator")
def decide_correction(correction_id: int, deed: str) -> ResponseReturnValue:
    """Approve or decline what another one proposed, or take one's own proposal back."""
    actor, form = current_actor(), DecisionForm()
    found = db.session.get(Correction, correction_id)
    if found is None or deed not in ("approve", "decline", "take_back"):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    case_id = found.quarantine_id
    if form.validate_on_submit():
        note = form.note.data or ""
        try:
            with unit_of_work(actor):
                if deed == "approve":
                    corrections.approve(actor, correction_id, note)
                elif deed == "decline":
                    corrections.decline(actor, correction_id, note)
                else:
                    corrections.take_back(actor, correction_id)
        except (NotFound, Forbidden):
            raise
        except Conflict as error:
            flash(sentence_of(error), "warning")
        except DomainError as error:
            form.accept(error, reason="note")
            return _case_page(case_id, form)
        else:
            flash(
                {
                    "approve": gettext("Approved, and done. The case is closed."),
                    "decline": gettext("Declined. The case stays open."),
                    "take_back": gettext("Taken back. The case stays open."),
                }[deed],
                "success",
            )
    return redirect(url_for("operator.case", case_id=case_id))


@blueprint.route("/payments/<int:payment_id>/report", methods=["GET", "POST"])
@access("operator")
def report_payment(payment_id: int) -> ResponseReturnValue:
    """Open a case about a payment that was entered wrongly."""
    actor, form = current_actor(), ReportForm()
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                case_id = corrections.report(actor, payment_id, form.reason.data).id
        except Conflict as error:
            flash(sentence_of(error), "warning")
            return redirect(url_for("operator.notice", notice_id=payment.obligation.notice_id))
        return redirect(url_for("operator.case", case_id=case_id))
    return render_template("operator/report_payment.html", payment=payment, form=form), status_of(form)
