"""A holder's patents: the list, one patent with its nine bars, entering patents and facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.fields import read
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import rules, standing
from marketplace.listings.columns import (
    CLEARABLE,
    CONVERT_FACT,
    EVALUATION_REPORT,
    LEGAL_STATUS,
    OWNERSHIP,
    PLEDGED,
)
from marketplace.listings.models import ALL_FACTS, FACTS, Offer, Patent
from marketplace.listings.schemas import PatentSchema
from marketplace.listings.services import (
    draft_offer,
    eligibility_of,
    enter_patent,
    find_patent,
    get_patent,
    set_fact,
)

from . import formats, labels
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .holder_frame import blueprint, party

_SIZE = 50


# --- the list


@dataclass(frozen=True)
class Listed:
    """A patent in the list, with where it stands and its current declaration."""

    patent: Patent
    eligibility: rules.Eligibility
    offer: Offer | None

    @property
    def group(self) -> str:
        """One of `standing.STANDINGS`."""
        if self.offer is not None:
            return "offered"
        return self.standing

    @property
    def standing(self) -> str:
        """`may_file`, `barred` or `unknown`."""
        if self.eligibility.may_file:
            return "may_file"
        return "barred" if self.eligibility.barred else "unknown"

    @property
    def reason(self) -> str:
        """Why it may not be offered: the first bar that exists, else how much is unknown."""
        for bar in self.eligibility.open:
            if bar.result == "barred":
                parameters = dict(bar.parameters)
                if "date" in parameters:
                    parameters["date"] = formats.day(parameters["date"])
                return str(gettext(bar.reason, **parameters))
        unknown = len(self.eligibility.open)
        sentence: str = ngettext(
            "%(num)d of the nine bars is unknown.", "%(num)d of the nine bars are unknown.", unknown
        )
        return sentence


@blueprint.get("/patents")
@access("organisation")
def patents() -> ResponseReturnValue:
    """The patents of the organisation: by where they stand, what is to be checked again, number or title."""
    mine, today = party(), clock.today()
    group = request.args.get("group", "")
    q = request.args.get("q", "").strip()[:200]
    stale = request.args.get("check") == "stale"
    page = max(request.args.get("page", 1, type=int), 1)
    table = standing.patents_of(mine.id, today)
    query = sa.select(table.c.id).join(Patent, Patent.id == table.c.id)
    if group in standing.STANDINGS:
        query = query.where(standing.group_of(table) == group)
    if q:
        query = query.where(_matches(q))
    if stale:
        query = query.where(table.c.id.in_(standing.stale_of(mine.id, today)))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    ids = db.session.scalars(query.order_by(table.c.id.desc()).limit(_SIZE).offset((page - 1) * _SIZE)).all()
    return render_template(
        "holder/patents.html",
        rows=_listed(ids),
        total=total,
        page=page,
        size=_SIZE,
        group=group,
        q=q,
        stale=stale,
        counts=standing.counts(mine.id, today),
    )


def _matches(q: str) -> sa.ColumnElement[bool]:
    try:
        number = str(parse_number(q))
    except InvalidNumber:
        like = "%" + q.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        plain = like.upper().replace("ZL", "").replace(".", "")
        return sa.or_(
            Patent.title.ilike(like, escape="\\"),
            Patent.title_en.ilike(like, escape="\\"),
            Patent.number.like(plain, escape="\\"),
            Patent.publication_number.like(plain, escape="\\"),
        )
    return sa.or_(Patent.number == number, Patent.publication_number == number)


def _listed(ids: Sequence[int]) -> list[Listed]:
    rows = {row.id: row for row in db.session.scalars(sa.select(Patent).where(Patent.id.in_(ids)))}
    offers = current_offers(ids)
    return [Listed(rows[key], eligibility_of(rows[key]), offers.get(key)) for key in ids]


def current_offers(patent_ids: Sequence[int]) -> dict[int, Offer]:
    """Patent id → its declaration that is under way or in force; the newest where there are several."""
    query = sa.select(Offer).where(Offer.patent_id.in_(patent_ids), Offer.status.in_(standing.CURRENT))
    return {offer.patent_id: offer for offer in db.session.scalars(query.order_by(Offer.id))}


# --- one patent


def own_patent(patent_id: int) -> Patent:
    """A patent on which the actor may act.

    Raises:
        NotFound: `patent-not-found`, also for a patent of others.
    """
    patent = get_patent(patent_id)
    if not allowed(current_actor(), "patent.change", patent).allowed:
        raise NotFound("patent-not-found", "No patent with this number is known here.")
    return patent


@blueprint.get("/patents/<int:patent_id>")
@access("organisation")
def patent(patent_id: int) -> ResponseReturnValue:
    """Whether it may be offered and why not, with every bar's fact, date, source and remedy."""
    found = own_patent(patent_id)
    eligibility = eligibility_of(found)
    history = db.session.scalars(
        sa.select(Offer).where(Offer.patent_id == found.id).order_by(Offer.id.desc())
    ).all()
    return render_template(
        "holder/patent.html",
        patent=found,
        eligibility=eligibility,
        offer=current_offers([found.id]).get(found.id),
        history=history,
        fact_of=rules.FACT_OF_BAR,
        unknown=_unknown_facts(found),
        facts={fact.name: fact for fact in found.facts},
    )


