"""Recommendations: the firm's, what it follows and its own patents, needs that an offer fits, and figures."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.mailing.choices import wants
from marketplace.core import clock
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands.models import RECOMMENDATION_CHANNELS, Recommendation
from marketplace.demands.services import shows_name
from marketplace.listings import services as listings
from marketplace.matching import digest, hits, interests, reverse
from marketplace.matching import services as matching
from marketplace.matching.lifecycle import PASS_REASONS
from marketplace.search.engine import EngineUnavailable

from . import labels
from .bureau_frame import day_asked, usual_first
from .downloads import saved
from .forms import Form, at_most, optional, options, required, sentence_of, status_of, stripped
from .list_pages import ListPages
from .uploads import Kind

blueprint = Blueprint("recommendations", __name__)

LISTS = ListPages(
    Kind(
        "own-patents",
        _l("Upload a list of our own patents"),
        _l(
            "New offers are compared with them. The number is enough for a patent that is registered here; "
            "others need a title. Nothing is published, and repeating changes nothing."
        ),
    ),
    permission="interest.import",
    above=(_l("Our own patents"), "recommendations.profile"),
    after=lambda _actor: "recommendations.profile",
)
LISTS.add_to(blueprint, "/recommendations/patents")

_SIZE: Final = 20
_ROWS: Final = 50
_EARLIEST: Final = dt.date(2020, 1, 1)

STEPS: Final[dict[str, tuple[Any, Any]]] = {
    "shown": (
        _l("Shown"),
        _l("Recommendations made in the period: an offer and a firm, or a demand of it, each pair once."),
    ),
    "opened": (
        _l("Opened"),
        _l("Of those shown: the firm opened the offer from the recommendation, or contacted its holder."),
    ),
    "contacted": (
        _l("Contacted"),
        _l("Of those shown: the firm says that it has contacted the holder."),
    ),
    "licensed": (
        _l("Licensed"),
        _l("Of those shown: a licence of the firm under the offer has taken effect since, by whatever way."),
    ),
    "passed": (
        _l("Passed over"),
        _l("Of those shown: the firm said why the offer does not fit. It may still have opened it."),
    ),
}


class FieldForm(Form):
    """A field to follow."""

    words = StringField(
        _l("A field in your words"),
        [required(), at_most(300)],
        description=_l("For example: separators of lithium batteries"),
        filters=[stripped],
    )
    ipc = StringField(
        _l("IPC classes, if you know them"),
        [optional(), at_most(200)],
        description=_l("Separated by ; for example F04D 29/22; C23C 4"),
        filters=[stripped],
    )


class PassForm(Form):
    """Why an offer does not fit."""

    reason = SelectField(
        _l("Why does it not fit?"),
        choices=options((code, labels.name("pass_reason", code)) for code in PASS_REASONS),
    )
    note = StringField(_l("In your own words"), [optional(), at_most(500)], filters=[stripped])


# --- the firm


@blueprint.route("/recommendations", methods=["GET", "POST"])
@access("organisation")
def index() -> ResponseReturnValue:
    """What was recommended to the organisation, what it follows, and whether the reader takes the mail."""
    actor = current_actor()
    form = FieldForm()
    if form.validate_on_submit():
        symbols = [part.strip() for part in (form.ipc.data or "").split(";") if part.strip()]
        try:
            with unit_of_work(actor):
                interests.name_field(actor, form.words.data or "", symbols)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("You will hear of new offers in this field."), "success")
            return redirect(url_for("recommendations.index"))
    rows = matching.recommendations_to(actor, after=request.args.get("after", type=int), limit=_SIZE + 1)
    followed = interests.interests_of(actor)
    return (
        render_template(
            "recommendations/index.html",
            rows=rows[:_SIZE],
            after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
            form=form,
            pass_form=PassForm(formdata=None),
            fields=[one for one in followed if one.kind == "field"],
            patents=sum(one.kind == "patent" for one in followed),
            takes_mail=wants(actor.user_id or 0, digest.TOPIC),
        ),
        status_of(form),
    )


@blueprint.post("/recommendations/<int:recommendation_id>/<state>")
@access("organisation")
def mark(recommendation_id: int, state: str) -> ResponseReturnValue:
    """Say what became of a recommendation: opened (and go there), contacted, or passed over."""
    if state not in ("opened", "contacted", "passed"):
        abort(404)
    actor, form = current_actor(), PassForm()
    with unit_of_work(actor):
        row = matching.get_recommendation(actor, recommendation_id)
        row = matching.mark(actor, row, state, reason=form.reason.data, note=form.note.data)
    if state == "opened":
        return redirect(url_for("offers.show", offer_id=row.offer_id))
    flash(gettext("Noted."), "success")
    return redirect(url_for("recommendations.index"))


@blueprint.post("/recommendations/interests/<int:interest_id>/drop")
@access("organisation")
def drop(interest_id: int) -> ResponseReturnValue:
    """Hear no more of it."""
    actor = current_actor()
    with unit_of_work(actor):
        gone = interests.drop(actor, interest_id)
    flash(gettext("You will hear no more of it."), "info")
    return redirect(url_for(f"recommendations.{'index' if gone.kind == 'field' else 'profile'}"))


@blueprint.get("/recommendations/patents")
@access("organisation")
def profile() -> ResponseReturnValue:
    """The organisation's own patents with which new offers are compared."""
    followed = interests.interests_of(current_actor())
    return render_template(
        "recommendations/profile.html",
        patents=[one for one in followed if one.kind == "patent"],
        most=interests.MOST,
    )


