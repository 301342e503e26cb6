"""The basket of an organisation: offers laid aside to take up in one go, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.models import OPEN_NOTICE, Licence, Notice
from marketplace.deals.notices import PUBLIC, frozen_terms, hindrance
from marketplace.deals.rules import Owed, licence_term, makes_the_licence, obligations_of
from marketplace.listings import rules as listing_rules
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import Offer, Patent

from .models import BasketItem
from .rules import MOST, terms_digest


@dataclass(frozen=True)
class Looked:
    """An offer as one licensee would take it up today.

    Attributes:
        terms: as a notice would freeze them; `digest` is theirs.
        owed: what the notice makes due, in order; None while the terms do not say it.
        first_minor: what makes the licence, in minor units of the terms' currency.
        problem: why no notice can be given now; None when it can.
        barred: codes of known bars: the holder is obliged to withdraw the offer. No bar to a notice.
    """

    offer: Offer
    terms: Mapping[str, Any]
    digest: str
    owed: tuple[Owed, ...] | None
    first_minor: int
    problem: DomainError | None
    barred: tuple[str, ...]

    @property
    def currency(self) -> str:
        """The terms' currency."""
        return str(self.terms["currency"])


@dataclass(frozen=True)
class Total:
    """What is due to one payee in one currency before the licences take effect, and for how many offers."""

    payee: Organisation
    currency: str
    amount_minor: int
    offers: int


def add(actor: Actor, offer_id: int) -> BasketItem:
    """Lay an offer aside for the organisation acted for; one that lies there already stays as it is.

    Raises:
        NotFound: `offer-not-found`.
        Conflict: `basket-full`.
    """
    organisation_id = _own(actor, "basket.change")
    offer = db.session.get(Offer, offer_id)
    if offer is None or offer.status not in PUBLIC or offer.evidence != "verified":
        raise NotFound("offer-not-found", "There is no such offer.")
    lock(Organisation, organisation_id)  # two clicks at once: one row, and never one too many
    there = db.session.scalars(
        sa.select(BasketItem).where(BasketItem.organisation_id == organisation_id)
    ).all()
    for item in there:
        if item.offer_id == offer_id:
            return item
    if len(there) >= MOST:
        raise Conflict("basket-full", "The basket holds at most %(most)s offers.", most=MOST)
    item = BasketItem(
        organisation_id=organisation_id, offer=offer, user_id=actor.user_id, added_at=clock.now()
    )
    db.session.add(item)
    record("basket.added", item, organisation_id=organisation_id, offer_id=offer_id)
    return item


def remove(actor: Actor, offer_id: int) -> None:
    """Take an offer out of the basket; one that is not there is no error."""
    organisation_id = _own(actor, "basket.change")
    take_out(organisation_id, [offer_id])


def take_out(organisation_id: int, offer_ids: Iterable[int]) -> None:
    """Take offers out of an organisation's basket, in the present unit of work."""
    query = sa.select(BasketItem).where(
        BasketItem.organisation_id == organisation_id, BasketItem.offer_id.in_(list(offer_ids))
    )
    for item in db.session.scalars(query).unique():
        record("basket.removed", item, organisation_id=organisation_id, offer_id=item.offer_id)
        db.session.delete(item)


def offer_ids(actor: Actor) -> list[int]:
    """The offers in the basket of the organisation acted for, as they were laid there; none for others."""
    if actor.organisation_id is None:
        return []
    query = sa.select(BasketItem.offer_id).where(BasketItem.organisation_id == actor.organisation_id)
    return list(db.session.scalars(query.order_by(BasketItem.id)))


def basket(actor: Actor, licensee_id: int | None = None) -> list[Looked]:
    """The basket as this licensee (by default the organisation acted for) would take it up today.

    Raises:
        Forbidden: the actor does not take licences for this licensee.
    """
    organisation_id = _own(actor, "basket.view")
    chosen = organisation_id if licensee_id is None else licensee_id
    if chosen not in actor.licensees:
        raise Forbidden("forbidden", "Your account may not do this.")
    return look(db.session.get_one(Organisation, chosen), offer_ids(actor))


def look(licensee: Organisation, ids: Sequence[int]) -> list[Looked]:
    """Offers as a licensee would take them up today, in the order asked for; the same few queries for all.

    Offers that were never announced are left out.
    """
    rows = db.session.scalars(
        sa.select(Offer)
        .where(Offer.id.in_(ids), Offer.status.in_(PUBLIC))
        .options(
            orm.joinedload(Offer.patent).selectinload(Patent.parties),
            orm.joinedload(Offer.patent).selectinload(Patent.facts),
        )
    ).unique()
    offers = {offer.id: offer for offer in rows}
    mine = sa.select(Notice.offer_id, Notice.id).where(
        Notice.offer_id.in_(ids), Notice.licensee_id == licensee.id, Notice.state.in_(OPEN_NOTICE)
    )
    first = dict(db.session.execute(mine).all())
    licences = sa.select(Licence.offer_id, Licence.id).where(
        Licence.offer_id.in_(ids),
        Licence.licensee_id == licensee.id,
        Licence.kind == "open",
        Licence.state == "in_effect",
    )
    held = dict(db.session.execute(licences).all())
    return [
        _looked(offers[key], licensee, first.get(key), held.get(key))
        for key in dict.fromkeys(ids)
        if key in offers
    ]


def totals(looked: Sequence[Looked]) -> list[Total]:
    """What is due to each payee in each currency for the offers that can be taken up; free ones cost nothing.

    In the order in which the payees come first.
    """
    sums: dict[tuple[int, str], list[Looked]] = {}
    for one in looked:
        if one.problem is None and one.first_minor > 0:
            sums.setdefault((one.offer.holder_id, one.currency), []).append(one)
    return [
        Total(group[0].offer.holder, currency, sum(one.first_minor for one in group), len(group))
        for (_, currency), group in sums.items()
    ]


def _looked(offer: Offer, licensee: Organisation, first: int | None, held: int | None) -> Looked:
    terms = frozen_terms(offer)
    problem: DomainError | None = hindrance(offer, licensee, first, held)
    owed: tuple[Owed, ...] | None = None
    try:
        owed = tuple(obligations_of(terms))
        licence_term(clock.today(), offer.term_to, offer.patent.expires_on)
    except Conflict as error:
        problem = problem or error
    return Looked(
        offer=offer,
        terms=terms,
        digest=terms_digest(terms),
        owed=owed,
        first_minor=sum(one.amount_minor for one in owed or () if makes_the_licence(one.instalment)),
        problem=problem,
        barred=tuple(listing_rules.eligibility(patent_view(offer.patent), clock.today()).barred),
    )


def _own(actor: Actor, action: str) -> int:
    require(actor, action)
    if actor.organisation_id is None:
        raise Forbidden("forbidden", "Your account may not do this.")
    return actor.organisation_id
