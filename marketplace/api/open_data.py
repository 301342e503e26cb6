"""Open data: all live offers, as JSON lines and as CSV, and the public tables of statistics."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa
from flask import Response, json, request, stream_with_context
from flask_babel import get_locale

from marketplace.accounts.identity import access
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.money import Money
from marketplace.core.tables import safe_cell
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.search.indexer import licence_counts
from marketplace.statistics import publication
from marketplace.statistics.services import snapshot
from marketplace.statistics.suppression import LEAST

from . import offers
from .documents import Blueprint
from .shapes import number

blueprint = Blueprint("open_data", "open data", "All live offers, for anyone and for any use.")
BATCH: Final = 200

COLUMNS: Final = (
    "id", "patent_number", "declaration_number", "announced_on", "title", "title_en", "kind", "ipc", "owners",
    "district", "fee_form", "fee", "rate", "rate_base", "payment_text", "channels", "term_from", "term_to",
    "contact", "licences",
)  # fmt: skip


@blueprint.call("GET", "/open-data/offers.jsonl")
@access("public")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson")
def open_data_jsonl() -> Response:
    """All live offers, one JSON object a line: the fields of the search, the terms and the class."""
    return conditional("offers.jsonl", "application/x-ndjson", _json_lines)


@blueprint.call("GET", "/open-data/offers.csv")
@access("public")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def open_data_csv() -> Response:
    """All live offers as CSV in the columns of an import: fees in yuan, rates in per cent."""
    return conditional("offers.csv", "text/csv", _csv_lines)


@blueprint.call("GET", "/open-data/statistics.json")
@access("public")
@blueprint.response(200, {"type": "object"}, content_type="application/json")
def open_statistics_json() -> Response:
    """The tables of the public page with their definitions; null is a number that is kept back."""
    return conditional("statistics.json", "application/json", lambda: iter([_statistics_json()]), _edition())


@blueprint.call("GET", "/open-data/statistics.csv")
@access("public")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def open_statistics_csv() -> Response:
    """The same as CSV, a line a group; empty is a number that is kept back."""
    return conditional("statistics.csv", "text/csv", _statistics_csv, _edition())


def _edition() -> str:
    """What the tables depend on beside the journal: which facts, which follow it later, and the language."""
    return f"{snapshot().build} {get_locale()}"


def _statistics_json() -> str:
    made = publication.edition()
    return json.dumps(
        {
            "from": made.first.isoformat(),
            "to": made.last.isoformat(),
            "journal_id": made.journal_id,
            "licence": "CC BY 4.0",
            "kept_back_below": LEAST,
            "definitions": [
                {"code": one.code, "title": str(one.title), "text": str(one.text), "version": one.version}
                for one in made.definitions
            ],
            "whole": _published(made.whole),
            "tables": {by: [_published(line) for line in lines] for by, lines in made.tables.items()},
        }
    )


def _published(line: publication.Line) -> dict[str, Any]:
    return {"group": line.group, **line.counts, "conversion": line.conversion}


def _statistics_csv() -> Iterator[str]:
    made = publication.edition()
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["from", "to", "by", "group", *publication.COLUMNS, "conversion"])
    for by, lines in {"all": [made.whole], **made.tables}.items():
        for line in lines:
            values = [*line.counts.values(), line.conversion]
            shown = ["" if value is None else value for value in values]
            writer.writerow([made.first, made.last, by, safe_cell(line.group), *shown])
    yield out.getvalue()


def conditional(
    name: str, content_type: str, lines: Callable[[], Iterator[str]], edition: str = ""
) -> Response:
    """A streamed file of this name, or 304 when nothing has changed since.

    The journal tells, the day, and whatever else makes another `edition` of it.
    """
    last = db.session.execute(
        sa.select(JournalEntry.id, JournalEntry.recorded_at).order_by(JournalEntry.id.desc()).limit(1)
    ).first()
    entry, moment = (last.id, last.recorded_at) if last is not None else (0, None)
    tag = hashlib.sha256(f"{name} {entry} {clock.today()} {edition}".encode()).hexdigest()[:32]
    response = Response(content_type=f"{content_type}; charset=utf-8")
    response.set_etag(tag)
    response.last_modified = moment
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.cache_control.public = True
    response.cache_control.no_cache = True
    response.make_conditional(request)
    if response.status_code == 200 and request.method == "GET":
        response.response = stream_with_context(lines())
    return response


def _live() -> Iterator[tuple[Offer, int]]:
    """Every live offer with the number of its licences, by id."""
    today, after = clock.today(), 0
    while True:
        batch = list(
            db.session.scalars(
                sa.select(Offer)
                .where(Offer.id > after, Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
                .order_by(Offer.id)
                .limit(BATCH)
            )
        )
        if not batch:
            return
        counts = licence_counts([offer.id for offer in batch])
        for offer in batch:
            if offer.in_force_on(today):
                yield offer, counts.get(offer.id, 0)
        after = batch[-1].id
        db.session.expunge_all()


def _json_lines() -> Iterator[str]:
    for offer, licences in _live():
        yield json.dumps(item_of(offer, licences), ensure_ascii=False) + "\n"


def item_of(offer: Offer, licences: int) -> dict[str, Any]:
    """A live offer as one line of the open data."""
    item: dict[str, Any] = offers.OfferItem(exclude=("highlights",)).dump(offers.listed(offer, licences))
    return item | {
        "title_en": offer.patent.title_en,
        "kind": offer.patent.kind,
        "ipc": [one.symbol for one in offer.patent.classes],
        "announced_on": _iso(offer.announced_on),
        "payment_text": offer.payment_text,
        "channels": list(offer.channels),
        "term_from": _iso(offer.term_from),
        "term_to": _iso(offer.term_to),
        "term_text": offer.term_text,
        "contact": offer.contact,
    }


def _csv_lines() -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for offer, licences in _live():
        writer.writerow([safe_cell(value) for value in _row(offer, licences)])
        if out.tell() > 1 << 15:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _row(offer: Offer, licences: int) -> list[Any]:
    patent = offer.patent
    return [
        offer.id,
        patent.reference,
        offer.declaration_number,
        offer.announced_on,
        patent.title,
        patent.title_en,
        patent.kind,
        ";".join(one.symbol for one in patent.classes),
        ";".join(party.organisation.name for party in patent.parties),
        patent.district,
        offer.fee_form,
        None if offer.fee_minor is None else Money(offer.fee_minor, offer.currency).major,
        None if offer.rate_percent is None else number(offer.rate_percent),
        offer.rate_base,
        offer.payment_text,
        ";".join(offer.channels),
        offer.term_from,
        offer.term_to,
        offer.contact,
        licences,
    ]


def _iso(value: Any) -> str | None:
    return None if value is None else value.isoformat()
