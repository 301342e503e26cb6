"""For machines that follow the site: Atom feeds of offers and demands, the site map, and robots.txt."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.journal import JournalEntry, last_id
from marketplace.demands.models import Demand
from marketplace.demands.policies import PUBLIC_STATES
from marketplace.listings.models import IN_FORCE, Offer

blueprint = Blueprint("feeds", __name__)

_ENTRIES: Final = 50  # of the feed
_LOOKED_AT: Final = 500  # newest journal entries about offers
_URLS: Final = 10_000  # of one file of the site map
_BATCH: Final = 1_000
_PLACES: Final = ("home.index", "offers.search", "home.law", "demands.index", "mirrored.index")


@dataclass(frozen=True)
class News:
    """The last change of an offer: when, under which number of the journal, and what it came to."""

    offer: Offer
    number: int
    at: dt.datetime
    text: str


def _base() -> str:
    """The address of the site: as users see it in production, else as it was asked for."""
    settings = current_app.config["SETTINGS"]
    return str(settings.public_url if settings.production else request.host_url).rstrip("/")


@blueprint.get("/offers.atom")
@access("public")
def atom() -> ResponseReturnValue:
    """New, changed and ended offers, the newest first."""
    answer = _feed()
    if answer.status_code == 304:
        return answer
    news = _news()
    updated = news[0].at if news else clock.now()
    answer.set_data(render_template("feeds/offers.xml", news=news, base=_base(), updated=updated))
    return answer


def _feed() -> Response:
    """An empty feed, or 304 when nothing has changed since: the journal tells, the day, and the language."""
    answer = Response(content_type="application/atom+xml; charset=utf-8")
    number = last_id()
    answer.set_etag(hashlib.sha256(f"{number} {clock.today()} {gettext('New')}".encode()).hexdigest()[:32])
    answer.cache_control.public = True
    answer.cache_control.no_cache = True
    answer.vary.update(("Accept-Language", "Cookie"))
    answer.make_conditional(request)
    return answer


@dataclass(frozen=True)
class DemandNews:
    """The last public change of a demand; `new` when it was published by it."""

    demand: Demand
    number: int
    at: dt.datetime
    new: bool


@blueprint.get("/demands.atom")
@access("public")
def demands_atom() -> ResponseReturnValue:
    """New and changed demands by their public part, the newest first."""
    answer = _feed()
    if answer.status_code == 304:
        return answer
    news = _demand_news()
    updated = news[0].at if news else clock.now()
    answer.set_data(render_template("feeds/demands.xml", news=news, base=_base(), updated=updated))
    return answer


def _demand_news() -> list[DemandNews]:
    rows = db.session.execute(
        sa.select(JournalEntry.id, JournalEntry.recorded_at, JournalEntry.action, JournalEntry.subject_id)
        .where(
            JournalEntry.subject_type == "demands",
            JournalEntry.action.in_(("demand.published", "demand.edited", "demand.extended")),
        )
        .order_by(JournalEntry.id.desc())
        .limit(_LOOKED_AT)
    ).all()
    latest: dict[int, Any] = {}
    for row in rows:
        latest.setdefault(row.subject_id, row)
    demands = db.session.scalars(
        sa.select(Demand).where(Demand.id.in_(latest), Demand.state.in_(PUBLIC_STATES))
    ).unique()
    news = [
        DemandNews(
            demand,
            latest[demand.id].id,
            latest[demand.id].recorded_at,
            latest[demand.id].action == "demand.published",
        )
        for demand in demands
    ]
    return sorted(news, key=lambda one: -one.number)[:_ENTRIES]


def _news() -> list[News]:
    rows = db.session.execute(
        sa.select(JournalEntry.id, JournalEntry.recorded_at, JournalEntry.action, JournalEntry.subject_id)
        .where(JournalEntry.subject_type == "offers")
        .order_by(JournalEntry.id.desc())
        .limit(_LOOKED_AT)
    ).all()
    latest: dict[int, Any] = {}
    for row in rows:
        latest.setdefault(row.subject_id, row)
    offers = db.session.scalars(
        sa.select(Offer).where(Offer.id.in_(latest), Offer.evidence == "verified")
    ).all()
    news = [
        News(offer, latest[offer.id].id, latest[offer.id].recorded_at, _said(offer, latest[offer.id].action))
        for offer in offers
    ]
    return sorted(news, key=lambda one: -one.number)[:_ENTRIES]


def _said(offer: Offer, action: str) -> str:
    if offer.status not in IN_FORCE:
        return str(gettext("Ended"))
    if action in ("offer.announced", "offer.verified"):
        return str(gettext("New"))
    return str(gettext("Changed"))


@blueprint.get("/robots.txt")
@access("public")
def robots() -> ResponseReturnValue:
    """What crawlers may read: the public pages; the search's combinations and people's areas are left out."""
    closed = (
        "/holder", "/operator", "/bureau", "/account", "/sign-in", "/sign-up", "/notices", "/licences",
        "/offers/compare", "/offers/export", "/saved-searches",
    )  # fmt: skip
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), "Disallow: /offers?"]
    lines.append(f"Sitemap: {_base()}{url_for('feeds.site_map')}")
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def _public() -> sa.ColumnElement[bool]:
    return sa.and_(Offer.status.in_(IN_FORCE), Offer.evidence == "verified")


@blueprint.get("/sitemap.xml")
@access("public")
def site_map() -> ResponseReturnValue:
    """The index of the site map: fixed pages, and live offers in files of 10,000."""
    offers = db.session.scalar(sa.select(sa.func.count()).select_from(Offer).where(_public())) or 0
    files = range(1 + -(-offers // _URLS))
    body = "".join(
        f"<sitemap><loc>{escape(_base() + url_for('feeds.site_map_part', part=part))}</loc></sitemap>"
        for part in files
    )
    body += f"<sitemap><loc>{escape(_base() + url_for('feeds.site_map_demands'))}</loc></sitemap>"
    return _xml(f'<sitemapindex xmlns="{_SITEMAPS}">{body}</sitemapindex>')


@blueprint.get("/sitemap-demands.xml")
@access("public")
def site_map_demands() -> ResponseReturnValue:
    """The newest 10,000 public demands."""
    base = _base()
    ids = db.session.scalars(
        sa.select(Demand.id).where(Demand.state.in_(PUBLIC_STATES)).order_by(Demand.id.desc()).limit(_URLS)
    )
    places = "".join(_place(base + url_for("demands.show", demand_id=one)) for one in ids)
    return _xml(f'<urlset xmlns="{_SITEMAPS}">{places}</urlset>')


@blueprint.get("/sitemap-<int:part>.xml")
@access("public")
def site_map_part(part: int) -> ResponseReturnValue:
    """One file of the site map: 0 holds the fixed pages, the others live offers by their ids."""
    base = _base()
    if part == 0:
        places = "".join(_place(base + url_for(name)) for name in _PLACES)
        return _xml(f'<urlset xmlns="{_SITEMAPS}">{places}</urlset>')
    first = None
    if part <= 1_000:
        query = sa.select(Offer.id).where(_public()).order_by(Offer.id).offset((part - 1) * _URLS).limit(1)
        first = db.session.scalar(query)
    if first is None:
        raise NotFound("address-unknown", "There is nothing at this address.")
    return Response(stream_with_context(_part(base, first)), content_type="application/xml; charset=utf-8")


def _part(base: str, first: int) -> Iterator[str]:
    yield f'{_HEAD}<urlset xmlns="{_SITEMAPS}">'
    after, left = first - 1, _URLS
    while left > 0:
        ids = db.session.scalars(
            sa.select(Offer.id).where(Offer.id > after, _public()).order_by(Offer.id).limit(min(left, _BATCH))
        ).all()
        if not ids:
            break
        yield "".join(_place(base + url_for("offers.show", offer_id=one)) for one in ids)
        after, left = ids[-1], left - len(ids)
    yield "</urlset>"


_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_SITEMAPS: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


def _place(address: str) -> str:
    return f"<url><loc>{escape(address)}</loc></url>"


def _xml(body: str) -> Response:
    return Response(_HEAD + body, content_type="application/xml; charset=utf-8")
