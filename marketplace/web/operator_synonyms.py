"""The operator's list of words that mean the same to a search, its versions, and a trial of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import synonyms
from marketplace.search.models import SynonymGroup

from .forms import Form, at_most, required, status_of, stripped
from .operator_frame import blueprint, words_given


class SynonymForm(Form):
    """The terms of a group."""

    terms = TextAreaField(
        _l("Terms"),
        [required(), at_most(900)],
        filters=[stripped],
        description=_l("Separated by semicolons or one a line: words, abbreviations, both languages."),
    )


@dataclass(frozen=True)
class Group:
    """A group in force; `row` is None in the default list, `key` names it in forms."""

    terms: tuple[str, ...]
    row: SynonymGroup | None

    @property
    def key(self) -> str:
        """The terms as a form carries them."""
        return json.dumps(self.terms, ensure_ascii=False)


@blueprint.route("/synonyms", methods=["GET", "POST"])
@access("operator")
def synonym_list() -> ResponseReturnValue:
    """The groups in force and their earlier versions; one may be added, or given other terms."""
    actor = current_actor()
    form = SynonymForm()
    changing = _terms(request.values.get("group", ""))
    if request.method == "GET" and changing:
        form.terms.data = "; ".join(changing)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                synonyms.put(actor, form.terms.data, changing)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The list is changed; searches follow it at once."), "success")
            return redirect(url_for("operator.synonym_list"))
    rows, q = synonyms.versions(), words_given()
    groups = [Group(tuple(row.terms), row) for row in rows if row.until is None]
    if not rows:
        groups = [Group(terms, None) for terms in synonyms.DEFAULT]
    ended = [row for row in reversed(rows) if row.until is not None]
    return render_template(
        "operator/synonyms.html",
        form=form,
        groups=[group for group in groups if _has(group.terms, q)],
        total=len(groups),
        ended=[row for row in ended if _has(row.terms, q)],
        changing=changing,
        q=q,
    ), status_of(form)


@blueprint.post("/synonyms/end")
@access("operator")
def end_synonyms() -> ResponseReturnValue:
    """Take a group off the list."""
    actor = current_actor()
    terms = _terms(request.form.get("group", ""))
    with unit_of_work(actor):
        synonyms.end(actor, terms or ())
    flash(gettext("The group is off the list."), "success")
    return redirect(url_for("operator.synonym_list"))


def _has(terms: Any, q: str) -> bool:
    return not q or any(q.lower() in term.lower() for term in terms)


def _terms(text: str) -> tuple[str, ...] | None:
    """The terms that a form or an address carries; None where it carries none.

    Raises:
        Invalid: `synonyms-not-read`.
    """
    if not text:
        return None
    try:
        terms = json.loads(text)
    except ValueError as error:
        raise Invalid("synonyms-not-read", "This group cannot be read.") from error
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
        raise Invalid("synonyms-not-read", "This group cannot be read.")
    return tuple(terms)