@blueprint.post("/patents/<int:patent_id>/declare")
@access("organisation")
def declare(patent_id: int) -> ResponseReturnValue:
    """Begin a declaration, or go on with the one that is under way."""
    found, actor = own_patent(patent_id), current_actor()
    offer = current_offers([found.id]).get(found.id)
    if offer is None:
        with unit_of_work(actor):
            offer = draft_offer(actor, get_patent(patent_id), {})
        return redirect(url_for("holder.question", offer_id=offer.id, name="fee"))
    return redirect(url_for("holder.offer", offer_id=offer.id))


# --- entering a patent


class PatentForm(Form):
    """What is known of a patent; read by the same converters as the imports."""

    number = StringField(_l("Patent number"), [at_most(40)], filters=[stripped])
    title = StringField(_l("Title"), [at_most(500)], filters=[stripped])
    title_en = StringField(_l("English title"), [optional(), at_most(500)], filters=[stripped])
    patentees = StringField(_l("Patentees"), [optional(), at_most(2000)], filters=[stripped])
    filing_date = DateField(_l("Filing date"), [optional()])
    grant_date = DateField(_l("Grant announced on"), [optional()])
    ipc = StringField(
        _l("Classification (IPC, for designs Locarno)"), [optional(), at_most(500)], filters=[stripped]
    )
    abstract = TextAreaField(_l("Abstract"), [optional(), at_most(20_000)], filters=[stripped])
    problem = TextAreaField(_l("What it solves"), [optional(), at_most(20_000)], filters=[stripped])
    application = TextAreaField(_l("Where it is used"), [optional(), at_most(20_000)], filters=[stripped])
    advantage = TextAreaField(_l("Its advantage"), [optional(), at_most(20_000)], filters=[stripped])


@blueprint.route("/patents/new", methods=["GET", "POST"])
@access("organisation")
def new_patent() -> ResponseReturnValue:
    """Enter one patent by hand."""
    mine, actor = party(), current_actor()
    form = PatentForm(data={"patentees": mine.name})
    if form.validate_on_submit() and not _here_already(form):
        try:
            values = _with_owner(_read(form), mine)
            with unit_of_work(actor):
                stored = enter_patent(actor, values)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The patent is entered. Now state what is known about it."), "success")
            return redirect(url_for("holder.facts", patent_id=stored.id))
    return render_template("holder/patent_form.html", form=form, patent=None), status_of(form)


def _here_already(form: PatentForm) -> bool:
    """Whether the number names a patent that is known: what is typed for a new one must not overwrite it."""
    try:
        stored = find_patent(form.number.data or "")
    except (Invalid, NotFound):
        return False  # what is wrong with the number is said by its converter
    if allowed(current_actor(), "patent.change", stored).allowed:
        message = gettext(
            "You have this patent here already: look it up under “Patents” and change it there."
        )
    else:
        message = gettext(
            "This patent is here already, under other patentees. If you are one of them, ask the operator."
        )
    form.number.errors = [message]
    return True


@blueprint.route("/patents/<int:patent_id>/edit", methods=["GET", "POST"])
@access("organisation")
def edit_patent(patent_id: int) -> ResponseReturnValue:
    """Correct or complete what is known of a patent; what is emptied is taken away."""
    found, actor = own_patent(patent_id), current_actor()
    names = "; ".join(each.organisation.name for each in found.parties)
    known = {
        "number": found.reference,
        "patentees": names,
        "ipc": "; ".join(each.symbol for each in found.classes),
        **{
            name: getattr(found, name)
            for name in (
                "title", "title_en", "filing_date", "grant_date",
                "abstract", "problem", "application", "advantage",
            )
        },
    }  # fmt: skip
    form = PatentForm(data=known)
    del form.number
    if form.validate_on_submit() and not _left_out(form, known):
        try:
            emptied = {name: "none" for name in CLEARABLE if known.get(name) and not form.data.get(name)}
            values = _read(form, number=found.reference, **emptied)
            if form.patentees.data == names:
                values.pop("patentees", None)
            with unit_of_work(actor):
                enter_patent(actor, values)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for("holder.patent", patent_id=patent_id))
    return render_template("holder/patent_form.html", form=form, patent=found), status_of(form)


