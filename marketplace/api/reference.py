"""The OpenAPI document, and a page that shows it: rendered here, without a request to anyone else."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from flask import Blueprint, Response, current_app, json, redirect, render_template, url_for
from werkzeug.wrappers import Response as Answer

from marketplace.accounts.identity import access

from .shapes import BASE

blueprint = Blueprint("reference", __name__, template_folder="templates")
METHODS: Final = ("get", "post", "delete")


@blueprint.get("/openapi.json")
@blueprint.get(f"{BASE}/openapi.json", endpoint="openapi_below")
@access("public")
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    key = "marketplace.api.document"
    if key not in current_app.extensions:
        document = current_app.extensions["marketplace.api"].spec.to_dict()
        current_app.extensions[key] = json.dumps(document, sort_keys=False, ensure_ascii=False)
    return Response(current_app.extensions[key], content_type="application/json")


@blueprint.get("/docs")
@access("public")
def docs() -> str:
    """The reference page."""
    document = json.loads(openapi().get_data(as_text=True))
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    return render_template(
        "api/reference.html",
        document=document,
        parts=_parts(document),
        schemas=schemas,
        codes=codes(),
        kind=_kind,
        target=_target,
    )


@blueprint.get(f"{BASE}/docs")
@access("public")
def docs_below() -> Answer:
    """The page's other address."""
    return redirect(url_for("reference.docs"))


@dataclass(frozen=True)
class Code:
    """A problem's code, the status it comes with, what it means and what to do about it."""

    code: str
    status: int
    meaning: str
    remedy: str


@cache
def codes() -> tuple[Code, ...]:
    """Every code that the API may answer with, in alphabetical order."""
    text = resources.files(__package__).joinpath("data/problems.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return tuple(Code(row["code"], int(row["status"]), row["meaning"], row["remedy"]) for row in rows)


def _parts(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls by tag, in the document's order."""
    parts = [{**tag, "calls": []} for tag in document["tags"]]
    by_name = {part["name"]: part for part in parts}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                call = {**item[method], "path": path, "method": method.upper()}
                call["parameters"] = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                by_name[call["tags"][0]]["calls"].append(call)
    return parts


def _target(schema: Mapping[str, Any]) -> str:
    """The named schema that this one is, lists or may be."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [schema.get("items", {}), *schema.get("anyOf", ())]
    return next((name for one in inner if one and (name := _target(one))), "")


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema's type in a few words."""
    if "$ref" in schema:
        return _target(schema)
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    kinds = schema.get("type", "any")
    text = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if text.startswith("array") and "items" in schema:
        text = text.replace("array", f"[{_kind(schema['items'])}]", 1)
    if "format" in schema:
        text = text.replace("string", f"string ({schema['format']})", 1)
    return text
