"""A search as a reader asks for it, parsed from the parameters of an address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from marketplace.core.errors import N_, Invalid
from marketplace.core.identifiers import (
    InvalidNumber,
    PatentNumber,
    PublicationNumber,
    parse_classification,
    parse_number,
)
from marketplace.search.document import FEE_FORMS, KINDS, OWNER_TYPES

WINDOW: Final = 10_000
"""How deep a reader may page: page times size."""

DEFAULT_SIZE: Final = 20
LONGEST_TEXT: Final = 1_000


_REASONS: Final = {
    "search-parameter-unknown": N_("There is no such search parameter."),
    "search-parameter-repeated": N_("This parameter may be given once only."),
    "search-value-unknown": N_("This value cannot be chosen here."),
    "search-not-a-count": N_("Give a whole number from 1 up."),
    "search-not-an-amount": N_("Give an amount in yuan, such as 50000."),
    "search-not-a-day": N_("Give a day, such as 2026-03-31."),
    "search-range-reversed": N_("The range ends before it begins."),
    "search-too-long": N_("The search text is too long: at most 1,000 characters."),
    "search-too-deep": N_("Only the first 10,000 results can be shown. Please narrow the search."),
}


class QueryError(Invalid):
    """A search parameter that cannot be understood (422): `field` names it, `code` is one of `_REASONS`."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(code, _REASONS[code], fields={field: [_REASONS[code]]})
        self.field = field


@dataclass(frozen=True, slots=True)
class Widening:
    """What is looked for beside some words that stand side by side in a text.

    `words` as `analysis.words` cuts them; `alternatives` are other ways to say the same, `places` those of
    the classification whose titles have the word.
    """

    words: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What to look for. Several values of one filter are alternatives, several filters must all hold.

    `text` is ranked; `phrases` must occur word for word; `excluded` must not. `numbers` are keys of
    `number_key`, and stand instead of a text. `ipc` are places of the classification, all below included.
    `fee_min_minor` and `fee_max_minor` are in 分 and inclusive: what is due at the beginning, nothing for
    free offers; offers with a royalty only never pass. `announced_from` and `announced_to` are inclusive.
    `exact` asks for the words as they are, nothing beside them. `page` counts from 1.

    What no address can say: `within` are ids of the only offers that are asked about; `widened` is what is
    looked for beside the words; `relaxed` looks for most of the single characters instead of words.
    """

    text: str = ""
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    ipc: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    fee_forms: tuple[str, ...] = ()
    fee_min_minor: int | None = None
    fee_max_minor: int | None = None
    announced_from: date | None = None
    announced_to: date | None = None
    owner_types: tuple[str, ...] = ()
    exact: bool = False
    within: tuple[str, ...] = ()
    widened: tuple[Widening, ...] = ()
    relaxed: bool = False
    sort: str = "relevance"
    page: int = 1
    size: int = DEFAULT_SIZE

    @property
    def first(self) -> int:
        """The position of the page's first hit, from 0."""
        return (self.page - 1) * self.size

    @property
    def last(self) -> int:
        """The position behind the page's last hit."""
        return self.page * self.size

    @property
    def asks(self) -> bool:
        """Whether anything is asked in words, so that hits differ in relevance."""
        return bool(self.text or self.phrases)

    @property
    def wording(self) -> str:
        """All that is asked in words, in one text."""
        return " ".join((self.text, *self.phrases)).strip()

    @property
    def filtered(self) -> bool:
        """Whether anything but the words narrows the search."""
        ranges = (self.fee_min_minor, self.fee_max_minor, self.announced_from, self.announced_to)
        return any(choice.chosen(self) for choice in CHOICES) or ranges != (None,) * len(ranges)


# --- what may be asked, as data


def _one_of(values: Iterable[str]) -> Callable[[str], str | None]:
    allowed = frozenset(values)
    return lambda value: value if value in allowed else None


