"""The operator's list of promotional words: what it holds, since when, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import DomainError
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import rules, wording
from marketplace.listings.facts.models import PromotionalWord

from .forms import Form, at_most, optional, required, status_of, stripped
from .operator_frame import blueprint


class WordForm(Form):
    """A word, its reason in both languages, and its first day."""

    word = StringField(_l("Word"), [required(), at_most(100)], filters=[stripped])
    reason = StringField(_l("Reason in Chinese"), [required(), at_most(300)], filters=[stripped])
    reason_en = StringField(_l("Reason in English"), [required(), at_most(300)], filters=[stripped])
    since = DateField(_l("From"), [optional()], description=_l("Empty: from today on."))


@dataclass(frozen=True)
class Listed:
    """A word of the list in force, with the days it holds; no day for the default list."""

    word: rules.Word
    row: PromotionalWord | None


@blueprint.route("/words", methods=["GET", "POST"])
@access("operator")
def words() -> ResponseReturnValue:
    """The list in force and its earlier versions; a word may be added."""
    actor = current_actor()
    form = WordForm()
    if form.validate_on_submit():
        word, reason, reason_en = form.word.data, form.reason.data, form.reason_en.data
        try:
            with unit_of_work(actor):
                wording.add(actor, word, reason, reason_en, form.since.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The word is on the list."), "success")
            return redirect(url_for("operator.words"))
    rows, today = wording.versions(), clock.today()
    present = [row for row in rows if row.until is None or row.until >= today]
    listed = [Listed(rules.Word(row.word, row.reason, row.reason_en), row) for row in present]
    if not rows:
        listed = [Listed(word, None) for word in rules.default_words()]
    return render_template(
        "operator/words.html",
        form=form,
        listed=listed,
        ended=[row for row in rows if row not in present],
    ), status_of(form)


@blueprint.post("/words/end")
@access("operator")
def end_word() -> ResponseReturnValue:
    """Take a word off the list: today is its last day."""
    actor = current_actor()
    word = request.form.get("word", "")
    with unit_of_work(actor):
        wording.end(actor, word)
    flash(gettext("The word is off the list from tomorrow on."), "success")
    return redirect(url_for("operator.words"))
