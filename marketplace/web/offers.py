"""Finding offers, and the page of one offer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.permissions import allowed
from marketplace.deals.models import OPEN_NOTICE, Licence, Notice
from marketplace.deals.rules import Term, basis_of, effective_on_service, licence_term
from marketplace.listings import rules
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import Offer
from marketplace.listings.services import offers
from marketplace.search import services as search_services
from marketplace.search.engine import EngineUnavailable
from marketplace.search.query import CHOICES, SORTS, QueryError, SearchQuery
from marketplace.statistics import activity

from . import formats, labels
from .forms import sentence_of

blueprint = Blueprint("offers", __name__, url_prefix="/offers")

_SIZE = 20
_DEEPEST = 10_000


# --- the search page


@dataclass(frozen=True)
class Option:
    """A value of a facet, as a checkbox."""

    value: str
    text: Any
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet as the page shows it; `parameter` is the address's."""

    parameter: str
    title: Any
    options: Sequence[Option]


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the address without it."""

    text: Any
    address: str


FEE_STEPS = (10_000, 50_000, 100_000, 500_000)  # yuan


@blueprint.get("")
@access("public")
def search() -> ResponseReturnValue:
    """Search with facets; from the database by number while the engine does not answer."""
    given = {name: request.args.getlist(name) for name in request.args}
    try:
        found = search_services.search(given)
    except QueryError as error:
        return render_template(
            "offers/search.html",
            problem=error,
            said=sentence_of(error),
            q=request.args.get("q", ""),
            sorts=(),
        ), 422
    except EngineUnavailable:
        q = request.args.get("q", "")
        by_number = search_services.find_by_number(q)
        return render_template("offers/unavailable.html", q=q, offers=by_number), 200 if by_number else 503
    query = found.query
    _note("shown", [int(hit.document.id) for hit in found.page.items])
    return render_template(
        "offers/search.html",
        found=found,
        query=query,
        q=request.args.get("q", ""),
        facets=_facets(found),
        chips=_chips(query),
        sorts=[(name, labels.name("sort", name)) for name in SORTS],
        fee_steps=FEE_STEPS,
        deepest=_DEEPEST // query.size,
    )


def _facets(found: search_services.SearchResult) -> list[Facet]:
    query = found.query
    facets = [_ipc_facet(found)]
    titles = {
        "fee_form": gettext("Price form"),
        "district": gettext("District"),
        "owner_type": gettext("Owner"),
        "kind": gettext("Kind of right"),
    }
    for name, title in titles.items():
        chosen = next(choice for choice in CHOICES if choice.parameter == name).chosen(query)
        counts = {count.value: count.count for count in found.page.facets.get(name, ())}
        values = [*counts, *(value for value in chosen if value not in counts)]
        facets.append(
            Facet(name, title, [Option(v, _named(name, v), counts.get(v, 0), v in chosen) for v in values])
        )
    return facets


def _named(parameter: str, value: str) -> Any:
    """What a filter's value is called."""
    if parameter == "ipc":
        return f"{formats.ipc(value)} {labels.ipc_title(value)}".strip()
    return labels.district(value) if parameter == "district" else labels.name(parameter, value)


def _ipc_facet(found: search_services.SearchResult) -> Facet:
    """Sections; within a chosen section its classes as well."""
    chosen = found.query.ipc
    sections = {count.value: count.count for count in found.page.facets.get("ipc_section", ())}
    classes = {count.value: count.count for count in found.page.facets.get("ipc_class", ())}
    shown: dict[str, int] = {}
    for section in sorted({*sections, *(value[:1] for value in chosen if value[:1].isalpha())}):
        shown[section] = sections.get(section, 0)
        if any(value.startswith(section) for value in chosen):
            shown |= {value: n for value, n in sorted(classes.items()) if value.startswith(section)}
    for value in chosen:
        shown.setdefault(value, classes.get(value, 0))
    options = [Option(value, _named("ipc", value), count, value in chosen) for value, count in shown.items()]
    return Facet("ipc", gettext("Field of technology (IPC)"), options)


def _chips(query: SearchQuery) -> list[Chip]:
    chips = []
    for choice in CHOICES:
        given = request.args.getlist(choice.parameter)
        for value in given:
            rest = [other for other in given if other != value]
            text = _named(choice.parameter, choice.read(value.strip()) or value)
            chips.append(Chip(text, _address(**{choice.parameter: rest})))
    if query.fee_max_minor is not None:
        text = gettext("up to %(sum)s", sum=formats.money(query.fee_max_minor))
        chips.append(Chip(text, _address(fee_max=None)))
    return chips


