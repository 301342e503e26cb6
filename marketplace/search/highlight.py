"""Marking what was searched for, in the original text, the same way for every engine.

The engines' own highlighters cannot serve: search mode gives overlapping words, whose marks repeat text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.search import analysis
from marketplace.search.document import OfferDocument
from marketplace.search.query import SearchQuery
from marketplace.search.simplified import simplify

SNIPPET: Final = 120
"""How many characters of a long text are shown around the matches."""

_NAMES: Final = ("owners_en", "formerly")
_CUT: Final = ("abstract", "abstract_en", "application", "problem", "advantage", "product")
_SHOWN: Final[Sequence[tuple[str, int | None]]] = (
    *((name, None) for name in ("title", "title_en", *_NAMES)),
    *((name, SNIPPET) for name in _CUT),
)
_WORD: Final = re.compile(f"[^\\W_{analysis.HAN}]+")
_HAN_RUN: Final = re.compile(f"[{analysis.HAN}]+")


@dataclass(frozen=True, slots=True)
class Highlighter:
    """Marks the words and phrases of one query in any number of texts."""

    han: re.Pattern[str] | None
    stems: frozenset[str]

    @classmethod
    def of(cls, query: SearchQuery) -> Highlighter:
        """The highlighter for what `query` ranks, other ways to say it, and the phrases it demands."""
        others = (text for one in query.widened for text in one.alternatives)
        terms = [term for text in (query.text, *query.phrases, *others) for term in analysis.terms(text)]
        if query.relaxed:
            terms += analysis.weighty_characters(query.wording)
        runs = [run for phrase in query.phrases for run in _HAN_RUN.findall(analysis.normalise(phrase))]
        chinese = sorted({t for t in (*terms, *runs) if analysis.is_han(t)}, key=lambda t: (-len(t), t))
        return cls(
            han=re.compile("|".join(map(re.escape, chinese))) if chinese else None,
            stems=frozenset(term for term in terms if not analysis.is_han(term)),
        )

    def document(self, document: OfferDocument) -> dict[str, str]:
        """Field name → safe HTML, for fields in which anything is marked; long texts are cut to a snippet."""
        marked = {}
        for name, length in _SHOWN:
            said = getattr(document, name)
            if said:  # most offers lack most of these
                markup = self.text("；".join(said) if name in _NAMES else said, length=length)
                if markup is not None:
                    marked[name] = markup
        return marked

    def text(self, text: str, *, length: int | None = None) -> str | None:
        """`text` with matches in `<mark>` and everything else escaped, or None where nothing matches.

        With `length` only the stretch of about so many characters that holds the most matched ones is given,
        `…` standing for what is left out.
        """
        spans = self._spans(text)
        if not spans:
            return None
        start, end = (0, len(text)) if length is None else _window(spans, len(text), length)
        parts = ["…"] if start > 0 else []
        position = start
        for left, right in spans:
            left, right = max(left, start), min(right, end)
            if left < right:
                parts += [
                    html.escape(text[position:left]),
                    "<mark>",
                    html.escape(text[left:right]),
                    "</mark>",
                ]
                position = right
        parts.append(html.escape(text[position:end]))
        return "".join((*parts, "…" if end < len(text) else ""))

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """The matched stretches of `text`, in order, touching ones joined."""
        if not self.stems and text.isascii():
            return []  # in an English text, or none, there is nothing Chinese
        plain, origin = _aligned(text)
        found = [match.span() for match in self.han.finditer(plain)] if self.han else []
        if self.stems:
            found += [m.span() for m in _WORD.finditer(plain) if analysis.stem(m.group()) in self.stems]
        spans: list[tuple[int, int]] = []
        for left, right in sorted(found):
            left, right = origin[left], origin[right - 1] + 1
            if spans and left <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
            else:
                spans.append((left, right))
        return spans


class _Plain(dict[int, str]):
    """Code of a sign → the sign as `analysis.normalise` sees it, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKC", chr(code)).lower()
        self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def _aligned(text: str) -> tuple[str, Sequence[int]]:
    """`text` as `analysis.normalise` sees it, and where in `text` each of its characters came from."""
    joined = text.translate(_PLAIN)
    if len(joined) == len(text):  # every sign is one again, but for ligatures and the like
        origin: Sequence[int] = range(len(text))
    else:
        origin = [place for place, sign in enumerate(text) for _ in _PLAIN[ord(sign)]]
    simple = simplify(joined)
    return (simple if len(simple) == len(joined) else joined), origin


def _window(spans: Iterable[tuple[int, int]], size: int, length: int) -> tuple[int, int]:
    """The `length` characters of a text of `size` that cover most of the `spans`, and a little before."""
    if size <= length:
        return 0, size
    lead = length // 6
    covered = []
    for left, _ in spans:
        start = min(max(0, left - lead), size - length)
        weight = sum(max(0, min(r, start + length) - max(s, start)) for s, r in spans)
        covered.append((-weight, start))
    start = min(covered)[1]
    return start, start + length