def _place(value: str) -> str | None:
    try:
        return str(parse_classification(value))
    except InvalidNumber:
        return value if re.fullmatch(r"(0[1-9]|[12]\d|3[0-2])", value) else None  # a whole Locarno class


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter whose values are alternatives: the parameter, its place in `SearchQuery`, the index field.

    `read` gives the canonical value, or None for one that does not exist.
    """

    parameter: str
    attribute: str
    field: str
    read: Callable[[str], str | None]

    def chosen(self, query: SearchQuery) -> tuple[str, ...]:
        """The values that `query` asks for; none means all."""
        values: tuple[str, ...] = getattr(query, self.attribute)
        return values


@dataclass(frozen=True, slots=True)
class Facet:
    """A count by the values of an index field. The filter it `ignores` does not narrow it.

    Most frequent values first, but of an `ordered` one by value.
    """

    name: str
    field: str
    ignores: str
    ordered: bool = False


CHOICES: Final = (
    Choice("ipc", "ipc", "ipc_path", _place),
    Choice("kind", "kinds", "kind", _one_of(KINDS)),
    Choice("district", "districts", "district", lambda v: v if re.fullmatch(r"[0-9]{6}", v) else None),
    Choice("fee_form", "fee_forms", "fee_form", _one_of(FEE_FORMS)),
    Choice("owner_type", "owner_types", "owner_types", _one_of(OWNER_TYPES)),
)
FACETS: Final = (
    Facet("ipc_section", "ipc_section", ignores="ipc"),
    Facet("ipc_class", "ipc_class", ignores="ipc"),
    Facet("kind", "kind", ignores="kind"),
    Facet("district", "district", ignores="district"),
    Facet("fee_form", "fee_form", ignores="fee_form"),
    Facet("owner_type", "owner_types", ignores="owner_type"),
    Facet("announced_month", "announced_month", ignores="announced", ordered=True),
)
SORTS: Final[Mapping[str, str | None]] = {
    "relevance": None,
    "newest": "by_newest",
    "fee": "by_fee",
    "licences": "by_licences",
}
"""Name of an order and the index field with its key, ascending; the offer's id is its last criterion."""

_SINGLE: Final = (
    "q", "exact", "fee_min", "fee_max", "announced_from", "announced_to", "sort", "page", "size",
)  # fmt: skip
PARAMETERS: Final = frozenset((*_SINGLE, *(choice.parameter for choice in CHOICES)))


# --- parsing


def parse(params: Mapping[str, str | Sequence[str]]) -> SearchQuery:
    """The query in the parameters of an address, each with one value or more; empty ones count as absent.

    Raises `QueryError` for unknown parameters and values, and for pages beyond `WINDOW`.
    """
    given: dict[str, list[str]] = {}
    for name, value in params.items():
        if name not in PARAMETERS:
            raise QueryError(name, "search-parameter-unknown")
        values = [value] if isinstance(value, str) else list(value)
        given[name] = [stripped for each in values if (stripped := each.strip())]
        if name in _SINGLE and len(given[name]) > 1:
            raise QueryError(name, "search-parameter-repeated")

    single = {name: given[name][0] for name in _SINGLE if given.get(name)}
    choices: dict[str, Any] = {
        choice.attribute: _chosen(choice, given.get(choice.parameter, [])) for choice in CHOICES
    }
    sort = single.get("sort", "relevance")
    if sort not in SORTS:
        raise QueryError("sort", "search-value-unknown")
    page, size = (
        _count(name, single.get(name), default) for name, default in (("page", 1), ("size", DEFAULT_SIZE))
    )
    if page * size > WINDOW:
        raise QueryError("page", "search-too-deep")
    exact = single.get("exact", "")
    if exact not in ("", "1"):
        raise QueryError("exact", "search-value-unknown")
    fees = [_minor(name, single.get(name)) for name in ("fee_min", "fee_max")]
    days = [_day(name, single.get(name)) for name in ("announced_from", "announced_to")]
    _in_order("fee_max", *fees)
    _in_order("announced_to", *days)
    asked = _asked(single.get("q", ""))
    if asked.ipc:
        choices["ipc"] = tuple(dict.fromkeys((*choices["ipc"], *asked.ipc)))
    return SearchQuery(
        text=asked.text,
        phrases=asked.phrases,
        excluded=asked.excluded,
        numbers=asked.numbers,
        **choices,
        fee_min_minor=fees[0],
        fee_max_minor=fees[1],
        announced_from=days[0],
        announced_to=days[1],
        exact=bool(exact),
        sort=sort,
        page=page,
        size=size,
    )


def _chosen(choice: Choice, values: list[str]) -> tuple[str, ...]:
    read = []
    for value in values:
        canonical = choice.read(value)
        if canonical is None:
            raise QueryError(choice.parameter, "search-value-unknown")
        read.append(canonical)
    return tuple(dict.fromkeys(read))


