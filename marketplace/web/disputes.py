"""Disputes: opening one, what both sides say and show, and the ways out of it in plain words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, RadioField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.errors import DomainError, Forbidden, NotFound, Unauthenticated
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.disputes import services, supervision
from marketplace.deals.disputes.lifecycle import DISPUTE, SETTLEMENT
from marketplace.deals.disputes.models import OUTCOMES, TOPICS, VENUES, Dispute
from marketplace.deals.disputes.parties import matter_of, patent_and_offer
from marketplace.deals.models import Payment

from . import labels
from .downloads import kept
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .people import uploaded

blueprint = Blueprint("disputes", __name__, url_prefix="/disputes")

_PAGE: Final = 30
_PAPERS: Final = _l("PDF, PNG or JPEG, up to 10 MB.")


def _named(table: str, codes: tuple[str, ...]) -> Any:
    return options((code, labels.TABLES[table][code].text) for code in codes)


class OpenForm(Form):
    """What is at issue."""

    topic = SelectField(_l("What is it about?"), [required()])
    title = StringField(_l("In one line"), [required(), at_most(200)], filters=[stripped])
    statement = TextAreaField(
        _l("What happened, and what do you ask for?"),
        [required(), at_most(services.LONGEST)],
        description=_l("The other side reads this. Name days and sums, and what you want it to do."),
        filters=[stripped],
    )
    file = FileField(_l("Evidence"), [optional()], description=_PAPERS)


class WordForm(Form):
    """Words, a file, or both."""

    text = TextAreaField(_l("Text"), [optional(), at_most(services.LONGEST)], filters=[stripped])
    file = FileField(_l("Evidence"), [optional()], description=_PAPERS)


class SettlementForm(Form):
    """The text to which both would agree."""

    text = TextAreaField(
        _l("Text of the settlement"),
        [required(), at_most(services.LONGEST)],
        description=_l("Who does what by when. It counts as it stands once the other side agrees."),
        filters=[stripped],
    )


class ReferForm(Form):
    """Where the dispute was taken."""

    venue = RadioField(_l("Where was it taken?"), [required(_l("Please choose one."))])
    body = StringField(_l("Name of the authority or court"), [required(), at_most(200)], filters=[stripped])
    filed_on = DateField(_l("Filed on"), [required()])
    reference = StringField(_l("File number"), [optional(), at_most(80)], filters=[stripped])
    file = FileField(_l("Proof of the filing"), [optional()], description=_PAPERS)


class EndForm(Form):
    """How it ended there."""

    outcome = RadioField(_l("How did it end?"), [required(_l("Please choose one."))])
    ended_on = DateField(_l("Ended on"), [required()])
    text = TextAreaField(
        _l("What was agreed or decided?"), [optional(), at_most(services.LONGEST)], filters=[stripped]
    )
    file = FileField(
        _l("The paper that says so"),
        [optional()],
        description=_l("Needed for an agreement or a decision. PDF, PNG or JPEG, up to 10 MB."),
    )


@blueprint.app_context_processor
def _disputes_over() -> dict[str, Any]:
    """`disputes_over("licence", 12)` for the pages of notices and licences, which say what is in dispute."""
    return {"disputes_over": lambda subject, key: services.over(current_actor(), subject, key)}


@blueprint.get("")
@access("signed_in")
def index() -> ResponseReturnValue:
    """The actor's disputes; for staff all of them, counted."""
    actor = current_actor()
    after = request.args.get("after", type=int)
    rows = services.disputes(actor, after=after, limit=_PAGE + 1)
    counts = supervision.counts(actor) if allowed(actor, "dispute.supervise").allowed else None
    return render_template(
        "disputes/index.html",
        disputes=rows[:_PAGE],
        older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        counts=counts,
        today=clock.today(),
    )


@blueprint.get("/ways")
@access("public")
def ways() -> ResponseReturnValue:
    """Each way out of a dispute in plain words, and what to bring."""
    return render_template("disputes/ways.html")


