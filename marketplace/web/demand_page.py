"""The page of a demand: its text, its confidential part, answers, and for its owner the offers that fit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from flask import current_app, flash, json, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import SelectField, StringField, TextAreaField

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import accesses, answers, reminders, services
from marketplace.demands.columns import INDUSTRIES
from marketplace.demands.models import Demand, Recommendation
from marketplace.demands.policies import is_public
from marketplace.demands.rules import LONGEST_NOTE, LONGEST_TEXT, OUTCOME_REASONS
from marketplace.demands.rules import PASS_REASONS as ANSWER_PASS_REASONS
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.matching import services as matching
from marketplace.matching.lifecycle import PASS_REASONS
from marketplace.matching.services import Match
from marketplace.search.answering import Source
from marketplace.search.engine import EngineUnavailable

from . import formats, labels
from .forms import Form, at_most, optional, options, sentence_of, status_of, stripped

_MOST_OFFERS: Final = 200  # in the lists of own offers and patents to answer with


@dataclass(frozen=True)
class Shown:
    """A match with what became of it, if anything was noted yet."""

    match: Match
    state: str
    recommendation_id: int | None


class PassForm(Form):
    """Why an offer does not fit."""

    reason = SelectField(
        _l("Why does it not fit?"),
        choices=options((code, labels.name("pass_reason", code)) for code in PASS_REASONS),
    )
    note = StringField(_l("In your own words"), [optional(), at_most(500)], filters=[stripped])


class AnswerForm(Form):
    """A holder's answer: with an offer, with a patent that is not declared yet, or in words alone."""

    offer = SelectField(_l("One of your live offers"), [optional()], coerce=str)
    patent = SelectField(
        _l("Or a patent that you would open"),
        [optional()],
        coerce=str,
        description=_l("Only the firm sees this. It is an intention and binds nobody."),
    )
    text = TextAreaField(
        _l("What do you want to say to the firm?"),
        [optional(), at_most(LONGEST_TEXT)],
        description=_l("How it solves the problem, what it has been used for, whom to ask."),
        filters=[stripped],
    )


def page(actor: Actor, demand_id: int, form: AnswerForm | None = None) -> ResponseReturnValue:
    """The page of a demand as this actor sees it.

    Args:
        form: an answer that was refused, to be shown again with what is wrong.
    """
    demand = services.get_demand(actor, demand_id)
    if reminders.is_first_opening(actor, demand):
        with unit_of_work(actor):
            reminders.note_opening(actor, demand_id)
        demand = services.get_demand(actor, demand_id)
    sees_matches = allowed(actor, "recommendation.list", demand).allowed
    unavailable = False
    source: Source | None = None
    shown: list[Shown] = []
    passed: list[Recommendation] = []
    if sees_matches:
        known = {row.offer_id: row for row in matching.recommendations_of(actor, demand)}
        passed = [row for row in known.values() if row.state == "passed"]
        if demand.state in ("published", "answered"):
            try:
                found = matching.matches_for(demand)
            except EngineUnavailable:
                unavailable = True
            else:
                source = found.source
                shown = [_shown(match, known.get(match.offer_id)) for match in found]
                shown = [one for one in shown if one.state != "passed"]
    actions = {transition.action for transition in services.offered(actor, demand)}
    keeps_secret = allowed(actor, "demand.read_confidential", demand).allowed
    may_answer = (
        "answer" in actions
        and actor.organisation_id is not None
        and demand.organisation_id not in actor.licensees
        and (demand.answer_by is None or demand.answer_by >= clock.today())
    )
    if may_answer and form is None:
        form = answer_form(actor)
    mine = [] if keeps_secret or not demand.confidential else accesses.own_accesses(actor, demand)
    shown_page = render_template(
        "demands/show.html",
        demand=demand,
        address=f"{current_app.config['SETTINGS'].public_url}{url_for('demands.show', demand_id=demand.id)}",
        json_ld=_json_ld(demand) if is_public(demand) else None,
        own=allowed(actor, "demand.change", demand).allowed,
        judges=keeps_secret,
        # What became of a match is the firm's to say, also where the bureau posts for it.
        marks=demand.organisation_id in actor.licensees,
        name_of_industry=lambda code: INDUSTRIES.get(code, (code, code))[formats.english()],
        shows_name=services.shows_name(actor, demand),
        actions=actions,
        sees_matches=sees_matches,
        shown=shown,
        passed=passed,
        answers=answers.answers_to(actor, demand),
        unavailable=unavailable,
        source=source,
        pass_form=PassForm(formdata=None),
        answer_pass_reasons=ANSWER_PASS_REASONS,
        outcomes=OUTCOME_REASONS,
        accesses=accesses.accesses_to(actor, demand) if keeps_secret and demand.confidential else [],
        readings=accesses.readings(actor, demand) if keeps_secret and demand.confidential else [],
        my_accesses=mine,
        ask_for=not keeps_secret and accesses.may_ask_for(actor, demand),
        answer_form=form if may_answer else None,
        longest=LONGEST_TEXT,
        longest_note=LONGEST_NOTE,
    )
    return shown_page, 200 if form is None else status_of(form)


