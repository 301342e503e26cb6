"""What some holders tell beside their declarations: descriptions, help, pictures, and readers' questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.identifiers import PatentNumber
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.listings.showcase import pictures, questions, services
from marketplace.listings.showcase.models import ListingDetails

from .accounts import FIRM, INDIVIDUAL, actor_of
from .catalogue import DATA, Row, read

FILE: Final = "details.jsonl"
_READERS: Final = (FIRM, INDIVIDUAL)
_DESCRIBED, _ASKED, _ANSWERED, _TRANSLATED = 34, 21, 18, 0  # days before today


def steps() -> Iterator[tuple[int, Callable[[], None]]]:
    """Days before today, and what was done then."""
    rows = read(FILE)
    yield _DESCRIBED, partial(_describe_all, rows)
    yield _TRANSLATED, _state_origins
    yield _ASKED, partial(_ask_all, rows)
    yield _ANSWERED, partial(_answer_all, rows)
    for number, row in enumerate(row for row in rows if "open" in row):
        text, language, days = row["open"]
        yield days, partial(_ask, row, text, language, number)


def _offer(row: Row) -> Offer | None:
    """The offer that is in force on the patent of a row; it may have ended since."""
    number = PatentNumber.parse(row["patent_number"]).canonical
    return db.session.scalar(
        sa.select(Offer)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(Patent.number == number, Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
    )


def _holder(offer: Offer) -> Actor:
    """Somebody of the holder; the operator where nobody has joined."""
    try:
        return actor_of(offer.holder.name)
    except NotFound:
        return OPERATOR_COMMAND


def _describe_all(rows: list[Row]) -> None:
    for row in rows:
        picture = (
            pictures.prepare((DATA / f"picture_{row['picture'][0]}.png").read_bytes())
            if "picture" in row
            else None
        )
        offer = _offer(row)
        if offer is None:
            db.session.rollback()
            continue
        holder, values, offer_id = _holder(offer), _values(row, offer.patent), offer.id
        with unit_of_work(holder, origin="demo"):
            services.describe(holder, offer_id, values, may_be_public=True)
            if picture is not None:
                name, alt_zh, alt_en = row["picture"]
                services.attach(holder, offer_id, picture, name=f"{name}.png", alt_zh=alt_zh, alt_en=alt_en)


def _state_origins() -> None:
    """Say of every other offer in force who translated title and abstract: a machine, in this catalogue."""
    query = (
        sa.select(Offer.id)
        .join(Patent, Patent.id == Offer.patent_id)
        .outerjoin(ListingDetails, ListingDetails.offer_id == Offer.id)
        .where(
            Offer.status.in_(IN_FORCE),
            Offer.evidence == "verified",
            ListingDetails.id.is_(None),
            sa.or_(Patent.title_en.is_not(None), Patent.abstract_en.is_not(None)),
        )
        .order_by(Offer.id)
    )
    ids = list(db.session.scalars(query))
    db.session.rollback()
    values = {"origins": {"title_en": "machine", "abstract_en": "machine"}}
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        for offer_id in ids:
            services.describe(OPERATOR_COMMAND, offer_id, values)


def _values(row: Row, patent: Patent) -> dict[str, Any]:
    application_en, problem_en, advantage_en = row["en"]
    by = row["by"]
    names = ("product_en", "application_en", "problem_en", "advantage_en", "proof_en")
    return {
        "product_zh": row["product"][0],
        "product_en": row["product"][1],
        "application_zh": patent.application,
        "application_en": application_en,
        "problem_zh": patent.problem,
        "problem_en": problem_en,
        "advantage_zh": patent.advantage,
        "advantage_en": advantage_en,
        "maturity": row["maturity"],
        "proof_zh": row["proof"][0],
        "proof_en": row["proof"][1],
        "origins": dict.fromkeys((*names, "title_en", "abstract_en", "costs_en", "side_offers_en"), by),
        "costs": [
            dict(zip(("item_zh", "item_en", "today", "with_patent", "unit", "source"), line, strict=True))
            for line in row["costs"]
        ],
        "side_offers": [
            {
                "kind": kind,
                "what_zh": what_zh,
                "what_en": what_en,
                "price_minor": None if yuan is None else yuan * 100,
                "currency": "CNY",
                "price_unit": unit,
                "contact": None,
            }
            for kind, what_zh, what_en, yuan, unit in row["sides"]
        ],
    }


def _ask(row: Row, text: str, language: str, number: int) -> None:
    offer = _offer(row)
    reader = actor_of(_READERS[number % len(_READERS)].organisation or "")
    if offer is None or offer.holder_id in reader.holders:
        db.session.rollback()
        return
    offer_id = offer.id
    with unit_of_work(reader, origin="demo"):
        questions.ask(reader, offer_id, text, locale=language)


def _ask_all(rows: list[Row]) -> None:
    for number, row in enumerate(rows):
        for question_zh, *_rest in row["faq"]:
            _ask(row, question_zh, "zh", number)


def _answer_all(rows: list[Row]) -> None:
    for row in rows:
        offer = _offer(row)
        if offer is None:
            db.session.rollback()
            continue
        holder, offer_id = _holder(offer), offer.id
        said = {texts[0]: texts for texts in row["faq"]}
        waiting = questions.received([offer.holder_id], states=("open",), offer_id=offer_id)
        ids = [(one.id, said[one.text]) for one in waiting if one.text in said]
        db.session.rollback()
        for question_id, (question_zh, question_en, answer_zh, answer_en) in ids:
            with unit_of_work(holder, origin="demo"):
                questions.answer(holder, question_id, answer_zh)
                questions.publish(
                    holder,
                    question_id,
                    {
                        "question_zh": question_zh,
                        "question_en": question_en,
                        "answer_zh": answer_zh,
                        "answer_en": answer_en,
                        "origins": {"question_en": row["by"], "answer_en": row["by"]},
                    },
                    may_be_public=True,
                )