@blueprint.route("/open/<any(notice, payment, licence):subject>/<int:key>", methods=["GET", "POST"])
@access("organisation")
def begin(subject: str, key: int) -> ResponseReturnValue:
    """Open one over a notice, a payment or a licence."""
    actor = current_actor()
    row = services.matter(actor, subject, key)
    form = OpenForm()
    form.topic.choices = _named("dispute_topic", TOPICS)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                dispute = services.open_dispute(
                    actor,
                    subject,
                    key,
                    topic=form.topic.data,
                    title=form.title.data,
                    statement=form.statement.data,
                    file=uploaded(form.file),
                )
        except (NotFound, Forbidden, Unauthenticated):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The dispute is open. The other side is asked to answer."), "success")
            return redirect(url_for("disputes.show", dispute_id=dispute.id))
    patent, _offer = patent_and_offer(row)
    page = render_template(
        "disputes/open.html",
        form=form,
        subject=subject,
        number=row.reference if isinstance(row, Payment) else row.number,
        patent=patent,
        days=services.ANSWER_DAYS,
    )
    return page, status_of(form)


@blueprint.get("/<int:dispute_id>")
@access("signed_in")
def show(dispute_id: int) -> ResponseReturnValue:
    """One dispute: what was said and shown, and what may be done now."""
    return _shown(dispute_id)


def _shown(dispute_id: int, **forms: Form) -> ResponseReturnValue:
    actor = current_actor()
    dispute = services.get(actor, dispute_id)
    refer, end = forms.get("refer") or ReferForm(formdata=None), forms.get("end") or EndForm(formdata=None)
    _choices(refer, end)
    row = matter_of(dispute)
    patent, offer = patent_and_offer(row)
    page = render_template(
        "disputes/show.html",
        dispute=dispute,
        patent=patent,
        offer=offer,
        subject_number=row.reference if isinstance(row, Payment) else row.number,
        subject_url=_address(actor, dispute),
        actions={one.action for one in DISPUTE.offered(actor, dispute)},
        settling={one.action for one in SETTLEMENT.offered(actor, dispute)}
        if dispute.closed_at is None
        else set(),
        mine=_side(actor, dispute),
        word=forms.get("word") or WordForm(formdata=None),
        settlement=forms.get("settlement") or SettlementForm(formdata=None),
        refer=refer,
        end=end,
        today=clock.today(),
    )
    return page, 422 if any(form.errors or form.form_errors for form in forms.values()) else 200


def _choices(refer: Form, end: Form) -> None:
    refer.venue.choices = _named("dispute_venue", VENUES)
    end.outcome.choices = _named("dispute_outcome", tuple(code for code in OUTCOMES if code != "pending"))


def _side(actor: Actor, dispute: Dispute) -> str | None:
    """For which side the reader may act; None for those who look on."""
    return services.side_of(actor, dispute) if allowed(actor, "dispute.act", dispute).allowed else None


def _address(actor: Actor, dispute: Dispute) -> str:
    """The page of what it is about, on the reader's side of the deal."""
    holder = actor.is_staff or dispute.licensee_id not in actor.licensees
    if dispute.licence_id is not None:
        endpoint = "holder.licence" if holder and not actor.is_staff else "licensing.licence"
        return url_for(endpoint, licence_id=dispute.licence_id)
    notice_id = dispute.notice_id or (dispute.payment.obligation.notice_id if dispute.payment else None)
    endpoint = "holder.notice" if holder and not actor.is_staff else "licensing.notice"
    return url_for(endpoint, notice_id=notice_id)


def _done(
    dispute_id: int,
    act: Callable[[Actor], object],
    said: str,
    name: str | None = None,
    form: Form | None = None,
) -> ResponseReturnValue:
    """Do one step; what is refused is shown beside its form."""
    actor = current_actor()
    try:
        with unit_of_work(actor):
            act(actor)
    except (NotFound, Forbidden, Unauthenticated):
        raise
    except DomainError as error:
        if form is None or name is None:
            raise
        form.accept(error)
        return _shown(dispute_id, **{name: form})
    flash(said, "success")
    return redirect(url_for("disputes.show", dispute_id=dispute_id))