def _shown(match: Match, row: Recommendation | None) -> Shown:
    return Shown(match, row.state if row else "shown", row.id if row else None)


def _json_ld(demand: Demand) -> Markup:
    """The public part for search engines, as a Demand of schema.org; a data block is not executed."""
    root = current_app.config["SETTINGS"].public_url
    it: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Demand",
        "@id": root + url_for("demands.show", demand_id=demand.id),
        "name": demand.title,
        "alternateName": demand.title_en,
        "description": demand.description,
        "availabilityStarts": demand.published_on.isoformat() if demand.published_on else None,
        "availabilityEnds": demand.answer_by.isoformat() if demand.answer_by else None,
        "areaServed": labels.district(demand.district) if demand.district else None,
    }
    if demand.budget_minor is not None:
        it["priceSpecification"] = {
            "@type": "PriceSpecification",
            "maxPrice": f"{Decimal(demand.budget_minor) / 100:.2f}",
            "priceCurrency": "CNY",
        }
    # Who seeks is said the other way round: an organisation `seeks` a demand.
    said: dict[str, Any] = {key: value for key, value in it.items() if value is not None}
    if demand.named:
        context = said.pop("@context")
        said = {
            "@context": context,
            "@type": "Organization",
            "name": demand.organisation.name,
            "seeks": said,
        }
    text = json.dumps(said, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no markup can begin without the sign


def answer_form(actor: Actor) -> AnswerForm:
    """The form by which the actor answers, with its own offers and patents to choose from."""
    form = AnswerForm()
    none = ("", gettext("None"))
    form.offer.choices = [
        none,
        *((str(one.id), _patent_text(one.patent)) for one in _my_live_offers(actor)),
    ]
    form.patent.choices = [
        none,
        *((str(one.id), _patent_text(one)) for one in answers.undeclared_patents(actor, _MOST_OFFERS)),
    ]
    return form


def _patent_text(patent: Any) -> str:
    title = patent.title_en if formats.english() and patent.title_en else patent.title
    return f"{title} · {formats.patent_number(patent)}"


def _my_live_offers(actor: Actor) -> list[Offer]:
    today = clock.today()
    rows = db.session.scalars(
        sa.select(Offer)
        .where(Offer.holder_id.in_(actor.holders), Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
        .order_by(Offer.id.desc())
        .limit(_MOST_OFFERS)
    )
    return [offer for offer in rows if offer.in_force_on(today)]


def done(
    demand_id: int, actor: Actor, act: Any, said: str, kind: str, anchor: str | None = None
) -> ResponseReturnValue:
    """Do a step of the page in one unit of work; a refusal is said on the page."""
    try:
        with unit_of_work(actor):
            act()
    except Invalid as error:
        sentences = [gettext(one) for many in error.fields.values() for one in many]
        flash(sentences[0] if sentences else sentence_of(error), "danger")
    else:
        flash(said, kind)
    return redirect(url_for("demands.show", demand_id=demand_id, _anchor=anchor))


def after() -> int | None:
    """The id in the present address behind which a page of a list begins."""
    key = request.args.get("after", type=int)
    return key if key is None or 0 < key < 1 << 62 else None
