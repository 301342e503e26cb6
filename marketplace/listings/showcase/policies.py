"""Who may describe an offer, ask about it and answer."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, anyone, bureau, operator, system
from marketplace.listings.policies import is_public


def _holder(actor: Actor, offer: Any) -> bool:
    """The holder, or an agency with its mandate for a holder's matters."""
    return offer is not None and offer.holder_id in actor.holders


def _public(_actor: Actor, offer: Any) -> bool:
    return is_public(offer)


def _answers(actor: Actor, question: Any) -> bool:
    """Whoever answers for the offer; a question whose address is not confirmed has not reached them."""
    return question is not None and question.state != "unconfirmed" and _holder(actor, question.offer)


def _asked(actor: Actor, question: Any) -> bool:
    """The person who asked."""
    return question is not None and question.user_id is not None and question.user_id == actor.user_id


def _asks_on_a_public_offer(_actor: Actor, offer: Any) -> bool:
    return is_public(offer)


_SEES = (_public, _holder, bureau)
_PARTIES = (_answers, _asked, operator)

RULES: dict[str, Rule] = {
    "offer.describe": Rule(WRITE, (_holder, operator), sees=_SEES),
    "question.ask": Rule(WRITE, (_asks_on_a_public_offer,), sees=_SEES),
    "question.see": Rule(READ, _PARTIES, sees=_PARTIES),
    # The link's signature is looked at before this: whoever has it reads the mail of the address.
    "question.confirm": Rule(WRITE, (anyone,)),
    "question.answer": Rule(WRITE, (_answers,), sees=_PARTIES),
    "question.publish": Rule(WRITE, (_answers,), sees=_PARTIES),
    "question.set_aside": Rule(WRITE, (_answers, operator), sees=_PARTIES),
    "question.expire": Rule(WRITE, (system,), sees=(system,)),
    "question.erase": Rule(WRITE, (system,), sees=(system,)),
    "question.supervise": Rule(READ, (bureau,)),
}
