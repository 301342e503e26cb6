"""What the index holds of an offer: all that a result card shows, and nothing that is not public."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from marketplace.core.identifiers import InvalidNumber, IpcSymbol, parse_classification

Kind = Literal["invention", "utility_model", "design"]
FeeForm = Literal["free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty"]

KINDS: Final = ("invention", "utility_model", "design")
FEE_FORMS: Final = ("free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty")
OWNER_TYPES: Final = ("university", "institute", "hospital", "enterprise", "individual", "agency")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDocument:
    """An offer as the search engines know it.

    `version` is the journal id read before the offer's rows were loaded. `live` is false once the offer has
    ended: ended offers are rewritten, never deleted. `fee_minor` is in 分, and the entry fee where a royalty
    comes on top; `rate_percent` is in per cent. `ipc` holds IPC symbols, or Locarno symbols for designs.
    `product` and `costs` (the items compared) come from what the holder tells beside the declaration, as may
    `application`, `problem` and `advantage`, then in both languages.
    `owners_en` are English names of the owners, `formerly` the names they had before.
    `district` is the GB/T 2260 code of the first patentee in the region. Dates are legal dates, inclusive.
    """

    id: str
    version: int
    live: bool
    patent_number: str
    publication_number: str | None
    declaration_number: str | None
    kind: Kind
    title: str
    title_en: str
    abstract: str
    abstract_en: str
    application: str
    problem: str
    advantage: str
    ipc: tuple[str, ...]
    owners: tuple[str, ...]
    owner_types: tuple[str, ...]
    district: str | None
    fee_form: FeeForm
    fee_minor: int | None
    rate_percent: Decimal | None
    rate_base: str | None
    announced_on: date
    term_to: date
    licences: int
    status: str
    product: str = ""
    costs: str = ""
    owners_en: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def upfront_minor(self) -> int | None:
        """What a licensee pays to begin, in 分: nothing for free offers; None where only a royalty is due."""
        if self.fee_form == "free":
            return 0
        return self.fee_minor if self.fee_form in ("fixed", "entry_plus_royalty") else None

    @property
    def ipc_path(self) -> tuple[str, ...]:
        """Every place of the classification the offer lies in, sorted: H, H01, H01M, H01M10, H01M10/0525."""
        return tuple(sorted({step for text in self.ipc for step in _place(text).path}))

    @property
    def ipc_sections(self) -> tuple[str, ...]:
        """The IPC sections, sorted; none for designs."""
        return tuple(sorted({place.section for text in self.ipc if (place := _place(text)).section}))

    @property
    def ipc_classes(self) -> tuple[str, ...]:
        """The IPC classes, sorted; none for designs."""
        return tuple(sorted({place.klass for text in self.ipc if (place := _place(text)).klass}))

    @property
    def digest(self) -> str:
        """Of everything but the version (sha256): equal digests are equal documents, whenever made."""
        return self.sealed()[1]

    def to_json(self) -> str:
        """The document as JSON text, from which `from_json` makes an equal one."""
        return self.sealed()[0]

    def sealed(self) -> tuple[str, str]:
        """`to_json` and `digest` at once."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _NAMES}
        for name in _OPTIONAL:  # absent while there is nothing: as it was before they came
            if not plain[name]:
                del plain[name]
        plain["announced_on"] = self.announced_on.isoformat()
        plain["term_to"] = self.term_to.isoformat()
        if self.rate_percent is not None:
            plain["rate_percent"] = format(self.rate_percent.normalize(), "f")
        content = _ENCODER.encode(plain)
        digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
        return f'{{"version":{self.version},{content[1:]}', digest

    @classmethod
    def from_json(cls, text: str) -> OfferDocument:
        """The document that `to_json` wrote. Raises ValueError or TypeError on anything else."""
        plain: dict[str, Any] = json.loads(text)
        for name in ("ipc", "owners", "owner_types", "owners_en", "formerly"):
            plain[name] = tuple(plain.get(name, ()))
        for name in ("announced_on", "term_to"):
            plain[name] = date.fromisoformat(plain[name])
        if plain["rate_percent"] is not None:
            plain["rate_percent"] = Decimal(plain["rate_percent"])
        return cls(**plain)


class _Place(NamedTuple):
    """Where a symbol lies. What is no symbol is shown as it stands, and there is no place to browse to."""

    path: tuple[str, ...] = ()
    section: str | None = None
    klass: str | None = None


@lru_cache(maxsize=65536)
def _place(text: str) -> _Place:
    try:
        symbol = parse_classification(text)
    except InvalidNumber:
        return _Place()
    if isinstance(symbol, IpcSymbol):
        return _Place(tuple(symbol.path()), symbol.section, symbol.klass)
    return _Place(tuple(symbol.path()))


_NAMES: Final = tuple(field.name for field in dataclasses.fields(OfferDocument) if field.name != "version")
_OPTIONAL: Final = ("product", "costs", "owners_en", "formerly")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
