"""Stock-taking: an organisation's patents with unit, grade, wish, use and review, to read."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import Forbidden
from marketplace.core.permissions import require
from marketplace.listings.models import KINDS
from marketplace.listings.standing import STANDINGS
from marketplace.listings.stocktaking import filters, services
from marketplace.listings.stocktaking.desk import Case, Desk, desk_of
from marketplace.listings.stocktaking.filters import NONE, SECTIONS, STALE
from marketplace.listings.stocktaking.models import PRACTICES, STATES, WISHES

from .documents import Blueprint
from .shapes import After, Day, Id, Instant, key_of

blueprint = Blueprint("stock", "stock-taking", "The stock of an organisation's patents.")


# --- shapes


class StockUnit(ma.Schema):
    """A unit with its ancestors."""

    id = Id(required=True)
    name = fields.String(required=True, metadata={"description": "college / institute"})


class StockGrade(ma.Schema):
    """A grade of the organisation's scale."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class StockUse(ma.Schema):
    """Whether and by whom a patent is used."""

    state = fields.String(required=True, metadata={"enum": list(PRACTICES)})
    by = fields.String(required=True, allow_none=True)
    how = fields.String(required=True, allow_none=True)
    since = Day(required=True, allow_none=True)


class StockView(ma.Schema):
    """A patent of the stock."""

    id = Id(required=True)
    patent_id = Id(required=True)
    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    ipc = fields.String(required=True, allow_none=True, metadata={"description": "the main class"})
    grant_date = Day(required=True, allow_none=True)
    standing = fields.String(required=True, metadata={"enum": list(STANDINGS)})
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    unit = fields.Nested(StockUnit, required=True, allow_none=True)
    inventor = fields.String(required=True, allow_none=True, metadata={"description": "name of a member"})
    grade = fields.Nested(StockGrade, required=True, allow_none=True)
    wish = fields.List(fields.String(metadata={"enum": list(WISHES)}), required=True)
    use = fields.Nested(StockUse, required=True)
    note = fields.String(required=True, allow_none=True)
    changed_at = Instant(required=True)


class StockPage(ma.Schema):
    """One page of the stock, newest first; `total` counts what matches."""

    items = fields.List(fields.Nested(StockView), required=True)
    next = Id(
        allow_none=True,
        required=True,
        metadata={"description": "give it as `after` to get the next page; null at the end"},
    )
    total = fields.Integer(required=True)


class StockStep(ma.Schema):
    """A step in the history of an entry."""

    at = Instant(required=True)
    action = fields.String(required=True)
    by = fields.String(required=True, allow_none=True)
    comment = fields.String(required=True, allow_none=True)


class StockDetail(StockView):
    """A patent of the stock with what happened to its entry, newest first, and the steps possible now."""

    history = fields.List(fields.Nested(StockStep), required=True)
    actions = fields.List(fields.String(), required=True)


def _choice(codes: Any, text: str) -> fields.String:
    return fields.String(metadata={"enum": list(codes), "description": f"{text}; may be repeated"})


class StockQuery(After):
    """What is looked for; repeated parameters are alternatives, different ones narrow each other down."""

    organisation = fields.String(
        metadata={"description": "id of the organisation whose stock it is; by default the token's own"}
    )
    q = fields.String(metadata={"description": "words of the title, or a number in any usual form"})
    unit = fields.String(
        metadata={"description": "id of a unit, with those below, or `none`; may be repeated"}
    )
    inventor = fields.String(metadata={"description": "id of a person, `me` or `none`; may be repeated"})
    grade = fields.String(metadata={"description": "code of a grade, or `none`; may be repeated"})
    wish = _choice((*WISHES, NONE), "route of conversion")
    practice = _choice(PRACTICES, "use so far")
    state = _choice(STATES, "state of the review")
    standing = _choice(STANDINGS, "whether it may be offered")
    kind = _choice(KINDS, "kind of right")
    section = _choice(SECTIONS, "IPC section, L for Locarno")
    check = _choice((STALE,), "whether a fact that matters should be checked again")
    year_from = fields.String(metadata={"description": "year of grant, inclusive"})
    year_to = fields.String(metadata={"description": "year of grant, inclusive"})


class StockOf(ma.Schema):
    """Whose stock."""

    organisation = fields.String(
        metadata={"description": "id of the organisation whose stock it is; by default the token's own"}
    )


# --- views of rows


def _view(case: Case, people: dict[int, str]) -> dict[str, Any]:
    row, patent = case.row, case.row.patent
    step = case.desk.step(row.grade) if row.grade else None
    return {
        "id": row.id,
        "patent_id": row.patent_id,
        "patent_number": patent.reference,
        "title": patent.title,
        "kind": row.kind,
        "ipc": patent.classes[0].symbol if patent.classes else None,
        "grant_date": patent.grant_date,
        "standing": row.standing,
        "state": row.state,
        "unit": {"id": row.unit_id, "name": case.desk.tree.title(row.unit_id)} if row.unit_id else None,
        "inventor": people.get(row.inventor_id) if row.inventor_id else None,
        "grade": {"code": row.grade, "name": step.name if step else row.grade} if row.grade else None,
        "wish": services.wished(row),
        "use": {
            "state": row.practice,
            "by": row.practised_by,
            "how": row.practised_how,
            "since": row.practised_since,
        },
        "note": row.note,
        "changed_at": row.changed_at,
    }


def _desk(organisation: str | None) -> Desk:
    actor = current_actor()
    organisation_id = key_of(organisation) if organisation else actor.organisation_id
    if organisation_id is None:
        raise Forbidden("forbidden", "Your account may not do this.")
    desk = desk_of(actor, organisation_id)
    require(actor, "stock.list", desk)
    return desk


# --- calls


@blueprint.call("GET", "/stock")
@access("signed_in")
@blueprint.arguments(StockQuery, location="query")
@blueprint.response(200, StockPage)
def list_stock(asked: dict[str, Any]) -> dict[str, Any]:
    """The stock of an organisation as far as the caller sees it, narrowed down, newest first."""
    desk = _desk(asked.get("organisation"))
    wanted = filters.parse(request.args.to_dict(flat=False))
    before = key_of(asked["after"]) if asked.get("after") else None
    ids = filters.page(wanted, desk, before=before, size=asked["size"] + 1)
    shown = ids[: asked["size"]]
    people = services.people(desk)
    return {
        "items": [_view(case, people) for case in services.cases(desk, shown)],
        "next": shown[-1] if len(ids) > len(shown) else None,
        "total": filters.number_of(wanted, desk)[0],
    }


@blueprint.call("GET", "/stock/<number>")
@access("signed_in")
@blueprint.arguments(StockOf, location="query")
@blueprint.response(200, StockDetail)
def get_stock(asked: dict[str, Any], number: str) -> dict[str, Any]:
    """One patent of the stock by its number in any usual form, with the history of its entry."""
    desk = _desk(asked.get("organisation"))
    case = services.case_with_number(desk, number)
    return {
        **_view(case, services.people(desk)),
        "history": [
            {"at": one.at, "action": one.action, "by": one.who, "comment": one.comment}
            for one in services.history(case)
        ],
        "actions": [one.action for one in services.possible(case)],
    }
