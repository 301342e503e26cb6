"""What a firm wants to hear of without posting a demand: fields it names, and patents of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.demands.models import Interest, InterestTerm
from marketplace.listings.models import Patent, PatentParty
from marketplace.listings.services.patents import by_number
from marketplace.search import analysis
from marketplace.search.answering import ask

from . import generic
from .reverse import places
from .terms import Need, rare_words, weigh

MOST: Final = 500
"""So many interests a firm may have, its own patents included."""

_TITLE, _TEXT = 300, 4_000  # characters
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
        message = N_("Please say in a word or two what it is about: a material, a machine, a use.")
        raise Invalid("interest-vague", message, fields={"words": [message]})
    key = hashlib.sha256(f"{analysis.normalise(title)}|{sorted(ipc)}".encode()).hexdigest()
    return _keep(actor, "field", key, title, "", list(ipc))


def take_patents(actor: Actor) -> int:
    """Make the patents that are registered here for the organisation its profile; returns how many are new.

    Where there is no room for all, the youngest say best what the organisation does.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Conflict: `interests-too-many`: there is room for none.
    """
    require(actor, "interest.change")
    organisation = lock(Organisation, actor.organisation_id)
    known = _known(organisation.id)
    number = sa.func.coalesce(Patent.number, Patent.publication_number)
    query = (
        sa.select(Patent)
        .join(PatentParty, PatentParty.patent_id == Patent.id)
        .where(PatentParty.organisation_id == organisation.id)
        .where(number.not_in([key for kind, key in known if kind == "patent"]))
        .order_by(Patent.filing_date.desc(), Patent.id.desc())
    )
    patents = db.session.scalars(query.limit(max(MOST - len(known), 1))).unique().all()
    if patents and len(known) >= MOST:
        raise _too_many()
    for patent in patents:
        add(organisation, "patent", *said_of(patent))
    return len(patents)


def said_of(patent: Patent) -> tuple[str, str, str, list[str]]:
    """Number, title, abstract and places of a patent that is registered here."""
    number = patent.number or patent.publication_number or ""
    return number, patent.title, patent.abstract or "", [one.symbol for one in patent.classes]


def add_patent(actor: Actor, number: str, title: str, abstract: str, ipc: Sequence[str]) -> Interest:
    """Add a patent of the organisation's own to its profile, wherever it is registered.

    Args:
        title: "" is enough where the patent is registered here, as for abstract and places.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Invalid: `interest-title-missing`: it is not registered here.
        Conflict: `interest-known`, `interests-too-many`.
    """
    require(actor, "interest.change")
    try:
        parsed = parse_number(number)
    except InvalidNumber:  # of another office, say
        patent = None
    else:
        number, patent = str(parsed), by_number(parsed)
    if patent is not None:
        number, its_title, its_abstract, its_ipc = said_of(patent)
        title, abstract, ipc = title or its_title, abstract or its_abstract, ipc or its_ipc
    if not title:
        message = N_("This patent is not registered here: please give its title.")
        raise Invalid("interest-title-missing", message, fields={"words": [message]})
    return _keep(actor, "patent", number, title, abstract, list(ipc))


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


def _known(organisation_id: int) -> set[tuple[str, str]]:
    """Kind and key of every interest of an organisation."""
    mine = sa.select(Interest.kind, Interest.key).where(Interest.organisation_id == organisation_id)
    return {(row.kind, row.key) for row in db.session.execute(mine)}


def _too_many() -> Conflict:
    return Conflict("interests-too-many", "There can be %(most)s interests at most.", most=MOST)


def _keep(actor: Actor, kind: str, key: str, title: str, rest: str, ipc: list[str]) -> Interest:
    organisation = lock(Organisation, actor.organisation_id)
    known = _known(organisation.id)
    if (kind, key) in known:
        raise Conflict("interest-known", "You hear of this already.")
    if len(known) >= MOST:
        raise _too_many()
    return add(organisation, kind, key, title, rest, ipc)


def add(
    organisation: Organisation, kind: str, key: str, title: str, rest: str, ipc: Sequence[str]
) -> Interest:
    """Add an interest that the organisation does not have, and find out how offers will find it.

    Args:
        kind: `field` or `patent`.
        key: what makes it the same: the number of a patent.
        rest: what is said behind the title: the abstract.
    """
    named = {"organisation_id": organisation.id, "kind": kind, "key": key, "created_at": clock.now()}
    interest = Interest(**named, **_texts(title, rest, ipc))
    db.session.add(interest)
    db.session.flush()
    record("interest.named", interest, organisation_id=organisation.id, kind=kind)
    enqueue("matching.interest", key=str(interest.id), interest_id=interest.id)
    return interest


def restate(interest: Interest, title: str, rest: str, ipc: Sequence[str]) -> bool:
    """Put an interest in other words; whether anything is different now. What was recommended stays."""
    said = _texts(title, rest, ipc)
    if all(getattr(interest, name) == value for name, value in said.items()):
        return False
    for name, value in said.items():
        setattr(interest, name, value)
    record("interest.restated", interest, organisation_id=interest.organisation_id, kind=interest.kind)
    enqueue("matching.interest", key=str(interest.id), interest_id=interest.id)
    return True


def _texts(title: str, rest: str, ipc: Sequence[str]) -> dict[str, Any]:
    title = title[:_TITLE]
    return {"title": title, "text": f"{title}\n{rest}".strip()[:_TEXT], "ipc": list(ipc)}
