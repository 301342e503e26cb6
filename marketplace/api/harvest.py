"""Harvesting: every change of the open offers, in order, so that another market can mirror this one.

Like OAI-PMH: datestamps, tombstones for what has ended, and a cursor to go on with. The order is that of the
journal, whose numbers follow the commits: nothing that is committed late is passed over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import marshmallow as ma
import sqlalchemy as sa
from flask import Response, json, request
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate

from marketplace.accounts.identity import access
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.journal import JournalEntry, last_id
from marketplace.listings.models import Offer
from marketplace.search.indexer import licence_counts

from . import open_data, shapes
from .documents import Blueprint, described

blueprint = Blueprint("harvest", "harvesting", "Every change of the open offers, to mirror this market.")

LARGEST: Final = 200
_BATCH: Final = 500  # journal entries looked at in one query
_QUERIES: Final = 20  # batches looked at for one page
_CURSOR: Final = re.compile(r"^[0-9]{1,18}$", re.ASCII)
_MOMENT_FORM: Final = _l("Give a day as 2026-11-24 or an instant as 2026-11-24T08:00:00Z.")
_ENDS: Final = {"withdrawn": "withdrawn_on", "revoked": "revoked_on", "lapsed": "lapsed_on"}


# --- shapes


class _Moment(fields.String):
    """A day in Shanghai, or an instant in UTC."""

    def __init__(self, *, last: bool, **options: Any) -> None:
        super().__init__(**options)
        self.last = last

    def _deserialize(self, value: Any, attr: str | None, data: Any, **named: Any) -> Any:
        text = super()._deserialize(value, attr, data, **named)
        try:
            if len(text) == 10:
                day = dt.date.fromisoformat(text)
                return clock.end_of_day_utc(day) if self.last else clock.start_of_day_utc(day)
            return clock.parse_instant(text)
        except (ValueError, OverflowError) as error:
            raise ValidationError(str(_MOMENT_FORM)) from error


_ASKED: Final[dict[str, Any]] = {
    "from": _Moment(last=False, metadata={"description": "changes since this day or instant"}),
    "until": _Moment(last=True, metadata={"description": "changes up to this day or instant"}),
    "cursor": fields.String(
        validate=validate.Regexp(_CURSOR),
        metadata={"description": "`cursor` of the page before, or of the last harvest to go on from there"},
    ),
    "size": fields.Integer(load_default=100, validate=validate.Range(min=1, max=LARGEST)),
}
HarvestQuery: Final = shapes.Query.from_dict(_ASKED, name="HarvestQuery")


class HarvestRecord(ma.Schema):
    """An offer at its last change; `deleted` tells that it is no longer live, and holds no `offer`."""

    id = shapes.Id(required=True)
    datestamp = shapes.Instant(required=True, metadata={"description": "when it changed last"})
    deleted = fields.Boolean(required=True)
    status = fields.String(required=True)
    ended_on = shapes.Day(required=True, allow_none=True)
    address = fields.String(required=True, metadata={"description": "its page for people"})
    offer = fields.Dict(
        required=True, allow_none=True, metadata={"description": "as a line of /open-data/offers.jsonl"}
    )


class HarvestPage(ma.Schema):
    """One page of changes, the oldest first."""

    records = fields.List(fields.Nested(HarvestRecord), required=True)
    cursor = fields.String(
        required=True, metadata={"description": "where the next page, or the next harvest, begins"}
    )
    more = fields.Boolean(required=True, metadata={"description": "whether the next page can be had now"})
    as_of = shapes.Instant(required=True)


# --- calls


@blueprint.call("GET", "/harvest/offers")
@described(responses={"304": {"description": "Nothing has changed since the answer with this ETag."}})
@access("public")
@blueprint.arguments(HarvestQuery, location="query")
@blueprint.response(200, HarvestPage)
def harvest_offers(query: Mapping[str, Any]) -> Any:
    """Changes of verified offers, each offer once, at its last change; ended ones as tombstones.

    Begin without a cursor, go on with `cursor` while `more` is true, and keep the last one: the next harvest
    begins there. An offer that changes while you read comes again later.
    """
    last = last_id()
    tag = hashlib.sha256(f"{sorted(request.args.items(multi=True))} {last} {clock.today()}".encode())
    answer = Response(content_type="application/json")
    answer.set_etag(tag.hexdigest()[:32])
    answer.cache_control.public = True
    answer.cache_control.no_cache = True
    answer.make_conditional(request)
    if answer.status_code == 304:
        return answer
    records, cursor, more = _changes(query, last)
    page = HarvestPage().dump({"records": records, "cursor": str(cursor), "more": more, "as_of": clock.now()})
    answer.set_data(json.dumps(page, ensure_ascii=False))
    return answer


def _changes(query: Mapping[str, Any], last: int) -> tuple[list[dict[str, Any]], int, bool]:
    """The records of a page, the journal's number up to which it has looked, and whether more are there."""
    cursor, size = int(query.get("cursor") or 0), query["size"]
    if cursor > last:
        raise Invalid("harvest-cursor-unknown", "This cursor is none of this market: begin without one.")
    records: list[dict[str, Any]] = []
    for _ in range(_QUERIES):
        entries = _entries(cursor, last, query)
        for record, entry in _records(entries):
            # Several offers of one patent may share its entry: no page ends between them.
            if len(records) >= size and entry != cursor:
                return records, cursor, True
            records.append(record)
            cursor = entry
        if len(entries) < _BATCH:
            # What comes after `until` is left to the next harvest.
            at_end = entries[-1].id if entries and query.get("until") is not None else cursor
            return records, at_end if query.get("until") is not None else last, False
        cursor = entries[-1].id
    return records, cursor, True


