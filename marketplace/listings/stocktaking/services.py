"""What is done with one patent of the stock. Call inside a unit of work where something is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import lazyload, selectinload

from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound, StaleVersion
from marketplace.core.journal import JournalEntry
from marketplace.core.lifecycle import Transition
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock
from marketplace.listings.models import Offer, Patent
from marketplace.listings.services import draft_offer, find_patent
from marketplace.listings.standing import CURRENT

from .desk import Case, Desk
from .lifecycle import STOCK
from .models import PRACTICES, Stock, StockComment
from .rules import routes, wish_bits

LONGEST: Final = 2_000  # characters of a comment
SAID: Final = ("grade", "wish", "practice", "practised_by", "practised_how", "practised_since", "note")
NOT_IN_STOCK: Final = N_("This patent is not in the stock, or not yours to see.")
_PLACES: Final = ("unit_id", "inventor_id")


# A list shows neither facts nor owners.
SHORT: Final = (lazyload(Patent.facts), lazyload(Patent.parties))


# --- reading


def get_case(desk: Desk, stock_id: int, *, locked: bool = False) -> Case:
    """One patent of the stock.

    Raises:
        NotFound: `stock-not-found`, also for what this desk may not see.
    """
    row = db.session.get(Stock, stock_id, options=[selectinload(Stock.patent)])
    if row is not None and locked:
        row = lock(Stock, stock_id)
    if row is None or row.organisation_id != desk.organisation_id or not row.held:
        raise NotFound("stock-not-found", "This patent is not in the stock, or not yours to see.")
    case = Case(row, desk)
    if not allowed(desk.actor, "stock.see", case).allowed:
        raise NotFound("stock-not-found", "This patent is not in the stock, or not yours to see.")
    return case


def case_of(desk: Desk, patent: Patent) -> Case:
    """The place of a patent in the stock of the desk's organisation.

    Raises:
        NotFound: `stock-not-found`.
    """
    found = db.session.scalar(
        sa.select(Stock.id).where(Stock.organisation_id == desk.organisation_id, Stock.patent_id == patent.id)
    )
    if found is None:
        raise NotFound("stock-not-found", "This patent is not in the stock, or not yours to see.")
    return get_case(desk, found)


def case_with_number(desk: Desk, number: str) -> Case:
    """The place of the patent with that number, in any usual form.

    Raises:
        Invalid: the number cannot be one.
        NotFound: `patent-not-found`, `stock-not-found`.
    """
    return case_of(desk, find_patent(number))


def cases(desk: Desk, ids: Sequence[int]) -> list[Case]:
    """These patents of the stock with what a list shows of them, in the order of `ids`."""
    rows = {
        row.id: row
        for row in db.session.scalars(
            sa.select(Stock).where(Stock.id.in_(ids)).options(selectinload(Stock.patent).options(*SHORT))
        )
    }
    return [Case(rows[key], desk) for key in ids if key in rows]


def people(desk: Desk) -> dict[int, str]:
    """The members of the desk's organisation: id → name, by name."""
    query = (
        sa.select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == desk.organisation_id, User.active)
        .order_by(User.name, User.id)
    )
    return {row.id: row.name for row in db.session.execute(query)}


def possible(case: Case) -> list[Transition]:
    """The steps that this desk may take now."""
    return STOCK.offered(case.desk.actor, case)


@dataclass(frozen=True)
class Happened:
    """A step in the history of an entry, with who took it and what they wrote."""

    at: dt.datetime
    action: str
    who: str | None
    comment: str | None
    data: Mapping[str, Any]


def history(case: Case) -> list[Happened]:
    """What happened to an entry, newest first: the journal's steps, with the comments written with them."""
    entries = db.session.execute(
        sa.select(JournalEntry, User.name)
        .outerjoin(User, User.id == JournalEntry.actor_id)
        .where(JournalEntry.subject_type == Stock.__tablename__, JournalEntry.subject_id == case.row.id)
        .order_by(JournalEntry.id.desc())
        .limit(200)
    ).all()
    texts = {
        comment.id: comment.text
        for comment in db.session.scalars(sa.select(StockComment).where(StockComment.stock_id == case.row.id))
    }
    return [
        Happened(entry.recorded_at, entry.action, name, texts.get(entry.data.get("comment") or 0), entry.data)
        for entry, name in entries
    ]


