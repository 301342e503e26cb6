"""Keeping a search, looking at what is new to it, being told of it, and no more being told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.mailing.choices import Link
from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.search.query import QueryError, SearchQuery, parse

from .models import ALERTS, SavedSearch, SavedSearchHit
from .rules import due

MOST: Final = 50
"""How many searches one person may keep for one organisation."""

LONGEST_NAME: Final = 120
SHOWN: Final = 100
"""How many new offers are shown of one search; the search itself shows the rest."""

_PAGING: Final = frozenset({"page", "size"})
TOPIC: Final = "saved_searches"


@dataclass(frozen=True)
class Listed:
    """A saved search, how many live offers it has found since its owner last looked, and its query.

    `problem` says why the query is understood no more; then `query` is None.
    """

    saved: SavedSearch
    new: int
    query: SearchQuery | None
    problem: QueryError | None


# --- keeping


def save(
    actor: Actor, name: str, parameters: Mapping[str, str | Sequence[str]], alert: str = "off"
) -> SavedSearch:
    """Keep a search under a name.

    Args:
        name: what its owner calls it.
        parameters: those of the search's address; page and size are left out.
        alert: one of `ALERTS`.

    Raises:
        Unauthenticated, Forbidden: nobody who acts for an organisation, nor of the staff.
        Invalid: `saved-search-name`, `saved-search-alert`; `QueryError` where the search is not understood.
        Conflict: `saved-search-exists`, `saved-searches-too-many`.
    """
    require(actor, "saved_search.save")
    kept = kept_parameters(parameters)
    parse(kept)
    _check_alert(alert)
    user = lock(User, actor.user_id)  # two requests at once do not keep the same name twice
    _check_name(user.id, actor.organisation_id, name.strip())
    mine = _of(user.id, actor.organisation_id)
    if (db.session.scalar(sa.select(sa.func.count()).where(*mine)) or 0) >= MOST:
        raise Conflict(
            "saved-searches-too-many", "At most %(most)s searches can be saved: delete one first.", most=MOST
        )
    now = clock.now()
    saved = SavedSearch(
        user_id=user.id,
        organisation_id=actor.organisation_id,
        name=name.strip(),
        parameters=kept,
        alert=alert,
        created_at=now,
        looked_at=now,
    )
    db.session.add(saved)
    record("saved_search.saved", saved, alert=alert)
    return saved


def kept_parameters(parameters: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """The parameters of an address as they are kept: without empty ones and without the place in the list."""
    kept = {}
    for name, value in parameters.items():
        values = [each for each in ([value] if isinstance(value, str) else value) if each.strip()]
        if values and name not in _PAGING:
            kept[name] = values
    return dict(sorted(kept.items()))


def _check_name(user_id: int | None, organisation_id: int | None, name: str, but: int | None = None) -> None:
    if not name or len(name) > LONGEST_NAME:
        message = N_("Please give the search a name of at most 120 characters.")
        raise Invalid("saved-search-name", message, fields={"name": [message]})
    same = sa.select(SavedSearch.id).where(*_of(user_id, organisation_id), SavedSearch.name == name)
    if but is not None:
        same = same.where(SavedSearch.id != but)
    if db.session.scalar(same.limit(1)) is not None:
        raise Conflict("saved-search-exists", "You have saved a search under this name already.")


def _check_alert(alert: str) -> None:
    if alert not in ALERTS:
        message = N_("Please choose how often you want to be told.")
        raise Invalid("saved-search-alert", message, fields={"alert": [message]})


def _of(user_id: int | None, organisation_id: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    """A person's searches for one organisation; those of staff are for none (`IS NULL`)."""
    return SavedSearch.user_id == user_id, SavedSearch.organisation_id == organisation_id


# --- looking