def _left_out(form: PatentForm, known: Mapping[str, Any]) -> bool:
    """Whether something was emptied that a patent cannot be without; says so beside it."""
    left_out = [name for name in ("filing_date", "patentees") if known[name] and not form.data[name]]
    for name in left_out:
        form[name].errors = [convert.reason("required")]
    return bool(left_out)


def _read(form: PatentForm, **fixed: Any) -> dict[str, Any]:
    given = {name: value for name, value in form.data.items() if value and name != "csrf_token"}
    return read(PatentSchema, given | fixed)


def _with_owner(values: dict[str, Any], mine: Organisation) -> dict[str, Any]:
    """A patent of nobody in particular is the organisation's; its code tells it from namesakes."""
    names = values.get("patentees") or (mine.name,)
    codes = tuple(mine.code if name == mine.name else None for name in names)
    regions = tuple(mine.region if name == mine.name else None for name in names)
    return {**values, "patentees": names, "patentee_codes": codes, "patentee_regions": regions}


# --- facts

_CHOICES: Mapping[str, Mapping[str, Any]] = {
    "legal_status": LEGAL_STATUS,
    "evaluation_report": EVALUATION_REPORT,
    "pledged": PLEDGED,
    "ownership": OWNERSHIP,
}
_QUESTIONS = {
    "legal_status": _l("What legal status does the register show?"),
    "annuity_paid_until": _l("Until when are the annuities paid?"),
    "evaluation_report": _l("What does the patent evaluation report conclude?"),
    "pledged": _l("Is the patent pledged?"),
    "exclusive_licence_until": _l("Is an exclusive or sole licence in force?"),
    "preserved_until": _l("Is the patent suspended or under court preservation?"),
    "other_hindrance": _l("Does anything else hinder its effective use?"),
    "ownership": _l("Does the register name the patentees that are entered here?"),
}
_HINTS = {
    "legal_status": _l("As the patent register shows it. A notice to pay an annuity is not yet an end."),
    "annuity_paid_until": _l("The last day of the patent year that the last annuity covers."),
    "evaluation_report": _l("CNIPA's opinion on whether a utility model or design is likely to hold."),
    "pledged": _l(
        "Given as security for a debt. With the pledgee's written consent it may be offered all the same."
    ),
    "exclusive_licence_until": _l(
        "Exclusive: only the licensee may use the patent. Sole: only the licensee and you."
    ),
    "preserved_until": _l(
        "CNIPA suspends it in a dispute about who owns it; a court preserves it for a claim."
    ),
    "other_hindrance": _l("For example an agreement that binds you not to license it."),
    "ownership": _l("Only the patentees in the register may declare. After a transfer it differs."),
}
_NONE_TEXTS = {
    "annuity_paid_until": _l("No annuity was paid"),
    "exclusive_licence_until": _l("No, there is none"),
    "preserved_until": _l("No"),
    "other_hindrance": _l("No, nothing does"),
}
_SOME_TEXTS = {
    "annuity_paid_until": _l("Paid until (inclusive)"),
    "exclusive_licence_until": _l("Yes, until (inclusive)"),
    "preserved_until": _l("Yes, until (inclusive)"),
    "other_hindrance": _l("Yes:"),
}


@dataclass(frozen=True)
class Question:
    """One fact as a question: a choice of codes, or none / some with a value."""

    name: str
    text: Any
    hint: Any
    choices: Sequence[tuple[str, Any]]
    none: Any
    some: Any
    dated: bool


def question_of(name: str) -> Question:
    """How a fact is asked for."""
    if name in _CHOICES:
        codes = [(code, labels.name("fact_value", code)) for code in _CHOICES[name]]
        return Question(name, _QUESTIONS[name], _HINTS[name], codes, "", "", dated=False)
    return Question(
        name,
        _QUESTIONS[name],
        _HINTS[name],
        (),
        _NONE_TEXTS[name],
        _SOME_TEXTS[name],
        dated=name != "other_hindrance",
    )


class FactForm(Form):
    """One fact, with its day and source."""

    as_of = DateField(
        _l("As of"), [required()], description=_l("The day on which it was so, by your source.")
    )
    source = StringField(
        _l("Source"),
        [required(_l("Please say where this is known from.")), at_most(200)],
        description=_l("For example: copy of the patent register, fee receipt."),
        filters=[stripped],
    )


