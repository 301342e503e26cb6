"""Finding offers, and the page of one offer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import segno
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
from marketplace.deals.clauses.services import clauses_of
from marketplace.deals.models import ON_THE_REGISTER, OPEN_NOTICE, Licence, Notice
from marketplace.deals.rules import Term, basis_of, effective_on_service, licence_term
from marketplace.listings import rules
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import Offer
from marketplace.listings.services import offers
from marketplace.listings.showcase import services as beside_it
from marketplace.listings.showcase.models import ListingDetails
from marketplace.matching.nearest import nearest
from marketplace.search import services as search_services
from marketplace.search.engine import EngineUnavailable
from marketplace.search.lookup import look_up
from marketplace.search.query import CHOICES, LONGEST_TEXT, SORTS, QueryError, SearchQuery, parse
from marketplace.statistics import activity

from . import formats, labels, queries, searching
from .forms import sentence_of
from .showcase import Beside, beside

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
    """Search with facets; by number and IPC from the database while no engine answers."""
    given = queries.given()
    try:
        found = search_services.search(given, nearest)
    except QueryError as error:
        return render_template(
            "offers/search.html",
            problem=error,
            said=sentence_of(error),
            q=request.args.get("q", "")[:LONGEST_TEXT],
            sorts=(),
        ), 422
    except EngineUnavailable:
        query = parse(given)
        found_there = look_up(query)
        return render_template(
            "offers/unavailable.html",
            q=request.args.get("q", ""),
            query=query,
            found=found_there,
            places=[_named("ipc", place) for place in query.ipc],
            deepest=_DEEPEST // query.size,
        ), 503 if found_there is None else 200
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
        months=searching.months(found),
        beside=searching.beside(query),
        carried=searching.given("size", "exact"),
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
    return chips + [Chip(text, _address(**changes)) for text, changes in searching.ranges(query)]


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
    details = beside_it.details_of(offer.id)
    shown = beside(offer, details, details.attachments if details else (), beside_it.faq(offer.id))
    address = f"{current_app.config['SETTINGS'].public_url}{url_for('offers.show', offer_id=offer.id)}"
    return render_template(
        "offers/show.html",
        offer=offer,
        patent=offer.patent,
        beside=shown,
        address=address,
        code=segno.make(address, error="m").svg_data_uri(scale=3, border=1),
        may_ask=allowed(actor, "question.ask", offer).allowed,
        may_describe=allowed(actor, "offer.describe", offer).allowed,
        live=live,
        term=_term(offer, today) if live else None,
        start=_start(offer),
        clauses=clauses_of(offer.id) if live else (),
        licences=_licences(offer),
        eligibility=rules.eligibility(patent_view(offer.patent), today),
        mine=_mine(offer, actor),
        own=not actor.holders.isdisjoint(
            {offer.holder_id, *(party.organisation_id for party in offer.patent.parties)}
        ),
        private=allowed(actor, "offer.edit", offer).allowed,
        json_ld=_json_ld(offer, details, shown, address) if live else (),
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
    return Licences(len(rows), [row for row in rows if row.recordal_state in ON_THE_REGISTER])


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


def _json_ld(offer: Offer, details: ListingDetails | None, shown: Beside, address: str) -> list[Markup]:
    """The offer, and what was asked about it, for search engines (schema.org): one block each.

    A data block is not executed, so the content security policy lets it stand.
    """
    patent = offer.patent
    root = address.removesuffix(url_for("offers.show", offer_id=offer.id))
    pictures = [
        root + url_for("showcase.attachment", offer_id=offer.id, attachment_id=one.id)
        for one, _ in shown.pictures
    ]
    thing = {
        "@type": "CreativeWork",
        "name": patent.title,
        "alternateName": patent.title_en,
        "abstract": patent.abstract,
        "description": "\n".join(text.text for text in shown.texts.values()) or None,
        "about": "; ".join(one.symbol for one in patent.classes) or None,
        "identifier": formats.patent_number(patent),
        "image": pictures or None,
        "dateModified": details.updated_at.isoformat() if details else None,
    }
    it: dict[str, Any] = {
        "@type": "Offer",
        "@id": address,
        "identifier": offer.declaration_number,
        "url": address,
        "availability": "https://schema.org/InStock",
        "itemOffered": _there(thing),
        "offeredBy": [
            _there(
                {
                    "@type": "Person" if party.organisation.type == "individual" else "Organization",
                    "name": party.organisation.name,
                    "alternateName": party.organisation.name_en,
                }
            )
            for party in patent.parties
        ],
        "validFrom": offer.announced_on.isoformat() if offer.announced_on else None,
        "validThrough": offer.term_to.isoformat() if offer.term_to else None,
    }
    if offer.fee_form in ("free", "fixed"):
        it |= {"price": f"{Decimal(offer.fee_minor or 0) / 100:.2f}", "priceCurrency": offer.currency}
    data = [{"@context": "https://schema.org", **_there(it)}]
    if answered := [(question, answer) for question, answer in shown.faq if question and answer]:
        data.append(
            {
                "@context": "https://schema.org",
                "@type": "FAQPage",
                "mainEntity": [
                    {
                        "@type": "Question",
                        "name": question.text,
                        "acceptedAnswer": {"@type": "Answer", "text": answer.text},
                    }
                    for question, answer in answered
                ],
            }
        )
    return [_data_block(one) for one in data]


def _data_block(data: dict[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in, whatever its texts say."""
    text = json.dumps(data, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _there(data: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known: a null is no value to schema.org."""
    return {name: value for name, value in data.items() if value is not None}
