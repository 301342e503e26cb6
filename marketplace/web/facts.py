"""Facts of many patents: the worklist, attestations, extracts of the register, and each patent's history."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, SelectMultipleField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import User
from marketplace.core import clock, importing
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Invalid, NotFound
from marketplace.core.lazily import Lazily
from marketplace.core.permissions import allowed
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.facts import attesting, reminders, staleness, worklist
from marketplace.listings.facts.models import ALL_FACTS
from marketplace.listings.facts.statements import FACTS
from marketplace.listings.models import Patent
from marketplace.listings.services import eligibility_of, facts_of, history_of

from . import labels
from .downloads import saved
from .formats import english
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .holder_frame import blueprint, party
from .holder_patents import own_patent
from .list_templates import header, headers_of, template_answer
from .uploads import Kind, UploadForm, carry_out, kept_list, rehearse, sentence_on

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = Lazily("openpyxl")

KIND = Kind(
    "facts",
    _l("Upload an extract of the register"),
    _l("Patent number, legal status, annuities, pledge, licence, preservation: only these facts change."),
)
_SHOWN = 20  # numbers of a list that a page shows


# --- the worklist


@blueprint.get("/facts")
@access("organisation")
def fact_work() -> ResponseReturnValue:
    """What is unknown or stale, the action that clears most patents first, and the days ahead."""
    mine, today = party(), clock.today()
    return render_template(
        "facts/work.html",
        todo=worklist.of(mine.id, today),
        ahead=reminders.ahead(mine.id, today),
        attestations=attesting.of(mine.id),
        may_attest=allowed(current_actor(), "patent.attest", mine.id).allowed,
        ages=staleness.ages(today),
        facts=ALL_FACTS,
    )


@blueprint.get("/facts/<fact>.xlsx")
@access("organisation")
def needing_list(fact: str) -> Response:
    """The patents on which a fact is unknown or stale, as an extract to fill in and upload again."""
    mine = party()
    if fact not in ALL_FACTS:
        raise NotFound("fact-unknown", "There is no such fact about a patent.")
    ids = worklist.needing(mine.id, [fact], clock.today())
    rows = db.session.execute(
        sa.select(sa.func.coalesce(Patent.number, Patent.publication_number), Patent.title)
        .where(Patent.id.in_(ids))
        .order_by(Patent.id)
    )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(gettext("List"))
    sheet.column_dimensions["A"].width = 20
    sheet.column_dimensions["B"].width = 48
    names = {column.name: header(column) for column in importing.columns_of("facts")}
    sheet.append([names["number"], gettext("Title"), names[fact], names["as_of"]])
    for number, title in rows:
        sheet.append([number, safe_cell(title)])
    content = io.BytesIO()
    book.save(content)
    return saved(content.getvalue(), f"{labels.name('fact', fact)}.xlsx")


# --- attestations


class AttestForm(Form):
    """What is vouched for, for which patents; and that the text was read."""

    facts = SelectMultipleField(
        _l("What do you vouch for?"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[],
    )
    numbers = TextAreaField(
        _l("Only these patents"),
        [optional(), at_most(1_200_000)],
        description=_l("Patent numbers, one a line. Empty: all patents on which it is unknown or old."),
        filters=[stripped],
    )
    sha256 = HiddenField()
    confirm = BooleanField(_l("I have read this text, I am authorised, and I state it."))


@blueprint.route("/facts/attest", methods=["GET", "POST"])
@access("organisation")
def attest() -> ResponseReturnValue:
    """Show the text for the chosen facts and patents; on its confirmation keep it and state the facts."""
    mine, actor = party(), current_actor()
    given = request.args.getlist("facts")
    form = AttestForm(data={"facts": given})
    form.facts.choices = options((name, labels.name("fact", name)) for name in worklist.ATTESTABLE)
    shown = None
    if form.is_submitted() and not form.validate():
        return _attest_page(form, None), status_of(form)
    if not form.is_submitted() and not given:
        # Nobody vouches for what a page has ticked by itself.
        return _attest_page(form, None), 200
    numbers = form.numbers.data.split() if form.numbers.data else None
    try:
        shown = attesting.draft(
            actor, mine.id, form.facts.data, locale="en" if english() else "zh", numbers=numbers
        )
        if "sign" in request.form:
            if not form.confirm.data:
                message = gettext("Please confirm that you have read the text.")
                raise Invalid("confirmation-missing", message, fields={"confirm": [message]})
            organisation_id, confirmed = mine.id, form.sha256.data or ""
            with unit_of_work(actor):
                signed = attesting.attest(actor, organisation_id, shown, confirmed).id
            flash(gettext("Your statement is kept."), "success")
            return redirect(url_for("holder.attestation", attestation_id=signed))
    except Conflict as error:
        form.accept(error)
    except DomainError as error:
        if form.is_submitted() or error.code != "patents-missing":
            form.accept(error)
    return _attest_page(form, shown), status_of(form) if not form.form_errors else 422


def _attest_page(form: AttestForm, shown: attesting.Draft | None) -> str:
    return render_template(
        "facts/attest.html",
        form=form,
        shown=shown,
        first=sorted(shown.patents.values())[:_SHOWN] if shown is not None else [],
        attestable=list(worklist.ATTESTABLE),
        said=FACTS["en" if english() else "zh"],
    )


class RevokeForm(Form):
    """Why an attestation is taken back."""

    reason = TextAreaField(_l("Why do you revoke it?"), [required(), at_most(500)], filters=[stripped])


@blueprint.route("/facts/attestations/<int:attestation_id>", methods=["GET", "POST"])
@access("organisation")
def attestation(attestation_id: int) -> ResponseReturnValue:
    """One attestation, word for word, with its list; it may be revoked here."""
    actor = current_actor()
    row = attesting.get(actor, attestation_id)
    form = RevokeForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                attesting.revoke(actor, attestation_id, form.reason.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The attestation is revoked: its facts are unknown again."), "success")
            return redirect(url_for("holder.attestation", attestation_id=attestation_id))
    row = attesting.get(actor, attestation_id)
    numbers = attesting.listed(row)
    return render_template(
        "facts/attestation.html",
        form=form,
        row=row,
        written=attesting.written(row),
        first=numbers[:_SHOWN],
        revoker=db.session.get(User, row.revoked_by) if row.revoked_by else None,
        may_revoke=row.revoked_at is None
        and allowed(actor, "attestation.revoke", row.organisation_id).allowed,
    ), status_of(form)


@blueprint.get("/facts/attestations/<int:attestation_id>/list.txt")
@access("organisation")
def attestation_list(attestation_id: int) -> Response:
    """The very bytes over which the list's digest was made: numbers, one a line, in ascending order."""
    row = attesting.get(current_actor(), attestation_id)
    return saved("\n".join(attesting.listed(row)).encode(), f"attestation-{row.id}.txt")


