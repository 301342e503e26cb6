"""A trace for a court or an inspector: one ZIP that proves itself without the platform."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import force_locale, gettext

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.files import store
from marketplace.core.journal import GENESIS
from marketplace.core.papers import render
from marketplace.core.papers.sealing import fallback_fonts, seal
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.evidence.models import TimeStamp

from . import anchors, merkle, traces
from .models import Anchor

MAX_REASON: Final = 200  # characters
MOST_PRINTED: Final = 2000  # entries in the PDF; the file of entries has all
_TEMPLATE: Final = Path(__file__).parent / "templates" / "trace.typ"
_CHECK: Final = Path(__file__).parent / "check.py"
_README: Final = Path(__file__).parent / "templates" / "README.txt"


def export(actor: Actor, kind: str, id_: int, reason: str, *, english: bool = False) -> bytes:
    """The ZIP; opens its own units of work (it anchors the chain first) and records who exported why.

    Args:
        reason: case number or the like, at most 200 characters; kept as a digest in the journal and in
            words in the ZIP.
        english: print the PDF in English and not in Chinese.

    Raises:
        Invalid: `reason-missing`, `reason-too-long`. NotFound: `trace-unknown`.
        Conflict: `journal-broken`: nothing is proven by it then.
        Unauthenticated, Forbidden: not a supervisor.
    """
    require(actor, "audit.export")
    words = " ".join(reason.split())
    if not words:
        raise Invalid("reason-missing", "Please give a reason.", fields={"reason": ["Please give a reason."]})
    if len(words) > MAX_REASON:
        sentence = "This is too long."
        raise Invalid("reason-too-long", sentence, fields={"reason": [sentence]})
    row = traces.trace(actor, kind, id_).row
    digest = hashlib.sha256(words.encode()).hexdigest()
    db.session.rollback()
    with unit_of_work(actor):
        record("audit.exported", row, kind=kind, reason_sha256=digest)
    try:
        anchors.anchor()
    except anchors.ChainBroken as error:
        raise Conflict(
            "journal-broken",
            "The journal does not hold from entry %(number)s on, so nothing can be proven by it.",
            number=error.number,
        ) from error
    return _zip(actor, traces.trace(actor, kind, id_), words, english=english)


def _zip(actor: Actor, found: traces.Trace, reason: str, *, english: bool) -> bytes:
    files: dict[str, bytes] = {}
    files["entries.jsonl"], first = _entries(found)
    files |= _anchors(first)
    for paper in traces.papers(found):
        if paper.present:
            files[f"documents/{paper.what}/{paper.name}"] = store().read(paper.digest)
    stamps = sa.select(TimeStamp).where(
        TimeStamp.notice_id.in_(found.found.get("notices", set())), TimeStamp.token.is_not(None)
    )
    for one in db.session.scalars(stamps):
        files[f"documents/notice/{one.notice.number}.tst"] = one.token or b""
    files["trace.pdf"] = _printed(actor, found, reason, english=english)
    files["check.py"] = _CHECK.read_bytes()
    files["README.txt"] = _README.read_bytes()
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    files["files.json"] = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


def _entries(found: traces.Trace) -> tuple[bytes, int]:
    """The entries as JSON lines, each with its way to its anchor; and the number of the first anchor."""
    numbers = found.numbers()
    before = traces.seals_before(numbers)
    ways: dict[int, tuple[int, list[tuple[str, str]]]] = {}
    left = list(numbers)
    while left:
        over = anchors.anchor_over(left[0])
        if over is None:
            raise RuntimeError("an entry has no anchor")
        start, seals = anchors.seals_of(over)
        mine = [one for one in left if one <= over.last]
        for place, path in merkle.paths(seals, [one - start for one in mine]).items():
            ways[start + place] = (over.id, [(side, other.hex()) for side, other in path])
        left = left[len(mine) :]
    out = io.StringIO()
    for entry in traces.entries(numbers):
        columns = traces.columns_of(entry)
        columns["number"] = columns.pop("id")
        at: dt.datetime = columns["recorded_at"]
        columns["recorded_at"] = at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        columns["occurred_on"] = columns["occurred_on"].isoformat()
        columns["seal"] = entry.seal.hex()
        columns["previous_seal"] = before[entry.id].hex()
        columns["anchor"], columns["path"] = ways[entry.id]
        out.write(json.dumps(columns, ensure_ascii=False) + "\n")
    return out.getvalue().encode(), min((anchor for anchor, _ in ways.values()), default=1)


def _anchors(first: int) -> dict[str, bytes]:
    """The anchors from the first that is needed to the newest, and their time-stamps."""
    rows = list(db.session.scalars(sa.select(Anchor).where(Anchor.id >= first - 1).order_by(Anchor.id)))
    told, files = [], {}
    previous = GENESIS
    for row in rows:
        if row.id >= first:
            token = f"time-stamps/anchor-{row.id}.tst" if row.token else None
            if row.token and token:
                files[token] = row.token
            told.append(
                {
                    "number": row.id,
                    "made_at": row.made_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
                    "last": row.last,
                    "seal": row.seal.hex(),
                    "root": row.root.hex(),
                    "accesses": row.accesses,
                    "accesses_seal": row.accesses_seal.hex(),
                    "previous": previous.hex(),
                    "digest": row.digest.hex(),
                    "token": token,
                }
            )
        previous = row.digest
    files["anchors.json"] = json.dumps(told, indent=1).encode()
    return files


def _printed(actor: Actor, found: traces.Trace, reason: str, *, english: bool) -> bytes:
    """The trace as a sealed PDF/A, in one language."""
    numbers = found.numbers()
    shown = traces.lines(actor, numbers[:MOST_PRINTED])
    with force_locale("en" if english else "zh"):
        values: dict[str, Any] = {
            "lang": "en" if english else "zh",
            "title": gettext("History from the sealed journal"),
            "marks": [
                [gettext("Matter"), f"{found.kind} {getattr(found.row, 'number', None) or found.id}"],
                [gettext("Reason"), reason],
                [gettext("Made at"), f"{clock.now().astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S} UTC+8"],
                [gettext("Entries"), f"{len(shown)} / {len(numbers)}"],
            ],
            "columns": [
                gettext("Entry"),
                gettext("Legal day"),
                gettext("Recorded at"),
                gettext("What happened"),
            ],
            "rows": [
                [
                    str(one.number),
                    one.occurred_on.isoformat(),
                    f"{one.recorded_at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S}",
                    gettext(one.sentence) + ("" if one.holds else " (!)"),
                ]
                for one in shown
            ],
        }
    return seal(render(_TEMPLATE, values, clock.now(), fallback_fonts()), "journal")