def saved_searches(actor: Actor) -> list[Listed]:
    """The actor's saved searches by name, each with the number of its new offers (two queries in all).

    Raises:
        Unauthenticated, Forbidden: nobody who acts for an organisation, nor of the staff.
    """
    require(actor, "saved_search.list")
    mine = _of(actor.user_id, actor.organisation_id)
    rows = db.session.scalars(sa.select(SavedSearch).where(*mine).order_by(SavedSearch.name, SavedSearch.id))
    saved = rows.unique().all()
    numbers = _new(sa.select(SavedSearch.id, sa.func.count())).where(*mine).group_by(SavedSearch.id)
    counts = dict(iter(db.session.execute(numbers)))
    return [_listed(row, counts.get(row.id, 0)) for row in saved]


def get(actor: Actor, saved_search_id: int) -> Listed:
    """One of the actor's saved searches.

    Raises:
        NotFound: `saved-search-not-found`, also for somebody else's.
    """
    saved = db.session.get(SavedSearch, saved_search_id)
    if saved is None or not allowed(actor, "saved_search.see", saved).allowed:
        raise _unknown()
    new = db.session.scalar(_new(sa.select(sa.func.count())).where(SavedSearch.id == saved.id)) or 0
    return _listed(saved, new)


def new_offers(saved: SavedSearch) -> list[Offer]:
    """The live offers that are new since its owner last looked, the newest first, 100 at most."""
    query = _new(sa.select(Offer)).where(SavedSearch.id == saved.id)
    query = query.order_by(SavedSearchHit.found_at.desc(), Offer.id.desc()).limit(SHOWN)
    return list(db.session.scalars(query).unique())


def _new(query: Any) -> Any:
    """Over the offers found since the owner last looked that are in force today."""
    return (
        query.select_from(SavedSearch)
        .join(SavedSearchHit, SavedSearchHit.saved_search_id == SavedSearch.id)
        .join(Offer, Offer.id == SavedSearchHit.offer_id)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(SavedSearchHit.found_at > SavedSearch.looked_at, *_in_force())
    )


def _in_force() -> tuple[sa.ColumnElement[bool], ...]:
    """`Offer.in_force_on(today)` of an offer joined with its patent, for the database."""
    today = clock.today()
    return (
        Offer.status.in_(IN_FORCE),
        Offer.evidence == "verified",
        Offer.announced_on <= today,
        sa.or_(Offer.term_to.is_(None), Offer.term_to >= today),
        sa.or_(Patent.expires_on.is_(None), Patent.expires_on >= today),
    )


def _listed(saved: SavedSearch, new: int) -> Listed:
    try:
        return Listed(saved, new, parse(saved.parameters), None)
    except QueryError as error:
        return Listed(saved, new, None, error)


def _unknown() -> NotFound:
    return NotFound("saved-search-not-found", "There is no such saved search.")


def _lock(actor: Actor, saved_search_id: int) -> SavedSearch:
    get(actor, saved_search_id)
    saved = lock(SavedSearch, saved_search_id)
    require(actor, "saved_search.change", saved)
    return saved


def look(actor: Actor, saved_search_id: int) -> SavedSearch:
    """Note that its owner has looked: what is there by now is new no more.

    Raises:
        NotFound: `saved-search-not-found`. Forbidden: the token or the member only reads.
    """
    saved = _lock(actor, saved_search_id)
    saved.looked_at = clock.now()
    record("saved_search.looked_at", saved)
    return saved


# --- changing


def rename(actor: Actor, saved_search_id: int, name: str) -> SavedSearch:
    """Call a saved search something else.

    Raises:
        NotFound: `saved-search-not-found`. Invalid: `saved-search-name`. Conflict: `saved-search-exists`.
    """
    saved = _lock(actor, saved_search_id)
    _check_name(saved.user_id, saved.organisation_id, name.strip(), but=saved.id)
    saved.name = name.strip()
    record("saved_search.renamed", saved)
    return saved


