"""Asking a person about an offer: the question's way to the holder, the answer's way back, and the FAQ.

A question is no notice and no condition: a licence needs neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask import current_app
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from marketplace.accounts.models import Mandate, Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import Offer

from . import rules
from .lifecycle import QUESTION
from .models import Question

CONFIRM_WITHIN = dt.timedelta(days=3)
ERASE_AFTER = dt.timedelta(days=90)
_ORIGINS = ("question_zh", "question_en", "answer_zh", "answer_en")
_MOST = 200


def ask(actor: Actor, offer_id: int, text: str, *, locale: str, name: str = "", email: str = "") -> Question:
    """Ask whoever answers for an offer.

    A signed-in person's question reaches them at once. A visitor's waits until the link sent to the address
    was used: otherwise anybody could have answers sent to anybody.

    Raises:
        Invalid: `question-invalid` with the fields.
        NotFound, Forbidden: the offer is not public.
    """
    offer = db.session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    require(actor, "question.ask", offer)
    fields: dict[str, list[str]] = {}
    text = text.strip()
    if not text:
        fields["text"] = [N_("Please fill in this field.")]
    elif len(text) > rules.LONGEST_QUESTION:
        fields["text"] = [N_("Please write at most 2000 characters.")]
    visitor = actor.user_id is None
    address = None
    if visitor:
        address = _address(email)
        if address is None:
            fields["email"] = [N_("Please give an e-mail address such as name@example.com.")]
    if fields:
        raise Invalid("question-invalid", "Please complete the question.", fields=fields)
    row = Question(
        offer_id=offer_id,
        offer=offer,
        state="unconfirmed" if visitor else "open",
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        name=name.strip()[:100] or None if visitor else None,
        email=address,
        locale=locale if locale in ("zh", "en") else "zh",
        text=text,
        asked_at=clock.now(),
        reached_on=None if visitor else clock.today(),
        origins={},
    )
    db.session.add(row)
    db.session.flush()
    record("question.asked", row, organisation_id=actor.organisation_id, offer=offer_id, visitor=visitor)
    if visitor:
        enqueue("questions.mail_confirm", key=str(row.id), question_id=row.id)
    return row


def _address(text: str) -> str | None:
    """A well-formed e-mail address, or None."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized[:254]
    except EmailNotValidError:
        return None


def token_of(question: Question) -> str:
    """What the link in the confirming mail carries."""
    return str(_signer().dumps(question.id))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="question-address")


def by_token(token: str) -> Question:
    """The question of a link.

    Raises:
        NotFound: `link-invalid`: it is not one of ours, or older than three days.
    """
    try:
        question_id = _signer().loads(token, max_age=int(CONFIRM_WITHIN.total_seconds()))
    except (SignatureExpired, BadSignature):
        question_id = None
    row = db.session.get(Question, question_id) if isinstance(question_id, int) else None
    if row is None:
        raise NotFound("link-invalid", "The link is not valid any more.")
    return row


def confirm(actor: Actor, token: str) -> Question:
    """The address has been confirmed: the question goes to the holder. Twice does no harm.

    Raises:
        NotFound: `link-invalid`.
    """
    row = lock(Question, by_token(token).id)
    if row.state != "unconfirmed":
        return row

    def effect() -> None:
        row.reached_on = clock.today()

    QUESTION.execute(actor, row, "confirm", effect=effect, organisation_id=row.offer.holder_id)
    return row


def get(actor: Actor, question_id: int) -> Question:
    """A question that this actor asked or answers for.

    Raises:
        NotFound: `question-not-found`.
    """
    row = db.session.get(Question, question_id)
    if row is None or not allowed(actor, "question.see", row).allowed:
        raise NotFound("question-not-found", "There is no such question.")
    return row


def answer(actor: Actor, question_id: int, text: str) -> Question:
    """Answer a question, or correct the answer; the asker is told.

    Raises:
        Invalid: `answer-invalid`.
        Conflict: `illegal-transition`.
        NotFound, Forbidden: it is not theirs to answer.
    """
    row = _locked(actor, question_id)
    text = text.strip()
    if not text or len(text) > rules.LONGEST_TEXT:
        message = N_("Please write an answer of at most 4000 characters.")
        raise Invalid("answer-invalid", message, fields={"answer": [message]})

    def effect() -> None:
        row.answer = text
        row.answered_at = row.closed_at = clock.now()
        row.answered_by = actor.user_id

    QUESTION.execute(
        actor, row, "answer", effect=effect, organisation_id=row.offer.holder_id, offer=row.offer_id
    )
    # A member of an organisation is told by the notifications; everybody else by a mail of its own.
    if row.organisation_id is None and (row.user_id is not None or row.email is not None):
        enqueue("questions.mail_answer", key=f"{row.id}:{row.version}", question_id=row.id)
    return row