def _count(name: str, value: str | None, default: int) -> int:
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise QueryError(name, "search-not-a-count")
    return int(value)


def _minor(name: str, value: str | None) -> int | None:
    """Yuan as people type them, in 分; parts of a 分 are cut off."""
    if value is None:
        return None
    plain = unicodedata.normalize("NFKC", value).replace(",", "")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", plain):
        raise QueryError(name, "search-not-an-amount")
    return int(Decimal(plain) * 100)


def _day(name: str, value: str | None) -> date | None:
    """A day as browsers and programs write it, 2026-03-31."""
    if value is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
        raise ValueError(value)
    except ValueError as error:
        raise QueryError(name, "search-not-a-day") from error


def _in_order(name: str, low: Any, high: Any) -> None:
    if low is not None and high is not None and high < low:
        raise QueryError(name, "search-range-reversed")


_QUOTE: Final = r"[\"“”„«「『]([^\"“”„»」』]+)[\"“”»」』]"
_QUOTED: Final = re.compile(_QUOTE)
_MINUS: Final = r"(?:^|(?<=\s))[-−–]"
_EXCLUDED_PHRASE: Final = re.compile(_MINUS + _QUOTE)
_EXCLUDED: Final = re.compile(_MINUS + r"(?=[^\s\-−–])(\S+)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_IPC_TEXT: Final = re.compile(r"[A-H]\s?\d\d\s?[A-Z](\s?\d{1,4}(\s?/\s?\d{2,6})?)?", re.IGNORECASE | re.ASCII)


def _asked(q: str) -> SearchQuery:
    """The parts of a query text: a number, a place of the classification, or words, phrases, exclusions."""
    if len(q) > LONGEST_TEXT:
        raise QueryError("q", "search-too-long")
    if numbers := number_keys(q):
        return SearchQuery(numbers=numbers)
    text = _CONTROL.sub(" ", unicodedata.normalize("NFKC", q)).strip()
    if _IPC_TEXT.fullmatch(text) and (place := _place(text)):
        return SearchQuery(ipc=(place,))
    excluded = _there(_EXCLUDED_PHRASE.findall(text))
    text = _EXCLUDED_PHRASE.sub(" ", text)
    phrases = _there(_QUOTED.findall(text))
    text = _QUOTED.sub(" ", text)
    excluded += tuple(_EXCLUDED.findall(text))
    return SearchQuery(text=" ".join(_EXCLUDED.sub(" ", text).split()), phrases=phrases, excluded=excluded)


def _there(parts: list[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in parts if part.strip())


# --- numbers

_BETWEEN: Final = re.compile(r"[,，;；、|\n\t]+|\s{2,}|\s+(?=(?:ZL|CN)\s*\d)", re.IGNORECASE)
_BARE_PUBLICATION: Final = re.compile(r"(?:CN)?([123]\d{8}|[123]\d{6})[A-Z]?\d?", re.ASCII)


def number_key(text: str) -> str | None:
    """The form under which a patent or publication number is looked up; None where `text` is no such number.

    A publication number's letter is dropped: application and grant are the same patent.
    """
    try:
        number = parse_number(text)
    except InvalidNumber:
        plain = re.sub(r"[\s.\-]+", "", unicodedata.normalize("NFKC", text)).upper()
        match = _BARE_PUBLICATION.fullmatch(plain)
        return f"CN{match.group(1)}" if match else None
    if isinstance(number, PublicationNumber):
        return number.base
    return number.canonical if isinstance(number, PatentNumber) else None


def number_keys(text: str) -> tuple[str, ...]:
    """The look-up keys if `text` is nothing but one number or a list of numbers, else nothing."""
    if whole := number_key(text):
        return (whole,)
    keys = [number_key(part) for part in _BETWEEN.split(text.strip()) if part]
    return tuple(dict.fromkeys(key for key in keys if key)) if keys and all(keys) else ()


def declaration_key(text: str) -> str | None:
    """The look-up form of a declaration number (声明编号): no spaces, upper case; None where it is none."""
    key = "".join(unicodedata.normalize("NFKC", text).upper().split())
    return key if len(re.findall(r"\d", key)) >= 5 and len(key) <= 64 else None
