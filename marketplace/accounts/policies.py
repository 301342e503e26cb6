"""Who may do what with accounts."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, operator, signed_in, system

from .models import Organisation


def _member(actor: Actor, subject: Any) -> bool:
    """Its own people only: a mandate does not reach to its members, its account, or further mandates.

    Takes an organisation, or a row that is about one.
    """
    if subject is None:
        return False
    return (subject.id if isinstance(subject, Organisation) else subject.organisation_id) in actor.own


def _administrator(actor: Actor, subject: Any) -> bool:
    """One of its own people whose level is administrator."""
    return _member(actor, subject) and "administrator" in actor.roles


def _agent(actor: Actor, mandate: Any) -> bool:
    """An administrator of the agency that a mandate is given to."""
    return mandate is not None and mandate.agent_id in actor.own and "administrator" in actor.roles


def _principal(actor: Actor, mandate: Any) -> bool:
    """An administrator of the organisation that gives a mandate."""
    return mandate is not None and mandate.principal_id in actor.own and "administrator" in actor.roles


def _asker(actor: Actor, request: Any) -> bool:
    return request is not None and actor.user_id is not None and request.user_id == actor.user_id


def _oneself(actor: Actor, user: Any) -> bool:
    return user is not None and actor.user_id is not None and user.id == actor.user_id


RULES = {
    "organisation.edit": Rule(WRITE, (_administrator, operator)),
    "organisation.import": Rule(WRITE, (operator,)),
    "organisation.confirm": Rule(WRITE, (bureau,)),
    "organisation.doubt": Rule(WRITE, (operator,)),
    "organisation.merge": Rule(WRITE, (operator,)),
    "organisation.rename": Rule(WRITE, (operator,)),
    "organisation.succeed": Rule(WRITE, (operator,)),
    "organisation.join": Rule(READ, (signed_in,)),
    # The link is the key: services check it.
    "invitation.accept": Rule(WRITE, (system,)),
    "member.add": Rule(WRITE, (operator,)),
    "member.see": Rule(READ, (_member, bureau)),
    "member.change": Rule(WRITE, (_administrator, operator)),
    "member.leave": Rule(READ, (_member,)),
    # Whoever asks others by mail has shown that the own address is real.
    "member.invite": Rule(WRITE, (_administrator, operator), proven=True),
    "join_request.answer": Rule(WRITE, (_administrator, operator)),
    "join_request.withdraw": Rule(READ, (_asker,)),
    "verification.submit": Rule(WRITE, (_administrator,)),
    "verification.see": Rule(READ, (bureau,)),
    "verification.decide": Rule(WRITE, (bureau,)),
    "clash.see": Rule(READ, (bureau,)),
    "clash.resolve": Rule(WRITE, (operator,)),
    "account.create": Rule(WRITE, (operator,)),
    "account.administer": Rule(WRITE, (operator,)),
    "account.ask_erasure": Rule(READ, (_oneself,)),
    "account.erase": Rule(WRITE, (operator,)),
    "access_log.own": Rule(READ, (signed_in,)),
    "access_log.search": Rule(READ, (bureau,)),
    "dead_letter.see": Rule(READ, (operator,)),
    "dead_letter.resolve": Rule(WRITE, (operator,)),
    "mandate.grant": Rule(WRITE, (_administrator, operator)),
    "mandate.answer": Rule(WRITE, (_agent, operator)),
    "mandate.revoke": Rule(WRITE, (_principal, _agent, operator)),
}