# --- changing


def edit(case: Case, values: Mapping[str, Any], *, version: int | None = None) -> bool:
    """Change what is said of a patent.

    Args:
        values: some of `grade` (a code of the scale, empty for none), `wish` (routes), `practice`,
            `practised_by`, `practised_how`, `practised_since`, `note`.
        version: the row's version that was looked at.

    Returns:
        Whether anything is different now.

    Raises:
        Conflict: `illegal-transition` when it is approved: return it first.
        Invalid: `stock-invalid`, with the fields.
        StaleVersion: `stale-version`.
    """
    row, desk = case.row, case.desk
    if version is not None and version != row.version:
        raise StaleVersion(
            "stale-version", "This was changed in the meantime: please look at it again.", version=row.version
        )
    wanted = {name: values[name] for name in SAID if name in values}
    if "wish" in wanted:
        wanted["wish"] = wish_bits(wanted["wish"] or ())
    if "grade" in wanted:
        wanted["grade"] = wanted["grade"] or ""
    if "practice" in wanted:
        wanted["practice"] = wanted["practice"] or "unknown"
    _check(wanted, desk)
    practice = wanted.get("practice", row.practice)
    if practice in ("unknown", "none"):
        wanted |= {"practised_by": None, "practised_how": None, "practised_since": None}
    changed = _different(row, wanted)
    if not changed:
        # Nothing to do, but who may not do it is told so all the same.
        require(desk.actor, STOCK.find("edit", row.state).permission, case)
        return False
    _step(case, "edit", _setting(row, wanted), fields=sorted(changed))
    return True


def place(case: Case, values: Mapping[str, Any]) -> bool:
    """Put a patent into a unit, and name the inventor who enters it.

    Args:
        values: `unit_id`, `inventor_id`, or both; None takes it out.

    Returns:
        Whether anything is different now.

    Raises:
        Invalid: `unit-unknown`, `member-unknown`, with the field.
        Forbidden: a unit reviewer moves only within the own units.
    """
    row, desk = case.row, case.desk
    wanted = {name: values[name] for name in _PLACES if name in values}
    unit_id = wanted.get("unit_id")
    if unit_id is not None and unit_id not in desk.tree.units:
        message = N_("There is no such unit here.")
        raise Invalid("unit-unknown", "There is no such unit here.", fields={"unit": [message]})
    if "unit_id" in wanted and not desk.office and unit_id not in desk.units:
        message = N_("Only the office moves a patent to a unit that is not yours.")
        raise Invalid(
            "unit-not-yours",
            "Only the office moves a patent to a unit that is not yours.",
            fields={"unit": [message]},
        )
    inventor_id = wanted.get("inventor_id")
    if inventor_id is not None and inventor_id != row.inventor_id and not _is_member(desk, inventor_id):
        message = N_("This person is no member of the organisation.")
        raise Invalid(
            "member-unknown", "This person is no member of the organisation.", fields={"inventor": [message]}
        )
    changed = _different(row, wanted)
    if not changed:
        require(desk.actor, "stock.place", case)
        return False
    _step(case, "place", _setting(row, wanted), fields=sorted(changed), **wanted)
    return True


