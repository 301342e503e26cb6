"""A search in words, from the parameters of its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import request
from flask_babel import gettext

from . import formats, labels

PAGE_ONLY: Final = ("compare",)
"""Parameters of the search page that say nothing about what is looked for: the offers ticked."""


def given() -> dict[str, list[str]]:
    """The search parameters of the present address, without those of the page alone."""
    return {name: request.args.getlist(name) for name in request.args if name not in PAGE_ONLY}


def described(parameters: Mapping[str, Sequence[str]]) -> list[Any]:
    """What a search asks for, part by part; what is not known is shown as it stands."""
    in_order = sorted(parameters, key=lambda name: name != "q")  # the words first
    return [part for name in in_order for value in parameters[name] if (part := _part(name, value))]


def _part(name: str, value: str) -> Any:
    match name:
        case "q":
            return gettext("“%(words)s”", words=value)
        case "ipc":
            return f"{formats.ipc(value)} {labels.ipc_title(value)}".strip()
        case "district":
            return labels.district(value)
        case "kind" | "fee_form" | "owner_type":
            return labels.name(name, value)
        case "sort":
            return None if value == "relevance" else labels.name(name, value)
        case "fee_max" if (minor := _minor(value)) is not None:
            return gettext("up to %(sum)s", sum=formats.money(minor))
        case "fee_min" if (minor := _minor(value)) is not None:
            return gettext("%(sum)s and more", sum=formats.money(minor))
        case "announced_from":
            return gettext("announced from %(day)s on", day=value)
        case "announced_to":
            return gettext("announced up to %(day)s", day=value)
        case "page" | "size":
            return None
        case _:
            return f"{name}={value}"


def _minor(value: str) -> int | None:
    try:
        return int(Decimal(value.replace(",", "")) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        return None