@blueprint.post("/<int:dispute_id>/words")
@access("organisation")
def words(dispute_id: int) -> ResponseReturnValue:
    """The other side's answer, or a remark or evidence of either side."""
    actor, form = current_actor(), WordForm()
    if not form.validate_on_submit():
        return _shown(dispute_id, word=form)
    text, file = form.text.data, uploaded(form.file)
    dispute = services.get(actor, dispute_id)
    if any(one.action == "answer" for one in DISPUTE.offered(actor, dispute)):
        return _done(
            dispute_id,
            lambda who: services.answer(who, dispute_id, text=text or "", file=file),
            gettext("Your answer is there; the other side is told."),
            "word",
            form,
        )
    return _done(
        dispute_id,
        lambda who: services.add(who, dispute_id, text=text, file=file),
        gettext("It is added; the other side is told."),
        "word",
        form,
    )


@blueprint.post("/<int:dispute_id>/settlement")
@access("organisation")
def settlement(dispute_id: int) -> ResponseReturnValue:
    """Propose a text."""
    form = SettlementForm()
    if not form.validate_on_submit():
        return _shown(dispute_id, settlement=form)
    return _done(
        dispute_id,
        lambda who: services.propose_settlement(who, dispute_id, text=form.text.data),
        gettext("Proposed. The dispute is settled once the other side agrees."),
        "settlement",
        form,
    )


_DEEDS: Final[dict[str, tuple[Callable[[Actor, int], object], Any]]] = {
    "agree": (services.agree, _l("The dispute is settled.")),
    "decline": (services.decline, _l("The settlement is declined.")),
    "take-back": (services.take_settlement_back, _l("The proposal is taken back.")),
    "withdraw": (services.withdraw, _l("The dispute is withdrawn.")),
}


@blueprint.post("/<int:dispute_id>/<any(agree, decline, 'take-back', withdraw):deed>")
@access("organisation")
def deed(dispute_id: int, deed: str) -> ResponseReturnValue:
    """Answer a proposed settlement, or withdraw the dispute."""
    act, said = _DEEDS[deed]
    return _done(dispute_id, lambda who: act(who, dispute_id), str(said))


@blueprint.post("/<int:dispute_id>/refer")
@access("organisation")
def referred(dispute_id: int) -> ResponseReturnValue:
    """Note where it was taken."""
    form = ReferForm()
    _choices(form, EndForm(formdata=None))
    if not form.validate_on_submit():
        return _shown(dispute_id, refer=form)
    day: dt.date = form.filed_on.data
    return _done(
        dispute_id,
        lambda who: services.refer(
            who,
            dispute_id,
            venue=form.venue.data,
            body=form.body.data,
            filed_on=day,
            reference=form.reference.data,
            file=uploaded(form.file),
        ),
        gettext("Noted; the other side is told."),
        "refer",
        form,
    )


@blueprint.post("/<int:dispute_id>/end")
@access("organisation")
def ended(dispute_id: int) -> ResponseReturnValue:
    """Note how it ended there."""
    form = EndForm()
    _choices(ReferForm(formdata=None), form)
    if not form.validate_on_submit():
        return _shown(dispute_id, end=form)
    return _done(
        dispute_id,
        lambda who: services.end_referral(
            who,
            dispute_id,
            outcome=form.outcome.data,
            ended_on=form.ended_on.data,
            text=form.text.data,
            file=uploaded(form.file),
        ),
        gettext("Noted; the other side is told."),
        "end",
        form,
    )


@blueprint.get("/<int:dispute_id>/files/<int:file_id>")
@access("signed_in")
def file(dispute_id: int, file_id: int) -> Response:
    """A file that was shown in it."""
    return kept(services.file_of(current_actor(), dispute_id, file_id))