def _fact_form(names: Sequence[str], patent: Patent, *, prefill: bool) -> FactForm:
    """A form with fields for these facts; `prefill` shows what is known already."""
    fields: dict[str, Any] = {}
    known = {fact.name: fact for fact in patent.facts} if prefill else {}
    data: dict[str, Any] = {"as_of": clock.today()}
    for name in names:
        question = question_of(name)
        value = known[name].value if name in known else None
        if question.choices:
            fields[name] = RadioField(
                question.text,
                [optional()],
                choices=options([*question.choices, ("", _l("Not known"))]),
                default="",
            )
            data[name] = value or ""
            continue
        kinds = [("none", question.none), ("some", question.some), ("", _l("Not known"))]
        fields[name] = RadioField(question.text, [optional()], choices=options(kinds), default="")
        data[name] = "none" if value == "none" else "some" if value else ""
        detail = None if value in (None, "none") else value
        if question.dated:
            fields[f"{name}_value"] = DateField(question.text, [optional()])
            data[f"{name}_value"] = dt.date.fromisoformat(detail) if detail else None
        else:
            fields[f"{name}_value"] = StringField(
                question.text, [optional(), at_most(500)], filters=[stripped]
            )
            data[f"{name}_value"] = detail
    if prefill and len(names) == 1 and names[0] in known:
        stated = known[names[0]].source
        data["source"] = "" if stated in rules.SOURCES else stated
    form: FactForm = type("FactsForm", (FactForm,), fields)(data=data)
    return form


def _values_of(form: FactForm, names: Sequence[str]) -> dict[str, Any]:
    """Fact → value, None for unknown; faults are put into the form."""
    values: dict[str, Any] = {}
    for name in names:
        chosen = form[name].data or None
        if chosen == "some":
            detail = form[f"{name}_value"]
            if not detail.data:
                if not detail.errors:
                    detail.errors = [gettext("Please fill in this field.")]
                continue
            chosen = detail.data
        values[name] = None if chosen is None else CONVERT_FACT[name](chosen)
    return values


@blueprint.route("/patents/<int:patent_id>/facts/<name>", methods=["GET", "POST"])
@access("organisation")
def fact(patent_id: int, name: str) -> ResponseReturnValue:
    """State one fact anew."""
    if name not in ALL_FACTS:
        raise NotFound("fact-unknown", "There is no such fact about a patent.")
    return _facts_page(own_patent(patent_id), [name], prefill=True)


@blueprint.route("/patents/<int:patent_id>/facts", methods=["GET", "POST"])
@access("organisation")
def facts(patent_id: int) -> ResponseReturnValue:
    """State all facts that are unknown, from one source."""
    found = own_patent(patent_id)
    names = _unknown_facts(found)
    if request.method == "POST":
        # What was asked, though someone may have stated one of them meanwhile.
        names = [name for name in FACTS if name in request.form]
    if not names:
        flash(gettext("Every fact is known."), "info")
        return redirect(url_for("holder.patent", patent_id=patent_id))
    return _facts_page(found, names, prefill=False)


def _unknown_facts(patent: Patent) -> list[str]:
    known = {fact.name for fact in patent.facts}
    return [
        name
        for name in FACTS
        if name not in known and not (name == "evaluation_report" and patent.kind == "invention")
    ]


def _facts_page(found: Patent, names: Sequence[str], *, prefill: bool) -> ResponseReturnValue:
    actor = current_actor()
    require(actor, "patent.change", found)
    form = _fact_form(names, found, prefill=prefill)
    if form.validate_on_submit():
        values = _values_of(form, names)
        if form.as_of.data > clock.today():
            form.as_of.errors = [gettext("This day lies in the future.")]
        if not prefill:
            values = {name: value for name, value in values.items() if value is not None}
            if not values and not form.errors:
                form.form_errors = [gettext("Please answer at least one question.")]
        if not form.errors:
            try:
                patent_id, as_of, source = found.id, form.as_of.data, form.source.data
                with unit_of_work(actor):
                    for name, value in values.items():
                        set_fact(actor, get_patent(patent_id), name, value, as_of=as_of, source=source)
            except DomainError as error:
                form.accept(error)
            else:
                flash(gettext("Saved."), "success")
                return redirect(url_for("holder.patent", patent_id=patent_id))
    return render_template(
        "holder/facts.html",
        form=form,
        patent=found,
        questions=[question_of(name) for name in names],
        single=prefill,
    ), status_of(form)
