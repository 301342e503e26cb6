"""What narrows the stock down: one value for pages, the API, bulk work, saved views and exports.

Counts come from one grouped query. It leaves out the filters on what is counted, and they are applied to its
few groups here: so each count says how many there would be if that value were chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.listings.models import KINDS
from marketplace.listings.standing import STANDINGS, stale_of

from .desk import Desk
from .models import PRACTICES, STATES, WISHES, Stock
from .rules import folded, routes

NONE: Final = "none"  # without a unit, a grade, a wish, an inventor
STALE: Final = "stale"
SECTIONS: Final = tuple("ABCDEFGHL")
COUNTED: Final = ("state", "standing", "grade", "wish", "practice")
SIZE: Final = 50  # rows of a page
_TERMS: Final = 5
_EVERYTHING: Final = 2**31 - 1
_KEY: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_GRADE: Final = re.compile(r"[0-9A-Za-z_-]{1,8}", re.ASCII)
_YEARS: Final = range(1985, 2200)


@dataclass(frozen=True)
class Filter:
    """What is looked for; several values of one field are alternatives, fields narrow each other down.

    Attributes:
        q: words of the title, or a number in any usual form.
        unit: ids of units (with everything below), or `none`.
        inventor: ids of people, `me` or `none`.
        wish: routes of WISHES, or `none`.
        check: `stale`: a fact that matters should be checked again.
        year_from, year_to: years of grant, inclusive.
    """

    q: str = ""
    unit: tuple[str, ...] = ()
    inventor: tuple[str, ...] = ()
    grade: tuple[str, ...] = ()
    wish: tuple[str, ...] = ()
    practice: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields that are set, as JSON values; `parse` takes them back."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value not in ("", (), None):
                found[each.name] = list(value) if isinstance(value, tuple) else value
        return found

    @property
    def narrows(self) -> bool:
        """Whether anything is set."""
        return bool(self.as_json())


_CODES: Final[Mapping[str, Sequence[str]]] = {
    "wish": (*WISHES, NONE),
    "practice": PRACTICES,
    "state": STATES,
    "standing": STANDINGS,
    "kind": KINDS,
    "section": SECTIONS,
    "check": (STALE,),
}
NAMES: Final = tuple(each.name for each in fields(Filter))


def parse(values: Mapping[str, Any], *, strict: bool = True) -> Filter:
    """A filter from the parameters of an address or from JSON; other names are not looked at.

    Args:
        values: name → value, or a list of values.
        strict: whether what cannot be is refused, or left out.

    Raises:
        Invalid: `filter-invalid`, with the fields.
    """
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name in NAMES:
        given = values.get(name)
        texts = [str(one).strip() for one in (given if isinstance(given, list | tuple) else [given])]
        texts = list(dict.fromkeys(text for text in texts if text and text != "None"))
        if not texts:
            continue
        if name == "q":
            found[name] = texts[0][:200]
        elif name.startswith("year"):
            year = int(texts[0]) if texts[0].isdecimal() else 0
            found[name], good = (year, True) if year in _YEARS else (None, False)
            wrong += [] if good else [name]
        else:
            good_ones = [text for text in texts if _fits(name, text)]
            wrong += [name] if len(good_ones) < len(texts) else []
            found[name] = tuple(good_ones[:50])
    if wrong and strict:
        message = N_("This is none of the values that can be looked for.")
        raise Invalid(
            "filter-invalid",
            "This is none of the values that can be looked for.",
            fields={name: [message] for name in wrong},
        )
    return Filter(**found)


def _fits(name: str, text: str) -> bool:
    if name in _CODES:
        return text in _CODES[name]
    if name == "grade":
        return bool(_GRADE.fullmatch(text))
    return text == NONE or bool(_KEY.fullmatch(text)) or (name == "inventor" and text == "me")


def conditions(wanted: Filter, desk: Desk, *, leave_out: Iterable[str] = ()) -> list[sa.ColumnElement[bool]]:
    """The conditions on the stock, including what this desk may see at all."""
    skipped = set(leave_out)
    found: list[sa.ColumnElement[bool]] = [
        Stock.organisation_id == desk.organisation_id,
        Stock.held.is_(True),
    ]
    hidden = desk.visible()
    if hidden is not None:
        found.append(hidden)
    for name in ("practice", "state", "standing", "kind", "section"):
        values = getattr(wanted, name)
        if values and name not in skipped:
            found.append(getattr(Stock, name).in_(values))
    if wanted.grade and "grade" not in skipped:
        found.append(Stock.grade.in_(["" if code == NONE else code for code in wanted.grade]))
    if wanted.wish and "wish" not in skipped:
        found.append(Stock.wish.in_([bits for bits in range(8) if _wished(bits, wanted.wish)]))
    if wanted.unit:
        found.append(_keys(Stock.unit_id, wanted.unit, desk))
    if wanted.inventor:
        found.append(_keys(Stock.inventor_id, wanted.inventor, desk))
    if wanted.check:
        found.append(Stock.patent_id.in_(stale_of(desk.organisation_id, clock.today())))
    if wanted.year_from is not None:
        found.append(Stock.grant_year >= wanted.year_from)
    if wanted.year_to is not None:
        found.append(Stock.grant_year <= wanted.year_to)
    if wanted.q:
        found += _text(wanted.q)
    return found


def _wished(bits: int, wanted: Sequence[str]) -> bool:
    chosen = routes(bits) or [NONE]
    return any(route in wanted for route in chosen)


def _keys(column: Any, values: Sequence[str], desk: Desk) -> sa.ColumnElement[bool]:
    ids: set[int] = set()
    for value in values:
        if value == "me":
            ids.add(desk.actor.user_id or 0)
        elif value != NONE:
            ids |= desk.tree.within(int(value)) if column is Stock.unit_id else {int(value)}
    alternatives: list[sa.ColumnElement[bool]] = [column.in_(sorted(ids))] if ids else []
    if NONE in values:
        alternatives.append(column.is_(None))
    return sa.or_(*alternatives) if alternatives else sa.false()


def _text(q: str) -> list[sa.ColumnElement[bool]]:
    """Every word has to occur; a whole number is also looked for in its stored form."""
    text = re.sub(r"^zl\s*(?=[0-9])", "", folded(q).strip())
    try:
        number = _has(folded(str(parse_number(text))))
    except InvalidNumber:
        return [_has(word) for word in text.split()[:_TERMS]]
    return [sa.or_(number, _has("".join(text.split())))]


def _has(word: str) -> sa.ColumnElement[bool]:
    plain = word
    if re.fullmatch(r"[0-9]+\.?[0-9x]?", plain):
        plain = plain.replace(".", "")
    if db.session.get_bind().dialect.name == "sqlite":
        return sa.func.instr(Stock.haystack, plain) > 0  # three times as fast there as LIKE
    escaped = plain.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return Stock.haystack.like(f"%{escaped}%", escape="\\")


# --- counting


@dataclass
class Counts:
    """How many patents fit, and how many would with another value of each counted field."""

    total: int = 0
    by: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, name: str, code: str) -> int:
        """How many there are with this value; `none` for an empty one."""
        return self.by[name].get(code, 0)


def count(wanted: Filter, desk: Desk) -> Counts:
    """Count what fits, by each of COUNTED, in one query."""
    fitting = sa.select(*(getattr(Stock, name) for name in COUNTED)).where(
        *conditions(wanted, desk, leave_out=COUNTED)
    )
    if wanted.q and db.session.get_bind().dialect.name == "sqlite":
        # Text is not in the index: read the rows in the order in which they lie, not in that of the groups.
        fitting = fitting.order_by(Stock.id).limit(_EVERYTHING)
    rows = fitting.subquery()
    columns = [rows.c[name] for name in COUNTED]
    query = sa.select(*columns, sa.func.count()).group_by(*columns)
    return tally((tuple(row) for row in db.session.execute(query)), wanted)


def tally(groups: Iterable[tuple[Any, ...]], wanted: Filter) -> Counts:
    """Counts from groups (values of COUNTED, then their number)."""
    counts = Counts(by={name: {} for name in COUNTED})
    chosen = {name: frozenset(getattr(wanted, name)) for name in COUNTED}
    memory: dict[tuple[str, Any], tuple[bool, tuple[str, ...]]] = {}
    for *values, number in groups:
        fitting = []
        codes = []
        for name, value in zip(COUNTED, values, strict=True):
            known = memory.get((name, value))
            if known is None:
                shown = tuple(routes(value)) or (NONE,) if name == "wish" else (value or NONE,)
                known = memory[name, value] = (
                    not chosen[name] or not chosen[name].isdisjoint(shown),
                    shown,
                )
            fitting.append(known[0])
            codes.append(known[1])
        failed = fitting.count(False)
        if failed == 0:
            counts.total += number
        elif failed > 1:
            continue
        for name, fits, shown in zip(COUNTED, fitting, codes, strict=True):
            # A group that fails in one field counts for that field only.
            if failed == 0 or not fits:
                mine = counts.by[name]
                for code in shown:
                    mine[code] = mine.get(code, 0) + number
    return counts


def number_of(wanted: Filter, desk: Desk) -> tuple[int, int]:
    """How many patents fit, and the highest id among them (0 where there is none)."""
    total, last = db.session.execute(
        sa.select(sa.func.count(), sa.func.max(Stock.id)).where(*conditions(wanted, desk))
    ).one()
    return int(total), int(last or 0)


def page(wanted: Filter, desk: Desk, *, before: int | None = None, size: int = SIZE) -> list[int]:
    """Ids of the stock that fit, newest first; `before` is the last one of the page before."""
    query = sa.select(Stock.id).where(*conditions(wanted, desk)).order_by(Stock.id.desc()).limit(size)
    if before is not None:
        query = query.where(Stock.id < before)
    return list(db.session.scalars(query))


def following(wanted: Filter, desk: Desk, *, after: int, upto: int, size: int) -> list[int]:
    """Ids of the stock that fit, oldest first, above `after` and up to `upto`: for work in batches."""
    query = (
        sa.select(Stock.id)
        .where(*conditions(wanted, desk), Stock.id > after, Stock.id <= upto)
        .order_by(Stock.id)
        .limit(size)
    )
    return list(db.session.scalars(query))


def without(wanted: Filter, name: str) -> Filter:
    """The filter with one field emptied."""
    return replace(wanted, **{name: getattr(Filter(), name)})
