"""Drafting a declaration: one question a page, saved at each step, a summary to check at the end."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock, convert
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.fields import read
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import rules
from marketplace.listings.consents.standing import in_writing
from marketplace.listings.lifecycle import OFFER, declaration_faults, offer_terms, sentences
from marketplace.listings.models import CHANNELS, FEE_FORMS, Offer
from marketplace.listings.schemas import OfferTermsSchema
from marketplace.listings.services import act, edit_draft, eligibility_of, get_offer

from . import formats, labels
from .forms import Form, at_most, optional, options, required, required_when, status_of, stripped
from .holder_frame import blueprint


@dataclass(frozen=True)
class Page:
    """One question of the declaration."""

    name: str
    title: Any


PAGES = (
    Page("fee", _l("How is the fee paid?")),
    Page("amount", _l("How much is it?")),
    Page("payment", _l("Where is it paid to?")),
    Page("term", _l("How long may others use the patent?")),
    Page("explanation", _l("How was the fee worked out?")),
    Page("contact", _l("Whom can they ask?")),
    Page("other", _l("What else needs to be clear?")),
)
_TITLES = {page.name: page.title for page in PAGES}

# The field that a fault names → the question that settles it.
QUESTION_OF = {
    "fee_form": "fee",
    "fee": "amount",
    "rate": "amount",
    "rate_base": "amount",
    "payment_text": "payment",
    "channels": "payment",
    "payee": "payment",
    "term_from": "term",
    "term_to": "term",
    "fee_explanation": "explanation",
    "contact": "contact",
    "not_included": "other",
}


def pages_of(fee_form: str | None) -> tuple[str, ...]:
    """The questions that a form of payment needs, in order."""
    free = fee_form == "free"
    return tuple(page.name for page in PAGES if not (free and page.name in ("amount", "payment")))


def own_draft(offer_id: int) -> Offer:
    """A declaration that may still be changed here.

    Raises:
        NotFound, Forbidden: not the actor's.
        Conflict: `illegal-transition` once it is filed.
    """
    offer = get_offer(current_actor(), offer_id)
    OFFER.find("edit", offer.status)
    return offer


# --- the questions


class FeeForm(Form):
    """The form of payment."""

    fee_form = RadioField(_TITLES["fee"], [required(_l("Please choose one."))])


class AmountForm(Form):
    """The sum, the rate, or both."""

    fee = StringField(_l("Amount in yuan"), [optional(), at_most(40)], filters=[stripped])
    instalments = StringField(
        _l("Instalments"),
        [optional(), at_most(500)],
        description=_l(
            "Only if the fee is not paid at once: months after the licence takes effect and yuan, such as "
            "0:30000; 6:10000; 12:10000. The first one makes the licence."
        ),
        filters=[stripped],
    )
    rate = StringField(_l("Rate in per cent"), [optional(), at_most(20)], filters=[stripped])
    rate_base = RadioField(_l("A share of"), [optional()])
    reason = TextAreaField(
        _l("Why is the rate higher than usual?"),
        [required_when(_l("needed for a rate above the usual one")), at_most(1000)],
        description=_l("It becomes a part of the explanation of the fee."),
        filters=[stripped],
    )


_ANOTHER_ACCOUNT = _l("needed for another account")


class PaymentForm(Form):
    """Ways of paying, the account, and the wording of the announcement."""

    channels = SelectMultipleField(
        _l("Ways of paying"),
        [required(_l("Please choose at least one."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    account = RadioField(_l("Which account?"), [optional()])
    account_name = StringField(
        _l("Account name"), [required_when(_ANOTHER_ACCOUNT), at_most(150)], filters=[stripped]
    )
    bank = StringField(
        _l("Bank and branch"), [required_when(_ANOTHER_ACCOUNT), at_most(150)], filters=[stripped]
    )
    number = StringField(
        _l("Account number"),
        [
            required_when(_ANOTHER_ACCOUNT),
            Regexp(r"^[0-9A-Za-z -]{4,64}$", message=_l("Only digits, letters and blanks.")),
        ],
        filters=[stripped],
    )
    payment_text = TextAreaField(
        _l("Wording of the declaration"),
        [optional(), at_most(4000)],
        description=_l(
            "How the fee is paid and its standard, as it will be announced. No advertising words."
        ),
        filters=[stripped],
    )


class TermForm(Form):
    """The last day of the licence term."""

    years = RadioField(_l("The licence term ends"), [required(_l("Please choose one."))])
    term_to = DateField(_l("Last day"), [required_when(_l("needed for another day"))])


class ExplanationForm(Form):
    """The brief explanation that the guidelines ask for."""

    fee_explanation = TextAreaField(
        _TITLES["explanation"],
        [optional()],
        description=_l(
            "For example: research costs, comparable licences, expected output and the share of the patent."
        ),
        filters=[stripped],
    )


class ContactForm(Form):
    """The announced contact."""

    contact = StringField(
        _l("Name or office, telephone, e-mail address"),
        [required(), at_most(500)],
        description=_l("It is published with the announcement. An office is better than a person."),
        filters=[stripped],
    )


class OtherForm(Form):
    """Other matters."""

    not_included = TextAreaField(
        _l("Other matters"),
        [optional(), at_most(4000)],
        description=_l(
            "For example what is not included. Conditions on who may take a licence are not possible."
        ),
        filters=[stripped],
    )


@blueprint.route("/offers/<int:offer_id>/declaration/<name>", methods=["GET", "POST"])
@access("organisation")
def question(offer_id: int, name: str) -> ResponseReturnValue:
    """One question; its answer is saved, then comes the next one."""
    if name not in _BUILDERS:
        raise NotFound("question-unknown", "The declaration has no such question.")
    offer = own_draft(offer_id)
    chosen = _chosen_form(offer)
    form = _BUILDERS[name](offer, chosen)
    if form.validate_on_submit():
        values = _ANSWERS[name](form, offer, chosen)
        if name == "fee" and form.fee_form.data != "free":
            # The sum belongs to the form of payment: they are saved together on the next page.
            return redirect(
                url_for("holder.question", offer_id=offer_id, name="amount", form=form.fee_form.data)
            )
        if not form.errors:
            try:
                actor = current_actor()
                with unit_of_work(actor):
                    edit_draft(actor, offer_id, read(OfferTermsSchema, values))
            except DomainError as error:
                form.accept(error, payee="number")
                offer = own_draft(offer_id)
            else:
                return redirect(_next(offer_id, name, chosen if name != "fee" else "free"))
    order = pages_of(chosen)
    return render_template(
        "holder/question.html",
        form=form,
        offer=offer,
        patent=offer.patent,
        name=name,
        title=_TITLES[name],
        order=order,
        position=order.index(name) + 1 if name in order else 1,
        chosen=chosen,
        hints={code: labels.label("fee_form", code).hint for code in FEE_FORMS},
        ceiling=rules.FIXED_CEILING_MINOR,
        ceilings=rules.RATE_CEILINGS,
        limit=rules.EXPLANATION_LIMIT,
        latest=offer.patent.expires_on,
        back=_before(offer_id, name, chosen),
        proposal=_proposed_text(offer),
        asks_why="reason" in form and (bool(form.reason.errors) or _above_ceiling(offer)),
    ), status_of(form)


def _chosen_form(offer: Offer) -> str | None:
    """The form of payment that was chosen a page before, else the one that is saved."""
    given = request.args.get("form")
    return given if given in FEE_FORMS else offer.fee_form


def _next(offer_id: int, name: str, chosen: str | None) -> str:
    if request.args.get("back") == "check":
        return url_for("holder.check", offer_id=offer_id)
    order = pages_of(chosen)
    following = order[order.index(name) + 1 :]
    if not following:
        return url_for("holder.check", offer_id=offer_id)
    return url_for("holder.question", offer_id=offer_id, name=following[0])


def _before(offer_id: int, name: str, chosen: str | None) -> str:
    order = pages_of(chosen)
    position = order.index(name) if name in order else 0
    if request.args.get("back") == "check" or position == 0:
        return url_for("holder.check", offer_id=offer_id)
    return url_for("holder.question", offer_id=offer_id, name=order[position - 1])


def _fee_form(_offer: Offer, chosen: str | None) -> FeeForm:
    form = FeeForm(data={"fee_form": chosen})
    form.fee_form.choices = options((code, labels.name("fee_form", code)) for code in FEE_FORMS)
    return form


def _amount_form(offer: Offer, chosen: str | None) -> AmountForm:
    fee = offer.fee_minor
    rate = offer.rate_percent
    form = AmountForm(
        data={
            "fee": None if fee is None else f"{fee // 100}" if fee % 100 == 0 else f"{fee / 100:.2f}",
            "instalments": _instalments_typed(offer),
            "rate": None if rate is None else f"{rate.normalize():f}",
            "rate_base": offer.rate_base or "net_sales",
            "reason": _rate_reason(offer.fee_explanation)[1],
        }
    )
    form.rate_base.choices = options((code, labels.name("rate_base", code)) for code in rules.RATE_CEILINGS)
    if chosen not in rules.NEEDS_FEE:
        del form.fee
        del form.instalments
    if chosen not in rules.NEEDS_RATE:
        del form.rate
        del form.reason
    if chosen != "entry_plus_royalty":
        del form.rate_base
    return form


def _instalments_typed(offer: Offer) -> str:
    """The instalments as they are typed: `0:30000; 6:20000`."""
    return "; ".join(
        f"{months}:{minor // 100}" if minor % 100 == 0 else f"{months}:{minor / 100:.2f}"
        for months, minor in offer.instalments
    )


def _payment_form(offer: Offer, _chosen: str | None) -> PaymentForm:
    holder = offer.holder
    own = bool(holder.bank_account)
    other = bool(offer.payee_account) and offer.payee_account != holder.bank_account
    form = PaymentForm(
        data={
            "channels": offer.channels
            or [code for code in CHANNELS if code == "bank" or holder.stripe_account],
            "account": "other" if other or not own else "own",
            "account_name": offer.payee_account_name if other else None,
            "bank": offer.payee_bank if other else None,
            "number": offer.payee_account if other else None,
            "payment_text": offer.payment_text or _proposed_text(offer),
        }
    )
    form.channels.choices = options(
        (code, labels.name("channel", code)) for code in CHANNELS if code == "bank" or holder.stripe_account
    )
    kept = ", ".join(
        filter(None, (holder.bank_account_name or holder.name, holder.bank_name, holder.bank_account))
    )
    own_account = [("own", kept)] if own else []
    form.account.choices = options([*own_account, ("other", gettext("Another account:"))])
    return form


def _proposed_text(offer: Offer) -> str:
    return rules.payment_text(offer_terms(offer)) if offer.fee_form else ""


def _above_ceiling(offer: Offer) -> bool:
    base, rate = offer.rate_base, offer.rate_percent
    return base is not None and rate is not None and rate > rules.RATE_CEILINGS[base]


# GL V-11 §3.3 caps rates "generally": the reason for a higher one stands on its own in the explanation.
_RATE_REASON = "提成比例高于通常标准的理由："


def _rate_reason(explanation: str | None) -> tuple[str, str]:
    """The explanation without the reason for a high rate, and that reason."""
    text, found, reason = (explanation or "").partition(_RATE_REASON)
    return text.strip(), reason.strip() if found else ""


def _above(fee_form: str | None, rate_base: str | None, rate: str | None) -> bool:
    """Whether a rate as it was typed is above the usual ceiling; what cannot be read is refused elsewhere."""
    base = "profit" if fee_form == "royalty_profit" or rate_base == "profit" else "net_sales"
    try:
        percent = convert.rate(spreadsheet=False)(rate)
    except convert.InvalidValue:
        return False
    return percent is not None and percent > rules.RATE_CEILINGS[base]


_YEARS = (3, 5, 10)


def _term_form(offer: Offer, _chosen: str | None) -> TermForm:
    latest, today = offer.patent.expires_on, clock.today()
    form = TermForm(data={"years": None if offer.term_to is None else "day", "term_to": offer.term_to})
    choices = []
    for years in _YEARS:
        last = _years_from(today, years)
        if latest is None or last <= latest:
            choices.append(
                (str(years), gettext("after %(years)d years, on %(day)s", years=years, day=formats.day(last)))
            )
    if latest is not None:
        choices.append(("patent", gettext("with the patent, on %(day)s", day=formats.day(latest))))
    form.years.choices = options([*choices, ("day", gettext("on another day:"))])
    if offer.term_to is not None and offer.term_to == latest:
        form.years.data = form.years.data if form.is_submitted() else "patent"
    return form


def _years_from(day: dt.date, years: int) -> dt.date:
    """The last day of a term of whole years that begins on `day`."""
    try:
        return day.replace(year=day.year + years) - dt.timedelta(days=1)
    except ValueError:  # 29 February
        return dt.date(day.year + years, 2, 28)


def _explanation_form(offer: Offer, _chosen: str | None) -> ExplanationForm:
    return ExplanationForm(data={"fee_explanation": offer.fee_explanation})


def _contact_form(offer: Offer, _chosen: str | None) -> ContactForm:
    return ContactForm(data={"contact": offer.contact})


def _other_form(offer: Offer, _chosen: str | None) -> OtherForm:
    return OtherForm(data={"not_included": offer.not_included})


_BUILDERS: dict[str, Any] = {
    "fee": _fee_form,
    "amount": _amount_form,
    "payment": _payment_form,
    "term": _term_form,
    "explanation": _explanation_form,
    "contact": _contact_form,
    "other": _other_form,
}


# --- what an answer changes


def _fee_answer(form: FeeForm, _offer: Offer, _chosen: str | None) -> dict[str, Any]:
    return {
        "fee_form": form.fee_form.data,
        "fee": None,
        "instalments": "none",
        "rate": None,
        "rate_base": None,
        "payment_text": None,
    }


def _amount_answer(form: AmountForm, offer: Offer, chosen: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "fee_form": chosen,
        "fee": form.fee.data if "fee" in form else None,
        "instalments": (form.instalments.data if "instalments" in form else None) or "none",
        "rate": form.rate.data if "rate" in form else None,
        "rate_base": form.rate_base.data if "rate_base" in form else None,
    }
    if "reason" in form:
        explanation, reason = _rate_reason(offer.fee_explanation)
        if _above(chosen, values["rate_base"], form.rate.data):
            reason = form.reason.data or reason
            if not reason:
                form.reason.errors = [gettext("Please say why: the usual rate is lower.")]
            values["fee_explanation"] = "\n".join(filter(None, (explanation, _RATE_REASON + reason)))
        else:
            values["fee_explanation"] = explanation or None
    if chosen != offer.fee_form or any(
        field.object_data != field.data for field in form if field.name in values
    ):
        values["payment_text"] = None  # the wording named the former sum
    return values


def _payment_answer(form: PaymentForm, offer: Offer, _chosen: str | None) -> dict[str, Any]:
    payee = None
    if "bank" in form.channels.data and form.account.data != "own":
        for field in (form.account_name, form.bank, form.number):
            if not field.data:
                field.errors = [gettext("Please fill in this field.")]
            elif "|" in field.data:
                field.errors = [gettext("This sign is not possible here: %(sign)s", sign="|")]
        payee = f"{form.account_name.data}|{form.bank.data}|{(form.number.data or '').replace(' ', '')}"
    text = form.payment_text.data or ""
    return {
        "channels": form.channels.data,
        "payee": payee,
        "payment_text": None if text.strip() == _proposed_text(offer) else text,
    }


def _term_answer(form: TermForm, offer: Offer, _chosen: str | None) -> dict[str, Any]:
    chosen = form.years.data
    if chosen == "patent":
        last = offer.patent.expires_on
    elif chosen == "day":
        last = form.term_to.data
        if last is None and not form.term_to.errors:
            form.term_to.errors = [gettext("Please fill in this field.")]
        elif last is not None and last < clock.today():
            form.term_to.errors = [gettext("This day is over already.")]
    else:
        last = _years_from(clock.today(), int(chosen))
    return {"term_to": last}


def _explanation_answer(form: ExplanationForm, _offer: Offer, _chosen: str | None) -> dict[str, Any]:
    return {"fee_explanation": form.fee_explanation.data or None}


def _contact_answer(form: ContactForm, _offer: Offer, _chosen: str | None) -> dict[str, Any]:
    return {"contact": form.contact.data}


def _other_answer(form: OtherForm, _offer: Offer, _chosen: str | None) -> dict[str, Any]:
    return {"not_included": form.not_included.data or None}


_ANSWERS: dict[str, Any] = {
    "fee": _fee_answer,
    "amount": _amount_answer,
    "payment": _payment_answer,
    "term": _term_answer,
    "explanation": _explanation_answer,
    "contact": _contact_answer,
    "other": _other_answer,
}


# --- the summary


class UndertakingForm(Form):
    """What the holder promises with the declaration."""

    undertaking = BooleanField(
        _l("We undertake that the conditions of an open licence are met and all statements are true."),
        [required(_l("A declaration needs this undertaking."))],
    )
    consent = BooleanField(
        _l("All co-owners have agreed in writing."), [required(_l("All co-owners have to agree first."))]
    )


@blueprint.route("/offers/<int:offer_id>/declaration", methods=["GET", "POST"])
@access("organisation")
def check(offer_id: int) -> ResponseReturnValue:
    """Every answer on one page, what is missing, and the undertaking that makes it ready to file."""
    offer = own_draft(offer_id)
    form = UndertakingForm()
    if len(offer.patent.parties) < 2 or in_writing(offer):
        del form.consent  # whoever was asked answers for itself
    if form.validate_on_submit():
        actor = current_actor()
        try:
            with unit_of_work(actor):
                act(actor, offer_id, "ready")
        except DomainError as error:
            form.accept(error)
            offer = own_draft(offer_id)
        else:
            flash(
                gettext("The declaration is ready. File it with CNIPA, then record the filing here."),
                "success",
            )
            return redirect(url_for("holder.offer", offer_id=offer_id))
    faults = declaration_faults(offer)
    return render_template(
        "holder/check.html",
        form=form,
        offer=offer,
        patent=offer.patent,
        faults=sentences(faults),
        question_of=QUESTION_OF,
        eligibility=eligibility_of(offer.patent),
        order=pages_of(offer.fee_form),
        text=offer.payment_text or _proposed_text(offer),
        titles=_TITLES,
    ), status_of(form)