def publish(
    actor: Actor, question_id: int, values: dict[str, Any], *, may_be_public: bool = False
) -> Question:
    """Put the question and its answer, as the holder words them for everybody, on the offer's page.

    Args:
        values: `question_zh`, `question_en`, `answer_zh`, `answer_en` (one language at least) and `origins`.
        may_be_public: passages that read like know-how may be public.

    Raises:
        Invalid: `faq-incomplete`, `reads-like-know-how`.
        Conflict: `illegal-transition`.
    """
    row = _locked(actor, question_id)
    texts = {name: (values.get(name) or "").strip() or None for name in _ORIGINS}
    whole = [lang for lang in ("zh", "en") if texts[f"question_{lang}"] and texts[f"answer_{lang}"]]
    half = [lang for lang in ("zh", "en") if bool(texts[f"question_{lang}"]) != bool(texts[f"answer_{lang}"])]
    if not whole or half:
        raise Invalid("faq-incomplete", "Please give question and answer in the same language.")
    if any(text and len(text) > rules.LONGEST_TEXT for text in texts.values()):
        message = N_("Please write at most 4000 characters.")
        raise Invalid("faq-incomplete", message)
    passages = rules.know_how(texts)
    if passages and not may_be_public:
        raise Invalid(
            "reads-like-know-how",
            "Parts of the text read like know-how (%(count)s). Please look at them again, or confirm that "
            "they may be public.",
            count=len(passages),
        )

    def effect() -> None:
        for name, text in texts.items():
            setattr(row, name, text)
        row.origins = {name: value for name, value in values.get("origins", {}).items() if texts.get(name)}
        row.published_at = row.published_at or clock.now()

    QUESTION.execute(
        actor,
        row,
        "publish",
        effect=effect,
        organisation_id=row.offer.holder_id,
        offer=row.offer_id,
        may_be_public=bool(passages),
    )
    return row


def step(actor: Actor, question_id: int, action: str) -> Question:
    """`unpublish` a question, or `set_aside` one that needs no answer.

    Raises:
        Conflict: `illegal-transition`.
        NotFound, Forbidden: it is not theirs.
    """
    row = _locked(actor, question_id)

    def effect() -> None:
        if action == "unpublish":
            row.published_at = None
        else:
            row.closed_at = clock.now()

    QUESTION.execute(
        actor, row, action, effect=effect, organisation_id=row.offer.holder_id, offer=row.offer_id
    )
    return row


def _locked(actor: Actor, question_id: int) -> Question:
    get(actor, question_id)
    return lock(Question, question_id)


# --- lists and counts


def received(
    holders: Iterable[int],
    *,
    states: Sequence[str] = (),
    offer_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Question]:
    """Questions that reached these holders, newest first (keyset paging by `before`)."""
    query = (
        sa.select(Question)
        .join(Offer, Offer.id == Question.offer_id)
        .where(Offer.holder_id.in_(list(holders)), Question.reached_on.is_not(None))
    )
    if states:
        query = query.where(Question.state.in_(states))
    if offer_id is not None:
        query = query.where(Question.offer_id == offer_id)
    if before is not None:
        query = query.where(Question.id < before)
    return list(db.session.scalars(query.order_by(Question.id.desc()).limit(min(limit, _MOST))))


def asked_by(actor: Actor, *, limit: int = 50) -> list[Question]:
    """What this person asked, newest first."""
    query = sa.select(Question).where(Question.user_id == actor.user_id).order_by(Question.id.desc())
    return list(db.session.scalars(query.limit(min(limit, _MOST))))


@dataclass(frozen=True)
class Unanswered:
    """Questions that wait with one holder: how many, and since when the oldest."""

    holder: Organisation
    count: int
    since: dt.date

    @property
    def days(self) -> int:
        """Days that the oldest has waited; 0 on the day it came."""
        return (clock.today() - self.since).days


def unanswered(holders: Iterable[int] | None = None) -> list[Unanswered]:
    """Who has unanswered questions, the longest waiting first; `holders` narrows it down."""
    query = (
        sa.select(Organisation, sa.func.count(), sa.func.min(Question.reached_on))
        .select_from(Question)
        .join(Offer, Offer.id == Question.offer_id)
        .join(Organisation, Organisation.id == Offer.holder_id)
        .where(Question.state == "open", Question.reached_on.is_not(None))
        .group_by(Organisation.id)
        .order_by(sa.func.min(Question.reached_on), Organisation.id)
    )
    if holders is not None:
        query = query.where(Offer.holder_id.in_(list(holders)))
    rows = db.session.execute(query)
    return [Unanswered(holder, count, since) for holder, count, since in rows if since is not None]


def who_answers(offer: Offer) -> list[int]:
    """Ids of the organisations that a question goes to: the holder, and agencies with its mandate today."""
    today = clock.today()
    agents = db.session.scalars(
        sa.select(Mandate.agent_id)
        .where(
            Mandate.principal_id == offer.holder_id,
            Mandate.scope.in_(("holder", "both")),
            Mandate.valid_from <= today,
            Mandate.valid_to >= today,
            Mandate.state == "accepted",
            Mandate.state == "accepted",
        )
        .order_by(Mandate.agent_id)
    )
    return [offer.holder_id, *dict.fromkeys(agent for agent in agents if agent != offer.holder_id)]


# --- what comes with time


def tidy() -> int:
    """Let questions expire whose address nobody confirmed, and erase visitors' names and addresses.

    In the present unit of work. Returns how many rows were changed.
    """
    now = clock.now()
    unconfirmed = sa.and_(Question.state == "unconfirmed", Question.asked_at < now - CONFIRM_WITHIN)
    over = sa.and_(
        Question.closed_at < now - ERASE_AFTER,
        sa.or_(Question.email.is_not(None), Question.name.is_not(None)),
    )
    ids = list(db.session.scalars(sa.select(Question.id).where(sa.or_(unconfirmed, over)).limit(_MOST)))
    for question_id in ids:
        row = lock(Question, question_id)
        row.name = row.email = None
        if row.state == "unconfirmed":
            row.text = ""
            row.closed_at = now
            QUESTION.execute(SYSTEM, row, "expire", organisation_id=row.offer.holder_id)
        else:
            record("question.erased", row, organisation_id=row.offer.holder_id)
    return len(ids)
