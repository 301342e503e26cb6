"""Pure rules for what stands beside a declaration: know-how, early disclosure, completeness, costs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

TEXTS: Final = ("product", "application", "problem", "advantage", "proof")
LONGEST_TEXT: Final = 4000
MOST_COSTS: Final = 10
MOST_SIDE_OFFERS: Final = 6
MOST_ATTACHMENTS: Final = 6
LONGEST_QUESTION: Final = 2000

# --- know-how

_NUMBER = r"\d+(?:\.\d+)?(?:\s*[~～–—-]\s*\d+(?:\.\d+)?)?"
_PROCESS = (
    "烧结|退火|保温|反应|搅拌|固化|煅烧|焙烧|球磨|干燥|淬火|回火|热压|发酵|萃取|电镀|喷涂|焊接|浸泡|升温|加热|冷却|"
    "sinter|anneal|cure|curing|calcin|stir|heat|dry|drying|quench|mill|ferment|extract|plat|weld|soak|cool"
)
_UNIT = (
    r"(?:℃|°C|K/min|℃/min|MPa|kPa|Pa|bar|rpm|r/min|转/分钟?|小时|分钟|"
    r"mL/min|L/min|A/dm2|A/dm²|mT|kV|h\b|min\b)"
)

PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "secret": re.compile(
        "技术秘密|商业秘密|技术诀窍|保密|机密|绝密|秘密|内部资料|不对外公开|尚未公开|未公开|"
        r"\b(?:trade secrets?|secrets?|confidential|proprietary|undisclosed)\b|"
        r"\bnot (?:yet )?(?:public|published)\b",
        re.IGNORECASE,
    ),
    "recipe": re.compile(
        rf"配方|配比|重量份|质量份|{_NUMBER}\s*(?:份|wt\s*%|质量\s*%|重量\s*%|mol\s*%|vol\s*%)|"
        r"\b(?:recipe|formulation|parts by weight|mixing ratio)s?\b",
        re.IGNORECASE,
    ),
    "parameter": re.compile(
        rf"工艺参数|工艺条件|工艺窗口|控制参数|process (?:parameter|window|condition)s?|"
        rf"(?:{_PROCESS})[^。；;.!?\n]{{0,24}}?{_NUMBER}\s*{_UNIT}",
        re.IGNORECASE,
    ),
    "drawing": re.compile(
        "图纸|装配图|零件图|工程图|模具图|电路图|版图|源代码|源码|"
        r"\b(?:drawings?|blueprints?|schematics?|source code|mask layouts?|CAD (?:file|model)s?)\b",
        re.IGNORECASE,
    ),
}
_AROUND: Final = 18


@dataclass(frozen=True, slots=True)
class Passage:
    """Something in a text that reads like know-how.

    Attributes:
        kind: `secret`, `recipe`, `parameter` or `drawing`.
        field: which text it stands in.
        before, found, after: the passage with a little of what stands around it.
    """

    kind: str
    field: str
    before: str
    found: str
    after: str


def know_how(texts: Mapping[str, str | None]) -> list[Passage]:
    """What in these texts (field → text) reads like know-how, in the order of the texts.

    A hint and no verdict: it finds words of secrecy, quantities of a recipe, parameters of a process, and
    drawings or source code. Passages do not overlap; the longer one of two that do is kept.
    """
    return [passage for field, text in texts.items() for passage in _passages(field, text or "")]


def _passages(field: str, text: str) -> Iterable[Passage]:
    hits = sorted(
        ((match.start(), -match.end(), kind) for kind, p in PATTERNS.items() for match in p.finditer(text)),
    )
    until = 0
    for start, negative_end, kind in hits:
        end = -negative_end
        if start < until:
            continue
        until = end
        yield Passage(
            kind, field, text[max(0, start - _AROUND) : start], text[start:end], text[end : end + _AROUND]
        )


def unpublished(grant_date: dt.date | None, publication_number: str | None, today: dt.date) -> bool:
    """Whether nothing of the patent has been published as far as is known here.

    An application is published after eighteen months (Art. 34), a patent with its grant (Art. 39, 40).
    Describing it before that destroys its novelty (Art. 22) for whatever is not filed yet.
    """
    return publication_number is None and (grant_date is None or grant_date > today)


# --- completeness

ASKED: Final = (
    "product", "application", "problem", "advantage", "maturity", "costs", "picture", "side_offers",
    "not_included", "contact", "english",
)  # fmt: skip
"""What readers ask for, in the order in which they ask (field of use, problem and economy first)."""


def missing(present: Mapping[str, object]) -> list[str]:
    """The items of `ASKED` that have nothing to show yet, in that order."""
    return [name for name in ASKED if not present.get(name)]


def completeness(present: Mapping[str, object]) -> int:
    """How much of what readers ask for is there, in whole per cent, rounded down."""
    return (len(ASKED) - len(missing(present))) * 100 // len(ASKED)


# --- costs


def change(today: str, with_patent: str) -> Decimal | None:
    """By how many per cent the figure changes, with one decimal; None unless both are plain numbers.

    Args:
        today, with_patent: as the holder wrote them, thousands separators allowed.
    """
    before, after = _figure(today), _figure(with_patent)
    if before is None or after is None or before <= 0:
        return None
    return ((after - before) * 100 / before).quantize(Decimal("0.1"))


def _figure(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", "").replace("，", "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < Decimal(10) ** 15 else None
