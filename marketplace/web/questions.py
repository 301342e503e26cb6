"""Asking a person: the form on an offer's page, the holder's work list, answers, and the published FAQ."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import DomainError
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import limiter
from marketplace.listings.services import offers
from marketplace.listings.showcase import questions, rules
from marketplace.listings.showcase.lifecycle import QUESTION
from marketplace.listings.showcase.models import Question

from . import locale
from .forms import Form, at_most, optional, options, required, status_of, stripped

blueprint = Blueprint("questions", __name__)

_SIZE = 50
_STATES = ("open", "answered", "published", "set_aside")


class QuestionForm(Form):
    """A question about an offer; visitors add an address for the answer."""

    text = TextAreaField(
        _l("Your question"),
        [required(), at_most(rules.LONGEST_QUESTION)],
        description=_l("It goes to the holder, and to the technology manager who works for it."),
        filters=[stripped],
    )
    name = StringField(_l("Your name"), [optional(), at_most(100)], filters=[stripped])
    email = StringField(
        _l("Your e-mail address"),
        [optional(), at_most(254)],
        description=_l("The answer comes here. You confirm the address first, by a link."),
        filters=[stripped],
    )


class AnswerForm(Form):
    """The answer to whoever asked."""

    answer = TextAreaField(
        _l("Your answer to the reader"), [required(), at_most(rules.LONGEST_TEXT)], filters=[stripped]
    )


class FaqForm(Form):
    """Question and answer as everybody may read them."""

    question_zh = TextAreaField(_l("Question (Chinese)"), [optional(), at_most(2000)], filters=[stripped])
    answer_zh = TextAreaField(_l("Answer (Chinese)"), [optional(), at_most(4000)], filters=[stripped])
    question_en = TextAreaField(_l("Question (English)"), [optional(), at_most(2000)], filters=[stripped])
    answer_en = TextAreaField(_l("Answer (English)"), [optional(), at_most(4000)], filters=[stripped])
    by = SelectField(_l("Translation"), default="")
    may_be_public = BooleanField(_l("I have read these passages: they may be public"))


# --- asking


def _asker() -> str:
    """Whom the limit counts: the person, else the address of the network."""
    user_id = current_actor().user_id
    return f"user-{user_id}" if user_id is not None else request.remote_addr or "unknown"


@blueprint.route("/offers/<int:offer_id>/ask", methods=["GET", "POST"])
@access("public")
@limiter.limit("6 per hour; 20 per day", key_func=_asker, methods=["POST"])
def ask(offer_id: int) -> ResponseReturnValue:
    """Ask the holder; a visitor is sent a link to confirm the address first."""
    actor = current_actor()
    offer = offers.get_offer(actor, offer_id)
    require(actor, "question.ask", offer)
    form = QuestionForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                questions.ask(
                    actor,
                    offer_id,
                    form.text.data,
                    locale=locale.select(),
                    name=form.name.data or "",
                    email=form.email.data or "",
                )
        except DomainError as error:
            form.accept(error)
        else:
            if actor.user_id is None:
                flash(
                    gettext("Please open the link that we have sent you: then the question goes off."), "info"
                )
            else:
                flash(gettext("Your question is on its way; the answer comes to your inbox."), "success")
            return redirect(url_for("offers.show", offer_id=offer_id, _anchor="ask"))
    return render_template("showcase/ask.html", form=form, offer=offer, patent=offer.patent), status_of(form)


@blueprint.route("/questions/confirm/<token>", methods=["GET", "POST"])
@access("public")
@limiter.limit("60 per hour")
def confirm(token: str) -> ResponseReturnValue:
    """The link of the mail. A press of the button confirms: scanners of mail open links by themselves."""
    actor = current_actor()
    row = questions.by_token(token)
    if request.method == "POST":
        with unit_of_work(actor):
            questions.confirm(actor, token)
        flash(
            gettext("Thank you. Your question has gone to the holder; the answer comes by mail."), "success"
        )
        return redirect(url_for("offers.show", offer_id=row.offer_id))
    return render_template("showcase/confirm.html", question=row, token=token)


# --- lists


@blueprint.get("/questions")
@access("signed_in")
def index() -> ResponseReturnValue:
    """Questions to answer, and those one asked."""
    actor = current_actor()
    chosen = request.args.get("state", "")
    states = (chosen,) if chosen in _STATES else ()
    before = request.args.get("before", type=int)
    rows = questions.received(actor.holders, states=states, before=before, limit=_SIZE + 1)
    return render_template(
        "showcase/questions.html",
        received=rows[:_SIZE],
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        asked=questions.asked_by(actor),
        waiting=questions.unanswered(actor.holders),
        state=chosen,
        states=_STATES,
        today=clock.today(),
    )


@blueprint.get("/questions/waiting")
@access("bureau")
def waiting() -> ResponseReturnValue:
    """For the bureau: whose questions wait, and for how many days."""
    require(current_actor(), "question.supervise")
    return render_template("showcase/waiting.html", rows=questions.unanswered())


# --- one question


@blueprint.route("/questions/<int:question_id>", methods=["GET", "POST"])
@access("signed_in")
def show(question_id: int) -> ResponseReturnValue:
    """A question with its answer; whoever answers for the offer answers it here."""
    actor = current_actor()
    row = questions.get(actor, question_id)
    form = AnswerForm() if request.method == "POST" else AnswerForm(data={"answer": row.answer or ""})
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                questions.answer(actor, question_id, form.answer.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Your answer is sent."), "success")
            return redirect(url_for("questions.show", question_id=question_id))
    return _page(row, form, _faq_form(row, sent=False)), status_of(form)


def _faq_form(row: Question, *, sent: bool) -> FaqForm:
    language = "en" if row.locale == "en" else "zh"
    stored = {name: getattr(row, name) for name in ("question_zh", "question_en", "answer_zh", "answer_en")}
    if not any(stored.values()):
        stored |= {f"question_{language}": row.text, f"answer_{language}": row.answer}
    machine = next(
        (f"{lang}:machine" for lang in ("en", "zh") if row.origins.get(f"answer_{lang}") == "machine"), ""
    )
    form = FaqForm() if sent else FaqForm(formdata=None, data=stored | {"by": machine})
    form.by.choices = options(
        (
            ("", gettext("Both texts are our own words")),
            ("en:machine", gettext("The English text was translated by a machine")),
            ("zh:machine", gettext("The Chinese text was translated by a machine")),
        )
    )
    return form


def _page(row: Question, form: AnswerForm, faq: FaqForm, passages: Any = ()) -> str:
    actor = current_actor()
    return render_template(
        "showcase/question.html",
        question=row,
        offer=row.offer,
        patent=row.offer.patent,
        form=form,
        faq=faq,
        passages=passages,
        answers=allowed(actor, "question.answer", row).allowed,
        steps={transition.action for transition in QUESTION.offered(actor, row)},
        today=clock.today(),
    )


@blueprint.post("/questions/<int:question_id>/publish")
@access("signed_in")
def publish(question_id: int) -> ResponseReturnValue:
    """Put question and answer, worded for everybody, on the offer's page."""
    actor = current_actor()
    row = questions.get(actor, question_id)
    form = _faq_form(row, sent=True)
    passages: list[rules.Passage] = []
    if form.validate():
        names = ("question_zh", "question_en", "answer_zh", "answer_en")
        values: dict[str, Any] = {name: form[name].data or "" for name in names}
        lang = (form.by.data or "").partition(":")[0]
        values["origins"] = {
            name: "machine" if name.endswith(f"_{lang}") and lang else "human" for name in names
        }
        passages = rules.know_how({name: values[name] for name in names})
        try:
            with unit_of_work(actor):
                questions.publish(actor, question_id, values, may_be_public=bool(form.may_be_public.data))
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Question and answer are on the offer's page."), "success")
            return redirect(url_for("questions.show", question_id=question_id))
    return _page(row, AnswerForm(formdata=None, data={"answer": row.answer}), form, passages), 422


@blueprint.post("/questions/<int:question_id>/<any(unpublish, set_aside):action>")
@access("signed_in")
def step(question_id: int, action: str) -> ResponseReturnValue:
    """Take a published answer back, or set a question aside."""
    actor = current_actor()
    with unit_of_work(actor):
        questions.step(actor, question_id, action)
    flash(gettext("Done."), "success")
    return redirect(url_for("questions.show", question_id=question_id))
