"""What the API and the pages take for patents and offers: the same columns and converters as the imports."""

from __future__ import annotations

from typing import Any, Final

import marshmallow

from marketplace.core import convert
from marketplace.core.fields import schema_of
from marketplace.core.tables import Column

from . import columns

_DATE: Final = {"type": ["string", "null"], "format": "date"}
_TEXT: Final = {"type": ["string", "null"]}
_LIST: Final = {"type": ["string", "array", "null"], "items": {"type": "string"}}
_YUAN: Final = {"type": ["string", "number", "null"], "description": "in yuan"}
_PERCENT: Final = {"type": ["string", "number", "null"], "description": "in per cent"}


def _choice(table: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": "one of " + ", ".join(table)}


_DATE_OR_NONE: Final = {
    "type": ["string", "null"],
    "description": "a date, or none if there is known to be none",
}
_SHAPES: Final = {
    "number": {"type": "string"},
    "kind": _choice(columns.KIND),
    "ipc": {**_LIST, "description": "none removes them"},
    "filing_date": _DATE,
    "grant_date": {"type": ["string", "null"], "description": "a date; none removes it"},
    "patentees": _LIST,
    "patentee_codes": _LIST,
    "patentee_regions": _LIST,
    "legal_status": _choice(columns.LEGAL_STATUS),
    "annuity_paid_until": _DATE_OR_NONE,
    "evaluation_report": _choice(columns.EVALUATION_REPORT),
    "pledged": _choice(columns.PLEDGED),
    "exclusive_licence_until": _DATE_OR_NONE,
    "preserved_until": _DATE_OR_NONE,
    "facts_as_of": _DATE,
    "announced_on": _DATE,
    "fee_form": _choice(columns.FEE_FORM),
    "fee": _YUAN,
    "rate": _PERCENT,
    "rate_base": _choice(columns.RATE_BASE),
    "channels": _LIST,
    "instalments": {
        "type": ["string", "null"],
        "description": "months after the licence takes effect and yuan: `0:30000; 6:20000`",
    },
    "term_from": _DATE,
    "term_to": _DATE,
}
for _name in (
    "publication_number", "title_en", "abstract", "abstract_en", "other_hindrance", "application", "problem",
    "advantage", "declaration_number", "payment_text", "payee", "contact", "fee_explanation", "source",
):  # fmt: skip
    _SHAPES[_name] = _TEXT
for _name in set(columns.CLEARABLE) - {"grant_date", "ipc"}:
    _SHAPES[_name] = {**_TEXT, "description": "none removes it"}

_NOT_INCLUDED: Final = Column("not_included", "不包含", convert.text(4_000, lines=True))

PatentSchema: Final = schema_of("Patent", columns.PATENTS, required=("number", "title"), shapes=_SHAPES)
FactsSchema: Final = schema_of(
    "Facts",
    (
        *(Column(name, "", convert_fact) for name, convert_fact in columns.CONVERT_FACT.items()),
        Column("as_of", "", convert.date()),
        Column("source", "", convert.text(200)),
    ),
    shapes={name: _SHAPES[name] for name in columns.CONVERT_FACT if name in _SHAPES}
    | {"ownership": _choice(columns.OWNERSHIP), "as_of": _DATE, "source": _TEXT},
)
OfferSchema: Final = schema_of(
    "OfferDraft",
    (*columns.offers(spreadsheet=False), _NOT_INCLUDED),
    required=("patent_number",),
    shapes=_SHAPES | {"not_included": _TEXT},
)
OfferTermsSchema: Final = schema_of(
    "OfferTerms",
    tuple(
        column
        for column in (*columns.offers(spreadsheet=False), _NOT_INCLUDED)
        if column.name not in ("patent_number", "declaration_number", "announced_on")
    ),
    shapes=_SHAPES | {"not_included": _TEXT},
)


def _action(name: str, *fields: Column, required: tuple[str, ...] = ()) -> type[marshmallow.Schema]:
    shapes: dict[str, Any] = {column.name: _TEXT if "_on" not in column.name else _DATE for column in fields}
    shapes |= {name: {"type": ["boolean", "null"]} for name in shapes if name == "facts_confirmed"}
    shapes |= {
        column: {"type": "string", **({"format": "date"} if "_on" in column else {})} for column in required
    }
    return schema_of(name, fields, required=required, shapes=shapes)


def _day(name: str) -> Column:
    return Column(name, "", convert.date())


def _text(name: str, length: int) -> Column:
    return Column(name, "", convert.text(length, lines=True))


_REASON: Final = _text("reason", 2_000)
_SOURCE: Final = _text("source", 200)

# Action of an offer's life cycle → what it takes. Days default to today where they are not required.
ACTIONS: Final[dict[str, type[marshmallow.Schema]]] = {
    "edit": OfferTermsSchema,
    "discard": _action("Discard"),
    "submit_review": _action("SubmitReview"),
    "approve": _action("Approve"),
    "start_price_notice": _action("StartPriceNotice"),
    "ready": _action("Ready"),
    "file": _action(
        "File",
        _day("filed_on"),
        _text("filing_receipt", 60),
        Column("facts_confirmed", "", convert.boolean()),
    ),
    "reopen": _action("Reopen"),
    "announce": _action(
        "Announce",
        _text("declaration_number", 40),
        _day("announced_on"),
        _SOURCE,
        required=("declaration_number", "announced_on"),
    ),
    "verify": _action("Verify", _SOURCE),
    "refuse": _action("Refuse", _REASON),
    "file_withdrawal": _action("FileWithdrawal", _REASON, _day("filed_on")),
    "withdraw": _action("Withdraw", _day("withdrawn_on"), _REASON),
    "revoke": _action("Revoke", _day("revoked_on"), _REASON),
}
