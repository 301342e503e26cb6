"""Describing an offer: texts, costs, side offers and attachments. The announced terms are never touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.files import keep
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import Offer

from . import rules
from .models import (
    MATURITIES,
    ORIGINS,
    PRICE_UNITS,
    SIDE_KINDS,
    Attachment,
    CostLine,
    ListingDetails,
    Question,
    SideOffer,
)
from .pictures import Upload

COLUMNS = tuple(f"{name}_{language}" for name in rules.TEXTS for language in ("zh", "en"))
TRANSLATED = (*COLUMNS, "title_en", "abstract_en", "costs_en", "side_offers_en")
OVER = ("refused", "withdrawn", "revoked", "lapsed", "discarded")


def details_of(offer_id: int) -> ListingDetails | None:
    """What the holder tells about an offer; None while it has told nothing."""
    return db.session.scalar(sa.select(ListingDetails).where(ListingDetails.offer_id == offer_id))


def earlier_of(actor: Actor, offer: Offer) -> ListingDetails | None:
    """The latest description of an earlier offer of the same patent, if it is the actor's to use again.

    A patent is declared anew after a withdrawal (GL V-11 §9); what its readers were told need not be written
    again. Another holder's words are not taken.
    """
    if not allowed(actor, "offer.describe", offer).allowed:
        return None
    holders = {offer.holder_id, *actor.holders}
    return db.session.scalar(
        sa.select(ListingDetails)
        .join(Offer, Offer.id == ListingDetails.offer_id)
        .where(Offer.patent_id == offer.patent_id, Offer.id < offer.id, Offer.holder_id.in_(holders))
        .order_by(Offer.id.desc())
        .limit(1)
    )


def draft(values: Mapping[str, Any]) -> ListingDetails:
    """Descriptions that are only shown (a preview): rows that no session knows.

    Args:
        values: as `describe` takes them.
    """
    found = ListingDetails(**{name: values.get(name) or None for name in COLUMNS})
    found.maturity = values.get("maturity") or None
    found.origins = dict(values.get("origins") or {})
    found.costs = [CostLine(**line) for line in values.get("costs", ())]
    found.side_offers = [SideOffer(**line) for line in values.get("side_offers", ())]
    return found


def describe(
    actor: Actor,
    offer_id: int,
    values: Mapping[str, Any],
    *,
    may_be_public: bool = False,
    files_from_earlier: bool = False,
) -> ListingDetails:
    """Say, in both languages, what an offer is good for and what goes with it. Replaces what was said before.

    Args:
        values: the texts (`problem_zh`, `problem_en`, …), `maturity`, `origins`, `costs` and `side_offers`.
        may_be_public: the holder has seen the passages that read like know-how and says they may be public.
        files_from_earlier: put the pictures and documents of the earlier offer beside this one too, as far
            as it has none.

    Raises:
        Invalid: `description-invalid` with the fields; `reads-like-know-how` unless confirmed.
        Conflict: `offer-ended`.
        NotFound, Unauthenticated, Forbidden: the actor may not.
    """
    offer = _described(actor, offer_id)
    _check(values)
    found = details_of(offer_id)
    texts = texts_of(values)
    passages = rules.know_how(texts)
    digest = _digest(texts)
    confirmed_before = found is not None and found.public_sha256 == digest
    if passages and not may_be_public and not confirmed_before:
        raise Invalid(
            "reads-like-know-how",
            "Parts of the text read like know-how (%(count)s). Please look at them again, or confirm that "
            "they may be public.",
            count=len(passages),
        )
    if found is None:
        found = ListingDetails(offer_id=offer_id, origins={}, updated_at=clock.now())
        db.session.add(found)
        before: dict[str, Any] = {}
    else:
        before = values_of(found)
    given = {name: values.get(name) or None for name in (*COLUMNS, "maturity")}
    for name, value in given.items():
        setattr(found, name, value)
    found.origins = {key: value for key, value in (values.get("origins") or {}).items() if key in TRANSLATED}
    _replace(found, values)
    found.updated_at = clock.now()
    found.updated_by = actor.user_id
    if passages and not confirmed_before:
        found.public_sha256 = digest
        found.public_confirmed_at = clock.now()
        found.public_confirmed_by = actor.user_id
    if files_from_earlier and not found.attachments:
        _take_files(actor, offer, found)
    after = values_of(found)
    record(
        "offer.described",
        offer,
        organisation_id=offer.holder_id,
        fields=sorted(name for name in after if after[name] != before.get(name)),
        sha256=digest,
    )
    if passages and not confirmed_before:
        record(
            "offer.publication_confirmed",
            offer,
            organisation_id=offer.holder_id,
            sha256=digest,
            kinds=sorted({passage.kind for passage in passages}),
            passages=len(passages),
        )
    return found


def _take_files(actor: Actor, offer: Offer, found: ListingDetails) -> None:
    earlier = earlier_of(actor, offer)
    for one in earlier.attachments if earlier is not None else ():
        row = Attachment(
            position=one.position,
            kind=one.kind,
            file=one.file,
            file_id=one.file_id,
            alt_zh=one.alt_zh,
            alt_en=one.alt_en,
            width=one.width,
            height=one.height,
        )
        found.attachments.append(row)
        db.session.flush()
        record(
            "offer.attachment_added",
            offer,
            organisation_id=offer.holder_id,
            attachment=row.id,
            sha256=one.file.digest,
            kind=row.kind,
        )


def _described(actor: Actor, offer_id: int) -> Offer:
    if db.session.get(Offer, offer_id) is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    offer = lock(Offer, offer_id)
    require(actor, "offer.describe", offer)
    if offer.status in OVER:
        raise Conflict("offer-ended", "This offer is over; its page stays as it was.")
    return offer


def _replace(found: ListingDetails, values: Mapping[str, Any]) -> None:
    # The old lines go first: the database keeps positions unique, and would meet the new ones before.
    if found.costs or found.side_offers:
        found.costs = []
        found.side_offers = []
        db.session.flush()
    found.costs = [CostLine(position=n, **line) for n, line in enumerate(values.get("costs", ()))]
    found.side_offers = [
        SideOffer(position=n, **line) for n, line in enumerate(values.get("side_offers", ()))
    ]
    db.session.flush()


_COST = ("item_zh", "item_en", "today", "with_patent", "unit", "source")
_SIDE = ("kind", "what_zh", "what_en", "price_minor", "currency", "price_unit", "contact")


def values_of(details: ListingDetails) -> dict[str, Any]:
    """Descriptions as plain values, as `describe` takes them."""
    return {
        **{name: getattr(details, name) for name in (*COLUMNS, "maturity")},
        "origins": dict(details.origins or {}),
        "costs": [{name: getattr(line, name) for name in _COST} for line in details.costs],
        "side_offers": [{name: getattr(line, name) for name in _SIDE} for line in details.side_offers],
    }


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Every text of a description by its place, for the rule on know-how."""
    texts = {name: values.get(name) or "" for name in COLUMNS}
    for n, line in enumerate(values.get("costs", ())):
        texts[f"costs-{n}"] = " ".join(
            str(line.get(name) or "") for name in ("item_zh", "item_en", "unit", "source")
        )
    for n, line in enumerate(values.get("side_offers", ())):
        texts[f"side_offers-{n}"] = " ".join(str(line.get(name) or "") for name in ("what_zh", "what_en"))
    return {name: text for name, text in texts.items() if text.strip()}