def _entries(after: int, last: int, query: Mapping[str, Any]) -> Sequence[Any]:
    """Entries that may have changed what an offer's record says."""
    columns = (JournalEntry.id, JournalEntry.recorded_at, JournalEntry.subject_type, JournalEntry.subject_id)
    wanted = (
        sa.select(*columns)
        .where(
            JournalEntry.id > after,
            JournalEntry.id <= last,
            JournalEntry.subject_type.in_(("offers", "patents")),
        )
        .order_by(JournalEntry.id)
        .limit(_BATCH)
    )
    if query.get("from") is not None:
        wanted = wanted.where(JournalEntry.recorded_at >= query["from"])
    if query.get("until") is not None:
        wanted = wanted.where(JournalEntry.recorded_at <= query["until"])
    return db.session.execute(wanted).all()


def _records(entries: Sequence[Any]) -> list[tuple[dict[str, Any], int]]:
    """The offers whose last change is among these entries, with the number of that entry, in order."""
    ids = {entry.subject_id for entry in entries if entry.subject_type == "offers"}
    patents = {entry.subject_id for entry in entries if entry.subject_type == "patents"}
    found = db.session.scalars(
        sa.select(Offer).where(
            Offer.evidence == "verified", sa.or_(Offer.id.in_(ids), Offer.patent_id.in_(patents))
        )
    ).all()
    of_offer = _latest("offers", {offer.id for offer in found})
    of_patent = _latest("patents", {offer.patent_id for offer in found})
    at = {offer.id: max(of_offer.get(offer.id, 0), of_patent.get(offer.patent_id, 0)) for offer in found}
    moments = {entry.id: entry.recorded_at for entry in entries}
    changed = sorted(
        (offer for offer in found if at[offer.id] in moments), key=lambda one: (at[one.id], one.id)
    )
    licences = licence_counts([offer.id for offer in changed])
    records = [
        (_record(offer, moments[at[offer.id]], licences.get(offer.id, 0)), at[offer.id]) for offer in changed
    ]
    db.session.expunge_all()
    return records


def _latest(subject_type: str, ids: set[int]) -> dict[int, int]:
    query = (
        sa.select(JournalEntry.subject_id, sa.func.max(JournalEntry.id))
        .where(JournalEntry.subject_type == subject_type, JournalEntry.subject_id.in_(ids))
        .group_by(JournalEntry.subject_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def _record(offer: Offer, moment: dt.datetime, licences: int) -> dict[str, Any]:
    live = offer.in_force_on(clock.today())
    return {
        "id": offer.id,
        "datestamp": moment,
        "deleted": not live,
        "status": offer.status,
        "ended_on": getattr(offer, _ENDS[offer.status]) if offer.status in _ENDS else None,
        "address": shapes.address(f"/offers/{offer.id}"),
        "offer": open_data.item_of(offer, licences) if live else None,
    }
