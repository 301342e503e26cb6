"""What a firm wants to hear of without posting a demand: fields it names, and patents of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.demands.models import Interest, InterestTerm
from marketplace.listings.models import Patent, PatentParty
from marketplace.search import analysis
from marketplace.search.answering import ask

from . import generic
from .reverse import places
from .terms import Need, rare_words, weigh

MOST: Final = 500
"""So many interests a firm may have, its own patents included."""

_GROUP: Final = 4  # steps of the classification down to H01M10


def interests_of(actor: Actor) -> list[Interest]:
    """The interests of the organisation that the actor acts for, fields first."""
    require(actor, "interest.list")
    query = sa.select(Interest).where(Interest.organisation_id == actor.organisation_id)
    return list(db.session.scalars(query.order_by(Interest.kind, Interest.id)))


def name_field(actor: Actor, words: str, ipc: Sequence[str] = ()) -> Interest:
    """Name a field of which the organisation wants to hear.

    Args:
        words: the field in the firm's own words, at most 300 characters.
        ipc: places of the classification, as `H01M 10` or `H01M 10/0525`.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Invalid: `interest-vague`: no word says what it is about, and there is no place of the classification.
        Conflict: `interest-known`, `interests-too-many`.
    """
    require(actor, "interest.change")
    title, ipc = " ".join(words.split())[:300], [symbol for symbol in ipc if places([symbol])]
    if not ipc and not any(generic.is_telling(word) for word in analysis.terms(title)):
        message = "Please say in a word or two what it is about: a material, a machine, a use."
        raise Invalid(
            "interest-vague",
            "Please say in a word or two what it is about: a material, a machine, a use.",
            fields={"words": [message]},
        )
    key = hashlib.sha256(f"{analysis.normalise(title)}|{sorted(ipc)}".encode()).hexdigest()
    return _keep(actor, "field", key, title, title, list(ipc))


def take_patents(actor: Actor) -> int:
    """Make the patents that are registered here for the organisation its profile; returns how many are new.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Conflict: `interests-too-many`.
    """
    require(actor, "interest.change")
    known = sa.select(Interest.key).where(
        Interest.organisation_id == actor.organisation_id, Interest.kind == "patent"
    )
    patents = db.session.scalars(
        sa.select(Patent)
        .join(PatentParty, PatentParty.patent_id == Patent.id)
        .where(
            PatentParty.organisation_id == actor.organisation_id,
            Patent.number.is_not(None),
            Patent.number.not_in(known),
        )
        .order_by(Patent.id)
        .limit(MOST)
    ).unique()
    taken = 0
    for patent in patents:
        symbols = [one.symbol for one in patent.classes]
        add_patent(actor, str(patent.number), patent.title, patent.abstract or "", symbols)
        taken += 1
    return taken


def add_patent(actor: Actor, number: str, title: str, abstract: str, ipc: Sequence[str]) -> Interest:
    """Add a patent of the organisation's own to its profile, wherever it is registered.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Conflict: `interest-known`, `interests-too-many`.
    """
    require(actor, "interest.change")
    return _keep(actor, "patent", number, title[:300], f"{title}\n{abstract}".strip()[:4_000], list(ipc))


def drop(actor: Actor, interest_id: int) -> Interest:
    """Hear no more of it; what was recommended already stays. Returns what it was.

    Raises:
        NotFound: `interest-not-found`, also for somebody else's.
    """
    interest = db.session.get(Interest, interest_id)
    if interest is None or not allowed(actor, "interest.drop", interest).allowed:
        raise NotFound("interest-not-found", "There is no such interest.")
    require(actor, "interest.drop", interest)
    record("interest.dropped", interest, organisation_id=interest.organisation_id, kind=interest.kind)
    db.session.execute(sa.delete(InterestTerm).where(InterestTerm.interest_id == interest.id))
    db.session.delete(interest)
    return interest


def learn(interest_id: int) -> None:
    """Find the rare words and the places by which new offers will find an interest (a task).

    Raises:
        Unavailable: the index does not answer: try again later.
    """
    interest = db.session.get(Interest, interest_id)
    if interest is None:
        return
    title, _, rest = interest.text.partition("\n")
    need = Need(title, rest)
    words, _ = ask(lambda engine, generation: rare_words(weigh(engine, generation.name, need), need))
    steps = places(interest.ipc)
    depth = _GROUP if interest.kind == "patent" else max(steps.values(), default=0)
    chosen = [step for step, level in steps.items() if level == depth] or list(steps)
    with unit_of_work():
        if db.session.get(Interest, interest_id, populate_existing=True) is None:
            return
        db.session.execute(sa.delete(InterestTerm).where(InterestTerm.interest_id == interest_id))
        strongest = max(words.values(), default=1.0)
        terms = words | dict.fromkeys(chosen, strongest)
        db.session.add_all(
            InterestTerm(interest_id=interest_id, term=term, weight=weight) for term, weight in terms.items()
        )


def _keep(actor: Actor, kind: str, key: str, title: str, text: str, ipc: list[str]) -> Interest:
    organisation = db.session.get_one(Organisation, actor.organisation_id)
    mine = sa.select(Interest.kind, Interest.key).where(Interest.organisation_id == organisation.id)
    known = {(row.kind, row.key) for row in db.session.execute(mine)}
    if (kind, key) in known:
        raise Conflict("interest-known", "You hear of this already.")
    if len(known) >= MOST:
        raise Conflict("interests-too-many", "There can be %(most)s interests at most.", most=MOST)
    interest = Interest(
        organisation_id=organisation.id,
        kind=kind,
        key=key,
        title=title,
        text=text,
        ipc=ipc,
        created_at=clock.now(),
    )
    db.session.add(interest)
    db.session.flush()
    record("interest.named", interest, organisation_id=organisation.id, kind=kind)
    enqueue("matching.interest", key=str(interest.id), interest_id=interest.id)
    return interest
