"""The product's own scale of grades, what an entry needs before review, and how patents are described."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.core.errors import N_
from marketplace.listings.models import Patent

from .models import WISHES

HAYSTACK: Final = 600  # characters
DEPTH: Final = 5  # levels of units


@dataclass(frozen=True)
class Step:
    """A step of a scale of grades: code, names and help in both languages; best first."""

    code: str
    name: str
    name_en: str
    help: str = ""
    help_en: str = ""


# No office prescribes this scale: it is a start that an organisation replaces by its own.
OWN_SCALE: Final = (
    Step(
        "G1",
        "优先转化",
        "Convert first",
        "有明确的应用产品和潜在使用方，可以马上对外推介。",
        "A product and likely users are known: it can be shown around at once.",
    ),
    Step(
        "G2",
        "培育转化",
        "Develop",
        "有应用前景，还需要样机、数据或后续开发。",
        "It has prospects, and still needs a prototype, data or further development.",
    ),
    Step(
        "G3",
        "观望",
        "Wait and see",
        "暂时看不到使用方，按年费成本每年复核。",
        "No user is in sight: look again each year when the annuity is due.",
    ),
    Step(
        "G4",
        "可以放弃",
        "Let go",
        "技术已被替代或不再使用，可以考虑不再缴费。",
        "The technique is overtaken or no longer used: consider paying no longer.",
    ),
)
assert len({step.code for step in OWN_SCALE}) == len(OWN_SCALE)  # noqa: S101 - data of this module


def wish_bits(routes: Iterable[str]) -> int:
    """The routes of a wish for conversion, keys of WISHES, as stored."""
    return sum(WISHES[route] for route in set(routes))


def routes(bits: int) -> list[str]:
    """The routes that `wish_bits` stored."""
    return [route for route, bit in WISHES.items() if bits & bit]


def section(symbols: Sequence[str]) -> str:
    """The IPC section of the main class, `L` for a Locarno class, empty where none is known."""
    if not symbols:
        return ""
    return "L" if symbols[0][:1].isdigit() else symbols[0][:1].upper()


def folded(text: str) -> str:
    """Text as it is compared: NFKC, without regard to case."""
    return unicodedata.normalize("NFKC", text).casefold()


def haystack(patent: Patent) -> str:
    """What text is looked for in: the numbers of a patent, without the dot, and its titles."""
    number = (patent.number or "").replace(".", "")
    parts = (number, patent.publication_number, patent.title, patent.title_en)
    return folded(" ".join(part for part in parts if part))[:HAYSTACK]


def missing(*, unit_needed: bool, unit_id: int | None, grade: str, wish: int, practice: str) -> list[str]:
    """Fields that an entry lacks before it can be submitted: a unit, a grade, and a wish or a use."""
    found = []
    if unit_needed and unit_id is None:
        found.append("unit")
    if not grade:
        found.append("grade")
    if not wish and practice == "unknown":
        found.append("wish")
    return found


MISSING_TEXTS: Final = {
    "unit": N_("Say to which unit it belongs."),
    "grade": N_("Give a grade."),
    "wish": N_("State a wish for conversion, or how it is used already."),
}
