"""Which patent and which declaration a row of the gazette speaks of, and what does not fit.

A row is matched by its patent number. Whatever contradicts it stops the row with a sentence that says what
to do: a list is never made to fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound
from marketplace.core.identifiers import PatentNumber, PublicationNumber
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.listings.services.patents import by_number

Values = Mapping[str, Any]
_SIGNS = re.compile(r"[\W_]+")
_OTHERS = re.compile(r"等(?:[0-9一二三四五六七八九十]+[人家位])?$")


def folded(text: str) -> str:
    """A name or title as it is compared: half-width, lower case, without spaces and punctuation."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def patent_of(number: PatentNumber | PublicationNumber) -> Patent:
    """The patent of a row.

    Raises:
        NotFound: `gazette-patent-unknown`.
    """
    patent = by_number(number)
    if patent is None:
        raise NotFound(
            "gazette-patent-unknown",
            "No patent with this number is known here: enter it in the list of patents first, then repeat.",
        )
    return patent


def require_same(patent: Patent, values: Values) -> None:
    """Raise when the row names another title or other patentees than the register here.

    Raises:
        Conflict: `gazette-title-differs`, `gazette-patentee-differs`.
    """
    title = values.get("title")
    if title and folded(title) not in {folded(patent.title), folded(patent.title_en or "")}:
        raise Conflict(
            "gazette-title-differs",
            "The gazette calls this patent “%(announced)s”, the register here “%(known)s”: check the number; "
            "if it is right, correct the title in the list of patents and repeat.",
            announced=title,
            known=patent.title,
        )
    require_patentees(patent, values.get("patentees") or ())


def require_patentees(patent: Patent, announced: Sequence[str]) -> None:
    """Raise when the announced patentees are others than those of the register here.

    Raises:
        Conflict: `gazette-patentee-differs`.
    """
    if not announced:
        return
    names = {folded(_OTHERS.sub("", name)) for name in announced}
    known = {folded(party.organisation.name) for party in patent.parties}
    shortened = any(_OTHERS.search(name) for name in announced)
    if names == known or (shortened and names <= known):
        return
    raise Conflict(
        "gazette-patentee-differs",
        "The gazette names %(announced)s as patentee, the register here %(known)s: if the patent has changed "
        "hands, begin the task “something changed” on the patent; if not, correct the patentees and repeat.",
        announced="; ".join(announced),
        known="; ".join(party.organisation.name for party in patent.parties) or "—",
    )


def declared(patent: Patent, statuses: Iterable[str] = ()) -> list[Offer]:
    """The declarations on a patent, the oldest first."""
    query = sa.select(Offer).where(Offer.patent_id == patent.id).order_by(Offer.id)
    if statuses:
        query = query.where(Offer.status.in_(tuple(statuses)))
    return list(db.session.scalars(query))


def with_number(number: str | None) -> Offer | None:
    """The declaration with that number."""
    if not number:
        return None
    return db.session.scalar(sa.select(Offer).where(Offer.declaration_number == number))


def require_one_filed(patent: Patent) -> Offer | None:
    """The declaration on this patent that is filed and waits for its announcement.

    Raises:
        Conflict: `gazette-two-candidates`.
    """
    filed = declared(patent, ("filed",))
    if len(filed) > 1:
        raise Conflict(
            "gazette-two-candidates",
            "Two declarations on this patent are filed (%(offers)s): record which one was refused, "
            "then repeat.",
            offers=", ".join(f"#{offer.id}" for offer in filed),
        )
    return filed[0] if filed else None


def require_not_later(stated: Offer, values: Values) -> None:
    """Raise when a holder stated a declaration of a later day under another number: it may be another one.

    Raises:
        Conflict: `gazette-stated-otherwise`.
    """
    number, on = values.get("declaration_number"), stated.announced_on
    if number is None or stated.declaration_number in (None, number) or on is None:
        return
    if stated.evidence != "verified" and on > values["announced_on"]:
        raise Conflict(
            "gazette-stated-otherwise",
            "The holder stated a declaration on this patent under number %(number)s, announced on %(date)s: "
            "look which of the two is in the gazette, correct the other, then repeat.",
            number=stated.declaration_number or "",
            date=on.isoformat(),
        )


def to_withdraw(patent: Patent, values: Values) -> Offer:
    """The declaration whose withdrawal a row announces: by its number, else the one in force on the patent.

    Raises:
        Conflict: `gazette-number-differs`: the number belongs to another patent's declaration, or the one in
            force has another number that was verified.
        NotFound: `gazette-nothing-in-force`.
    """
    number = values.get("declaration_number")
    named = with_number(number)
    if named is not None:
        if named.patent_id != patent.id:
            raise Conflict(
                "gazette-number-differs",
                "This declaration number belongs to patent %(patent)s here: check both numbers "
                "in the gazette.",
                patent=named.patent.reference,
            )
        return named
    on = values["withdrawn_on"]
    for offer in declared(patent, IN_FORCE):
        if number and offer.declaration_number and offer.evidence == "verified":
            raise Conflict(
                "gazette-number-differs",
                "The declaration in force on this patent has number %(number)s: check it in the gazette.",
                number=offer.declaration_number,
            )
        return offer
    over = [
        offer
        for offer in declared(patent, ("withdrawn", "lapsed"))
        if offer.announced_on is not None and offer.announced_on <= on
    ]
    same_day = [offer for offer in over if offer.withdrawn_on == on]
    if same_day or over:
        return (same_day or over)[-1]
    raise NotFound(
        "gazette-nothing-in-force",
        "No announced declaration on this patent is known here: import its announcement first, then repeat.",
    )