def act(case: Case, action: str, comment: str | None = None, *, job_id: int | None = None) -> bool:
    """Take a step: `submit`, `take_back`, `approve` (at whichever level is next), `return`, `comment`.

    Args:
        comment: what goes with it; `return` and `comment` need one.
        job_id: the bulk action that this is part of; its news are told together when it is done.

    Returns:
        Whether anything is different now: approving what is approved changes nothing.

    Raises:
        Invalid: `comment-missing`, `stock-incomplete`.
        Conflict: `illegal-transition` and what the guards say.
        Forbidden, NotFound: not this desk's to do.
    """
    text = (comment or "").strip()[:LONGEST]
    if action in ("return", "comment") and not text:
        message = N_("Please say why, so that it can be put right.")
        raise Invalid(
            "comment-missing",
            "Please say why, so that it can be put right.",
            fields={"comment": [message]},
        )
    step = _level(case, action)
    if step is None:
        require(case.desk.actor, "stock.see", case)
        return False
    written: list[StockComment] = []
    if text:
        # Before the step is allowed nothing is kept: a refusal ends the unit of work or its savepoint.
        require(case.desk.actor, STOCK.find(step, case.state).permission, case)
        written.append(
            StockComment(
                stock_id=case.row.id,
                author_id=case.desk.actor.user_id,
                action=action,
                text=text,
                created_at=clock.now(),
            )
        )
        db.session.add(written[0])
        db.session.flush()
    data = {"comment": written[0].id} if written else {}
    part = {"job": job_id} if job_id is not None else {}
    _step(case, step, lambda: None, **data, **part)
    return True


def _level(case: Case, action: str) -> str | None:
    """The life cycle's action behind what a person asks for; None when it is so already."""
    desk, state = case.desk, case.state
    if action == "submit":
        if state in ("submitted", "unit_approved", "approved"):
            return None
        return "submit" if desk.unit_review or desk.institution_review else "settle"
    if action == "approve":
        if state == "approved":
            return None
        if state == "submitted" and case.unit_level and desk.institution_review:
            return "approve_unit"
    return action


def draft(case: Case) -> bool:
    """Begin a declaration on a patent of the stock; one that is under way is left alone.

    Raises:
        Conflict: `stock-declared`, `stock-barred`.
    """
    row = case.row
    require(case.desk.actor, "stock.amend", case)
    patent = lock(Patent, row.patent_id)
    under_way = db.session.scalar(
        sa.select(Offer.id).where(Offer.patent_id == patent.id, Offer.status.in_(CURRENT)).limit(1)
    )
    if under_way is not None:
        raise Conflict("stock-declared", "A declaration on this patent is under way or in force already.")
    if row.standing == "barred":
        raise Conflict("stock-barred", "A bar stands against an open licence on this patent.")
    draft_offer(case.desk.actor, patent, {})
    row.standing = "offered"
    return True


def _check(wanted: Mapping[str, Any], desk: Desk) -> None:
    fields: dict[str, list[str]] = {}
    if wanted.get("grade") and desk.step(wanted["grade"]) is None:
        fields["grade"] = [N_("This grade is not on the scale.")]
    if wanted.get("practice", "unknown") not in PRACTICES:
        fields["practice"] = [N_("There is no such kind of use.")]
    since = wanted.get("practised_since")
    if since is not None and since > clock.today():
        fields["practised_since"] = [N_("This day lies in the future.")]
    if fields:
        raise Invalid("stock-invalid", "Some of what is said of the patent cannot be so.", fields=fields)


def _different(row: Stock, wanted: Mapping[str, Any]) -> set[str]:
    return {name for name, value in wanted.items() if getattr(row, name) != value}


def _setting(row: Stock, wanted: Mapping[str, Any]) -> Callable[[], None]:
    def effect() -> None:
        for name, value in wanted.items():
            setattr(row, name, value)

    return effect


def _step(case: Case, action: str, effect: Callable[[], None], **data: Any) -> None:
    def changed() -> None:
        effect()
        case.row.changed_at = clock.now()

    STOCK.execute(
        case.desk.actor,
        case,
        action,
        effect=changed,
        organisation_id=case.desk.organisation_id,
        patent=case.row.patent_id,
        **data,
    )


def _is_member(desk: Desk, user_id: int) -> bool:
    return (
        db.session.scalar(
            sa.select(Membership.id).where(
                Membership.organisation_id == desk.organisation_id, Membership.user_id == user_id
            )
        )
        is not None
    )


def wished(row: Stock) -> list[str]:
    """The routes of the wish for conversion."""
    return routes(row.wish)