# --- extracts of the register


class ExtractForm(UploadForm):
    """A file, and the day of a file that has none."""

    as_of = DateField(
        _l("As of"),
        [optional()],
        description=_l("Only if the file has no column with the day of each row."),
    )


@blueprint.route("/facts/extract", methods=["GET", "POST"])
@access("organisation")
def fact_extract() -> ResponseReturnValue:
    """Choose an extract; what it would do is shown before anything is written."""
    mine, actor = party(), current_actor()
    form = ExtractForm()
    rehearsal = rehearse(actor, "facts", form, mine.id, owner=None, options={"as_of": form.as_of.data})
    wanted = request.args.get("fact", "")
    return render_template(
        "facts/extract.html",
        form=form,
        kind=KIND,
        rehearsal=rehearsal,
        columns=importing.columns_of("facts"),
        header=header,
        headers=headers_of("facts"),
        fact=wanted if wanted in ALL_FACTS else None,
    ), status_of(form)


@blueprint.post("/facts/extract/import")
@access("organisation")
def import_facts() -> ResponseReturnValue:
    """Take over an extract that was rehearsed."""
    mine, actor = party(), current_actor()
    kept = kept_list(request.form.get("file", 0, type=int), "facts", mine.id)
    as_of = request.form.get("as_of", None, type=_day)
    done = carry_out(actor, "facts", kept, owner=None, dry_run=False, options={"as_of": as_of})
    if done.report_id is None:
        flash(sentence_on(done.summary), "success")
        return redirect(url_for("holder.fact_work"))
    return render_template(
        "holder/imported.html",
        kind=KIND,
        done=done,
        sentence=sentence_on(done.summary),
        next=url_for("holder.fact_work"),
        headers=headers_of("facts"),
    )


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@blueprint.get("/facts/extract/template.xlsx")
@access("organisation")
def fact_template() -> Response:
    """An empty extract with its headers and notes."""
    return template_answer("facts")


# --- one patent


@blueprint.get("/patents/<int:patent_id>/facts/history")
@access("organisation")
def fact_history(patent_id: int) -> ResponseReturnValue:
    """What is known of a patent with source, day, author and age, and what was known before."""
    found = own_patent(patent_id)
    facts, history = facts_of(found), history_of(found)
    people = {fact.entered_by for fact in facts}
    people |= {key for row in history for key in (row.entered_by, row.ended_by)}
    users = db.session.scalars(sa.select(User).where(User.id.in_(people - {None})))
    today = clock.today()
    ages = staleness.ages(today)
    return render_template(
        "facts/history.html",
        patent=found,
        facts=facts,
        fresh={fact.name: staleness.fresh_until(fact.name, fact.value, fact.as_of, ages) for fact in facts},
        stale=eligibility_of(found).stale_facts,
        history=history,
        people={user.id: user.name for user in users},
    )