def set_alert(actor: Actor, saved_search_id: int, alert: str) -> SavedSearch:
    """Say how often its owner wants to be told; what was found while nobody was to be told stays untold.

    Raises:
        NotFound: `saved-search-not-found`. Invalid: `saved-search-alert`.
    """
    saved = _lock(actor, saved_search_id)
    _check_alert(alert)
    _set_alert(saved, alert)
    return saved


def _set_alert(saved: SavedSearch, alert: str) -> None:
    if saved.alert == alert:
        return
    if saved.alert == "off":
        untold = (SavedSearchHit.saved_search_id == saved.id, SavedSearchHit.told_at.is_(None))
        db.session.execute(sa.update(SavedSearchHit).where(*untold).values(told_at=clock.now()))
    saved.alert = alert
    record("saved_search.alert_set", saved, organisation_id=saved.organisation_id, alert=alert)


def delete(actor: Actor, saved_search_id: int) -> None:
    """Keep a search no more, and nothing that it found.

    Raises:
        NotFound: `saved-search-not-found`.
    """
    saved = _lock(actor, saved_search_id)
    record("saved_search.deleted", saved)
    db.session.execute(sa.delete(SavedSearchHit).where(SavedSearchHit.saved_search_id == saved.id))
    db.session.delete(saved)


def forget(user_ids: Collection[int]) -> None:
    """Delete all saved searches of persons who were erased (PIPL 47), in the present unit of work."""
    theirs = sa.select(SavedSearch.id).where(SavedSearch.user_id.in_(user_ids))
    db.session.execute(sa.delete(SavedSearchHit).where(SavedSearchHit.saved_search_id.in_(theirs)))
    db.session.execute(sa.delete(SavedSearch).where(SavedSearch.user_id.in_(user_ids)))


# --- the link that ends the mails


def of_link(link: Link) -> SavedSearch | None:
    """The saved search that a link in a mail is about, if it is still there."""
    if link.topic != TOPIC or link.about is None:
        return None
    saved = db.session.get(SavedSearch, link.about)
    return saved if saved is not None and saved.user_id == link.user_id else None


def stop(link: Link) -> SavedSearch | None:
    """Turn the alert of one search off for whoever holds the link; doing it twice changes nothing."""
    saved = of_link(link)
    if saved is not None:
        saved = lock(SavedSearch, saved.id)
        _set_alert(saved, "off")
    return saved


# --- telling


def tell(saved_search_id: int, now: dt.datetime) -> list[int]:
    """Tell the owner of what was found and not yet told, in the present unit of work, if it is due.

    What is not in force at the moment stays untold. Notifications make the message from the entry.

    Returns:
        Ids of the offers told of, the newest first.
    """
    saved = db.session.get(SavedSearch, saved_search_id)
    if saved is None:
        return []
    saved = lock(SavedSearch, saved_search_id)
    if not due(saved.alert, saved.alerted_at or saved.created_at, now) or not _reachable(saved):
        return []
    hits = db.session.scalars(
        sa.select(SavedSearchHit)
        .join(Offer, Offer.id == SavedSearchHit.offer_id)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(SavedSearchHit.saved_search_id == saved.id, SavedSearchHit.told_at.is_(None), *_in_force())
        .order_by(SavedSearchHit.found_at.desc(), SavedSearchHit.offer_id.desc())
    ).all()
    if not hits:
        return []
    for hit in hits:
        hit.told_at = now
    saved.alerted_at = now
    offers = [hit.offer_id for hit in hits]
    record(
        "saved_search.found",
        saved,
        organisation_id=saved.organisation_id,
        count=len(offers),
        offers=offers[:SHOWN],
    )
    return offers


def _reachable(saved: SavedSearch) -> bool:
    """Whether its owner still has an account and acts for the organisation, or is of the staff."""
    if saved.organisation_id is None:
        return saved.user.active and saved.user.staff_role is not None
    member = sa.select(Membership.id).where(
        Membership.user_id == saved.user_id, Membership.organisation_id == saved.organisation_id
    )
    return saved.user.active and db.session.scalar(member.limit(1)) is not None