def _address(**changes: Any) -> str:
    """This search with a filter changed, from its first page."""
    given: dict[str, Any] = {name: request.args.getlist(name) for name in request.args}
    given |= changes
    given.pop("page", None)
    return url_for("offers.search", **{name: value for name, value in given.items() if value})


# --- the page of an offer


@blueprint.get("/<int:offer_id>")
@access("public")
def show(offer_id: int) -> ResponseReturnValue:
    """What it solves, what it costs, how long a licence would run, what is not included."""
    actor = current_actor()
    offer = offers.get_offer(actor, offer_id)
    today = clock.today()
    live = offer.in_force_on(today)
    if live:
        _note("opened", [offer.id])
    return render_template(
        "offers/show.html",
        offer=offer,
        patent=offer.patent,
        live=live,
        term=_term(offer, today) if live else None,
        start=_start(offer),
        licences=_licences(offer),
        eligibility=rules.eligibility(patent_view(offer.patent), today),
        mine=_mine(offer, actor),
        own=not actor.holders.isdisjoint(
            {offer.holder_id, *(party.organisation_id for party in offer.patent.parties)}
        ),
        private=allowed(actor, "offer.edit", offer).allowed,
        json_ld=_json_ld(offer) if live else None,
    )


def _note(kind: str, offer_ids: Sequence[int]) -> None:
    activity.note(kind, offer_ids, "web", current_actor(), request.user_agent.string)


def _term(offer: Offer, day: dt.date) -> Term | None:
    try:
        return licence_term(day, offer.term_to, offer.patent.expires_on)
    except Conflict:
        return None


def _start(offer: Offer) -> str:
    """What makes a licence under the announced terms: `free` or `notice` (the notice alone), or `payment`."""
    terms = offer.terms()
    setting = current_app.config["SETTINGS"].royalty_only_effective_on_notice
    try:
        if not effective_on_service(terms, royalty_only_effective_on_notice=setting):
            return "payment"
        return "free" if basis_of(terms) == "free" else "notice"
    except Conflict:  # terms that are not complete yet
        return "payment"


@dataclass(frozen=True)
class Licences:
    """Who else took a licence: names only of recorded ones, else counts."""

    total: int
    named: Sequence[Licence]


def _licences(offer: Offer) -> Licences:
    rows = db.session.scalars(
        sa.select(Licence)
        .where(Licence.offer_id == offer.id, Licence.kind == "open")
        .order_by(Licence.effective_on.desc(), Licence.id.desc())
    ).all()
    return Licences(len(rows), [row for row in rows if row.recordal_state == "recorded"])


@dataclass(frozen=True)
class Mine:
    """What the reader's own organisation has under this offer already."""

    notice: Notice | None
    licence: Licence | None


def _mine(offer: Offer, actor: Any) -> Mine:
    if actor.organisation_id is None:
        return Mine(None, None)
    notice = db.session.scalar(
        sa.select(Notice).where(
            Notice.offer_id == offer.id,
            Notice.licensee_id == actor.organisation_id,
            Notice.state.in_(OPEN_NOTICE),
        )
    )
    licence = db.session.scalar(
        sa.select(Licence).where(
            Licence.offer_id == offer.id,
            Licence.licensee_id == actor.organisation_id,
            Licence.kind == "open",
            Licence.state == "in_effect",
        )
    )
    return Mine(notice, licence)


def _json_ld(offer: Offer) -> Markup:
    """The offer for search engines (schema.org), safe inside a script element."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Offer",
        "identifier": offer.declaration_number,
        "url": url_for("offers.show", offer_id=offer.id, _external=True),
        "itemOffered": {
            "@type": "CreativeWork",
            "name": offer.patent.title,
            "alternateName": offer.patent.title_en,
            "abstract": offer.patent.abstract,
            "identifier": formats.patent_number(offer.patent),
        },
        "offeredBy": [
            {"@type": "Organization", "name": party.organisation.name} for party in offer.patent.parties
        ],
        "validFrom": offer.announced_on.isoformat() if offer.announced_on else None,
        "validThrough": offer.term_to.isoformat() if offer.term_to else None,
    }
    if offer.fee_form in ("free", "fixed"):
        data |= {"price": f"{(offer.fee_minor or 0) / 100:.2f}", "priceCurrency": offer.currency}
    text = json.dumps(data, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
