"""Which patents and licences each number of a report counts, packed: a bit for each of them per number."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.core.database import db
from marketplace.core.lazily import Lazily
from marketplace.core.tasks import renew
from marketplace.deals.models import Licence
from marketplace.listings.models import Patent
from marketplace.statistics.columns import Array, Facts
from marketplace.statistics.definitions import DEFINITIONS, INTERVAL_TITLES, STAGE_TITLES
from marketplace.statistics.figures import Members

from .building import Number

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

_INDEX = "numbers.json"
_AT_ONCE = 10_000  # ids in one query: SQLite takes 32,766 at most
_THEN = (1980, 1, 1, 0, 0, 0)  # equal lists give equal bytes


@dataclass(frozen=True)
class Listed:
    """A table of rows that are read as they are written: its title, its columns, and the rows."""

    title: str
    columns: list[str]
    rows: Callable[[], Iterator[list[Any]]]


def pack(members: Mapping[Number, Members], facts: Facts) -> bytes:
    """The list as a zip file: the ids of all patents and licences, and per number who of them it counts."""
    out = io.BytesIO()
    ids = {"patent": facts.patents.id, "licence": facts.open.id}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for unit, found in ids.items():
            archive.writestr(
                zipfile.ZipInfo(unit, _THEN), found.astype("<i8").tobytes(), zipfile.ZIP_DEFLATED, 1
            )
        index = []
        for place, (number, counted) in enumerate(sorted(members.items())):
            mask = np.zeros(len(ids[counted.unit]), np.bool_)
            mask[counted.places()] = True
            packed = np.packbits(mask).tobytes()
            archive.writestr(zipfile.ZipInfo(str(place), _THEN), packed, zipfile.ZIP_DEFLATED, 1)
            index.append([number.figure, number.cut, number.grp, number.cell, number.part, counted.unit])
        archive.writestr(zipfile.ZipInfo(_INDEX, _THEN), json.dumps(index), zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()


class RowList:
    """A list that was packed."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        lines = json.loads(self._archive.read(_INDEX))
        self._at = {Number(*line[:5]): (place, line[5]) for place, line in enumerate(lines)}

    def __iter__(self) -> Iterator[Number]:
        return iter(self._at)

    def __contains__(self, number: Number) -> bool:
        return number in self._at

    def unit(self, number: Number) -> str:
        """Whether a number counts patents or licences. Raises KeyError for one that is not listed."""
        return str(self._at[number][1])

    def mask(self, number: Number) -> Array:
        """Who is counted, among `ids` of the unit."""
        place, unit = self._at[number]
        packed = np.frombuffer(self._archive.read(str(place)), np.uint8)
        found: Array = np.unpackbits(packed, count=len(self.of(unit))).astype(np.bool_)
        return found

    def ids(self, number: Number) -> Array:
        """The ids of those that a number counts, in their order: as many as the number says."""
        found: Array = self.of(self.unit(number))[self.mask(number)]
        return found

    @cached_property
    def _units(self) -> dict[str, Array]:
        return {
            unit: np.frombuffer(self._archive.read(unit), "<i8").astype(np.int64)
            for unit in ("patent", "licence")
        }

    def of(self, unit: str) -> Array:
        """The ids of all patents or licences that were known."""
        return self._units[unit]

    def tables(self) -> list[Listed]:
        """For the workbook: patents and licences, each with the figures of the whole period that count it."""
        return [
            self._table("patent", gettext("Patents counted"), _patents),
            self._table("licence", gettext("Licences counted"), _licences),
        ]

    def _table(self, unit: str, title: str, read: Callable[[Sequence[int]], dict[int, list[Any]]]) -> Listed:
        chosen = [one for one in self._at if not one.cut and self._at[one][1] == unit]
        own = {
            "patent": [gettext("Patent"), gettext("Title")],
            "licence": [gettext("Licence"), gettext("Patent"), gettext("In effect on")],
        }[unit]

        def rows() -> Iterator[list[Any]]:
            if not chosen:
                return
            masks = np.stack([self.mask(one) for one in chosen])
            places = np.flatnonzero(masks.any(axis=0))
            for start in range(0, len(places), _AT_ONCE):
                part = places[start : start + _AT_ONCE]
                ids = self.of(unit)[part].tolist()
                found = read(ids)
                renew()
                for place, key in zip(part, ids, strict=True):
                    marks = [1 if mask else None for mask in masks[:, place]]
                    yield [*found.get(key, [str(key), *[""] * (len(own) - 1)]), *marks]

        return Listed(title, [*own, *map(called, chosen)], rows)


def called(number: Number) -> str:
    """What a number is, in the reader's language, without its group."""
    words = [str(DEFINITIONS[number.figure].title)]
    if number.cell in STAGE_TITLES:
        words.append(str(STAGE_TITLES[number.cell]))
    elif number.cell in INTERVAL_TITLES:
        words.append(str(INTERVAL_TITLES[number.cell]))
    elif number.cell.isdecimal():
        words.append(gettext("%(days)s days", days=number.cell))
    if number.part == "denominator":
        words.append(gettext("of all"))
    elif number.part == "median_days":
        words.append(gettext("Median, days"))
    elif number.part == "p90_days":
        words.append(gettext("90th percentile, days"))
    elif number.part == "count":
        words[1:] = [counted_as(number.cell)]
    return " · ".join(words)


def counted_as(name: str) -> str:
    """What a count beside the figures is, in the reader's language."""
    titles: dict[str, str] = {
        "licensees": gettext("Licensees"),
        "pairs": gettext("Pairs of holder and licensee"),
        "holders": gettext("Holders with an offer"),
        "ordinary": gettext("Negotiated ordinary licences (apart)"),
        "paid_minor": gettext("Fees paid, in fen"),
    }
    return titles[name]


def _patents(ids: Sequence[int]) -> dict[int, list[Any]]:
    query = sa.select(Patent.id, Patent.number, Patent.publication_number, Patent.title).where(
        Patent.id.in_(ids)
    )
    return {row.id: [row.number or row.publication_number, row.title] for row in db.session.execute(query)}


def _licences(ids: Sequence[int]) -> dict[int, list[Any]]:
    query = (
        sa.select(
            Licence.id,
            Licence.number,
            Patent.number.label("patent"),
            Patent.publication_number,
            Licence.effective_on,
        )
        .join(Patent, Patent.id == Licence.patent_id)
        .where(Licence.id.in_(ids))
    )
    return {
        row.id: [row.number, row.patent or row.publication_number, row.effective_on.isoformat()]
        for row in db.session.execute(query)
    }