@blueprint.post("/recommendations/patents")
@access("organisation")
def take_patents() -> ResponseReturnValue:
    """Compare new offers with the patents that are registered here for the organisation."""
    actor = current_actor()
    with unit_of_work(actor):
        taken = interests.take_patents(actor)
    flash(
        gettext("%(count)s of your patents are now compared with new offers.", count=taken)
        if taken
        else gettext("There are no more patents of yours here."),
        "success" if taken else "info",
    )
    return redirect(url_for("recommendations.profile"))


# --- the holder


@blueprint.get("/holder/offers/<int:offer_id>/demands")
@access("organisation")
def demands_of(offer_id: int) -> ResponseReturnValue:
    """The published demands that an offer fits, and why firms passed it over: counts, never who."""
    actor = current_actor()
    offer = listings.get_offer(actor, offer_id)
    passed = hits.passes_of(actor, offer, offer.id)
    unavailable = False
    try:
        found = reverse.demands_fitting(actor, offer)
    except EngineUnavailable:
        found, unavailable = [], True
    return render_template(
        "recommendations/demands.html",
        offer=offer,
        fits=found,
        named={fit.demand.id: shows_name(actor, fit.demand) for fit in found},
        passed=passed,
        unavailable=unavailable,
    )


# --- the bureau


def _period() -> hits.Period:
    """The period of the address; by default the present month and the eleven before it."""
    last = max(day_asked("to") or clock.today(), _EARLIEST)
    return hits.Period(max(day_asked("from") or usual_first(last), _EARLIEST), last)


def group_text(by: str, key: str) -> str:
    """A group as readers know it."""
    return str(labels.name("recommendation_channel", key)) if by == "channel" else key


@blueprint.get("/bureau/recommendations")
@access("bureau")
def figures() -> ResponseReturnValue:
    """How many recommendations were opened, led to a contact and to a licence, by channel and month."""
    actor, problem = current_actor(), None
    try:
        period = _period()
    except Invalid as error:
        problem = sentence_of(error)
        period = hits.Period(usual_first(clock.today()), clock.today())
    tables = {by: hits.groups(actor, period, by) for by in hits.GROUPINGS}
    return render_template(
        "recommendations/figures.html",
        period=period,
        problem=problem,
        steps=STEPS,
        tables=tables,
        whole=hits.total(tables["month"]),
        passes=hits.passes(actor, period),
        group_text=group_text,
        parameters={"from": period.first.isoformat(), "to": period.last.isoformat()},
    )


@blueprint.get("/bureau/recommendations/rows")
@access("bureau")
def rows() -> ResponseReturnValue:
    """The recommendations behind a count."""
    actor, period = current_actor(), _period()
    step = request.args.get("step", "shown")
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    found, number = _found(step, (page - 1) * _ROWS, _ROWS)
    month, channel = request.args.get("month"), request.args.get("channel")
    return render_template(
        "recommendations/rows.html",
        rows=found,
        total=number,
        page=page,
        size=_ROWS,
        period=period,
        step=STEPS[step],
        group=month or (group_text("channel", channel) if channel in RECOMMENDATION_CHANNELS else None),
        named={row.id: row.demand is None or shows_name(actor, row.demand) for row in found},
    )


def _found(step: str, first: int, size: int) -> tuple[list[Recommendation], int]:
    return hits.rows(
        current_actor(),
        _period(),
        step,
        month=request.args.get("month"),
        channel=request.args.get("channel"),
        first=first,
        size=size,
    )


@blueprint.get("/bureau/recommendations.csv")
@access("bureau")
def figures_csv() -> ResponseReturnValue:
    """The counts and shares of each month and channel, for a spreadsheet."""
    actor, period = current_actor(), _period()
    head = [gettext("Group by"), gettext("Group"), *(str(name) for name, _ in STEPS.values())]
    head += [gettext("%(step)s, share of shown", step=STEPS[step][0]) for step in hits.STEPS[1:]]
    lines: list[list[Any]] = [head]
    for by in hits.GROUPINGS:
        for group in hits.groups(actor, period, by):
            counts = [group.counts[step] for step in hits.STEPS]
            shares = [group.share(step) for step in hits.STEPS[1:]]
            text = [f"{share:.4f}" if share is not None else "" for share in shares]
            lines.append([by, group_text(by, group.key), *counts, *text])
    return _csv(lines, f"recommendations-{period.first}-{period.last}.csv")


@blueprint.get("/bureau/recommendations/rows.csv")
@access("bureau")
def rows_csv() -> ResponseReturnValue:
    """The recommendations behind a count, for a spreadsheet; 10,000 at most."""
    found, _ = _found(request.args.get("step", "shown"), 0, 10_000)
    lines: list[list[Any]] = [
        [
            gettext("Number"), gettext("Firm"), gettext("Demand"), gettext("Offer"), gettext("Channel"),
            gettext("Shown"), gettext("Opened"), gettext("Contacted"), gettext("Licensed"),
            gettext("Passed over"), gettext("Reason"),
        ]
    ]  # fmt: skip
    for row in found:
        moments = (row.shown_at, row.opened_at, row.contacted_at, row.licensed_at, row.passed_at)
        lines.append(
            [
                row.id,
                row.organisation.name,
                row.demand.title if row.demand is not None else "",
                row.offer.patent.title,
                group_text("channel", row.channel),
                *(clock.legal_date(one).isoformat() if one is not None else "" for one in moments),
                labels.name("pass_reason", row.pass_reason) if row.pass_reason else "",
            ]
        )
    return _csv(lines, "recommendations.csv")


def _csv(lines: list[list[Any]], name: str) -> Response:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([safe_cell(cell) if isinstance(cell, str) else cell for cell in line] for line in lines)
    return saved(codecs.BOM_UTF8 + out.getvalue().encode(), name)