def _digest(texts: Mapping[str, str]) -> str:
    plain = json.dumps(texts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


_TOO_LONG = N_("Please write at most 4000 characters.")
_CHOOSE = N_("Please choose one of the values.")
_FILL_IN = N_("Please fill in this field.")
_TOO_MANY = N_("There are too many lines.")


def _check(values: Mapping[str, Any]) -> None:
    fields: dict[str, list[str]] = {}
    for name in COLUMNS:
        if len(values.get(name) or "") > rules.LONGEST_TEXT:
            fields[name] = [_TOO_LONG]
    if values.get("maturity") and values["maturity"] not in MATURITIES:
        fields["maturity"] = [_CHOOSE]
    if any(origin not in ORIGINS for origin in (values.get("origins") or {}).values()):
        fields["origins"] = [_CHOOSE]
    costs: Sequence[Mapping[str, Any]] = values.get("costs", ())
    sides: Sequence[Mapping[str, Any]] = values.get("side_offers", ())
    if any(
        not line.get(name) for line in costs for name in ("item_zh", "today", "with_patent", "unit", "source")
    ):
        fields["costs"] = [_FILL_IN]
    if any(not line.get("what_zh") for line in sides):
        fields["side_offers"] = [_FILL_IN]
    if any(
        line.get("kind") not in SIDE_KINDS or line.get("price_unit", "once") not in PRICE_UNITS
        for line in sides
    ):
        fields["side_offers"] = [_CHOOSE]
    if len(costs) > rules.MOST_COSTS:
        fields["costs"] = [_TOO_MANY]
    if len(sides) > rules.MOST_SIDE_OFFERS:
        fields["side_offers"] = [_TOO_MANY]
    if fields:
        raise Invalid("description-invalid", "Please correct the description.", fields=fields)


# --- attachments


def attach(
    actor: Actor, offer_id: int, upload: Upload, *, name: str, alt_zh: str, alt_en: str | None = None
) -> Attachment:
    """Put a picture or a document beside an offer.

    Args:
        upload: from `pictures.prepare`.
        name: the file's own name.
        alt_zh: what it shows, in words; needed (WCAG 1.1.1).

    Raises:
        Invalid: `alt-missing`.
        Conflict: `attachments-full` (six), `offer-ended`.
        NotFound, Unauthenticated, Forbidden: the actor may not.
    """
    offer = _described(actor, offer_id)
    if not alt_zh.strip():
        message = N_("Please say in words what it shows: some readers cannot see it.")
        raise Invalid("alt-missing", message, fields={"alt_zh": [message]})
    found = details_of(offer_id)
    if found is None:
        found = ListingDetails(offer_id=offer_id, origins={}, updated_at=clock.now())
        db.session.add(found)
    if len(found.attachments) >= rules.MOST_ATTACHMENTS:
        raise Conflict("attachments-full", "There are six attachments already: take one away first.")
    found.updated_at = clock.now()
    found.updated_by = actor.user_id
    file = keep(
        upload.content,
        name=name,
        content_type=upload.content_type,
        purpose="showcase",
        organisation_id=offer.holder_id,
    )
    row = Attachment(
        position=max((one.position for one in found.attachments), default=-1) + 1,
        kind=upload.kind,
        file=file,
        file_id=file.id,
        alt_zh=alt_zh.strip()[:300],
        alt_en=(alt_en or "").strip()[:500] or None,
        width=upload.width,
        height=upload.height,
    )
    found.attachments.append(row)
    db.session.flush()
    record(
        "offer.attachment_added",
        offer,
        organisation_id=offer.holder_id,
        attachment=row.id,
        sha256=file.digest,
        kind=row.kind,
    )
    return row


def detach(actor: Actor, offer_id: int, attachment_id: int) -> None:
    """Take an attachment away; the file's bytes stay in the store, as the journal names them.

    Raises:
        NotFound: `attachment-not-found`, or the actor may not see the offer.
        Conflict: `offer-ended`.
    """
    offer = _described(actor, offer_id)
    found = details_of(offer_id)
    row = next((one for one in found.attachments if one.id == attachment_id), None) if found else None
    if found is None or row is None:
        raise NotFound("attachment-not-found", "There is no such attachment.")
    found.attachments.remove(row)
    found.updated_at = clock.now()
    found.updated_by = actor.user_id
    record(
        "offer.attachment_removed",
        offer,
        organisation_id=offer.holder_id,
        attachment=attachment_id,
        sha256=row.file.digest,
    )


def attachment_of(actor: Actor, offer_id: int, attachment_id: int) -> Attachment:
    """An attachment of an offer that this actor may see.

    Raises:
        NotFound: `attachment-not-found`.
    """
    offer = db.session.get(Offer, offer_id)
    row = db.session.scalar(
        sa.select(Attachment)
        .join(ListingDetails, ListingDetails.id == Attachment.details_id)
        .where(Attachment.id == attachment_id, ListingDetails.offer_id == offer_id)
    )
    if offer is None or row is None or not allowed(actor, "offer.see", offer).allowed:
        raise NotFound("attachment-not-found", "There is no such attachment.")
    return row


# --- reading


def present(offer: Offer, details: ListingDetails | None) -> dict[str, object]:
    """Which of the things that readers ask for are there: item → something, or nothing.

    What the patent's own record says counts until the holder has said more.
    """
    patent = offer.patent
    said = {
        name: (getattr(details, f"{name}_zh") or getattr(details, f"{name}_en")) if details else None
        for name in ("product", "application", "problem", "advantage")
    }
    english = [
        getattr(details, f"{name}_en") if details else None
        for name in said
        if said[name] or getattr(patent, name, None)
    ]
    return {
        "product": said["product"],
        "application": said["application"] or patent.application,
        "problem": said["problem"] or patent.problem,
        "advantage": said["advantage"] or patent.advantage,
        "maturity": details.maturity if details else None,
        "costs": details.costs if details else None,
        "picture": [one for one in details.attachments if one.kind == "picture"] if details else None,
        "side_offers": details.side_offers if details else None,
        "not_included": offer.not_included,
        "contact": offer.contact,
        "english": bool(english) and all(english),
    }


def search_texts(offer_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Offer id → its descriptions for the search: `product`, `application`, `problem`, `advantage`, `costs`.

    Both languages; English searches find the English words.
    """
    rows = db.session.scalars(
        sa.select(ListingDetails)
        .where(ListingDetails.offer_id.in_(list(offer_ids)))
        .execution_options(populate_existing=True)
    ).unique()
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        texts = {
            name: "\n".join(text for text in (getattr(row, f"{name}_zh"), getattr(row, f"{name}_en")) if text)
            for name in ("product", "application", "problem", "advantage")
        }
        texts["costs"] = "\n".join(f"{line.item_zh} {line.item_en or ''}".strip() for line in row.costs)
        found[row.offer_id] = texts
    return found


def faq(offer_id: int) -> list[Question]:
    """Questions and answers that the holder has published, oldest first."""
    query = (
        sa.select(Question)
        .where(Question.offer_id == offer_id, Question.state == "published")
        .order_by(Question.published_at, Question.id)
    )
    return list(db.session.scalars(query))
