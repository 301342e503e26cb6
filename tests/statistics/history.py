"""Small histories for tests: licences, notices and pure facts."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice
from marketplace.listings.models import Offer
from marketplace.statistics.figures import LicenceFact, PatentFacts
from tests import factories

_serial = itertools.count(1)
D = dt.date


def licence(offer: Offer, effective_on: dt.date, **values: Any) -> Licence:
    """An open licence that took effect on a day, noticed and paid on it, known from its recordal."""
    number = next(_serial)
    licensee = values.pop("licensee", None) or factories.organisation()
    row = Licence(
        **(
            {
                "number": f"XK{number:010d}",
                "kind": "open",
                "state": "in_effect",
                "evidence": "verified",
                "offer": offer,
                "patent": offer.patent,
                "licensee": licensee,
                "notice_on": effective_on,
                "paid_on": effective_on,
                "effective_at": clock.start_of_day_utc(effective_on),
                "effective_on": effective_on,
                "term_to": offer.term_to,
                "amount_minor": 5_000_000,
                "currency": "CNY",
                "recordal_state": "to_do",
                "created_at": clock.now(),
            }
            | values
        )
    )
    db.session.add(row)
    db.session.flush()
    return row


def notice(offer: Offer, served_on: dt.date, licensee: Organisation | None = None, **values: Any) -> Notice:
    """A notice that was served on a day."""
    number = next(_serial)
    row = Notice(
        **(
            {
                "number": f"TZ{number:010d}",
                "offer": offer,
                "licensee": licensee or factories.organisation(),
                "state": "served",
                "terms": offer.terms(),
                "document_digest": "0" * 64,
                "written_at": clock.start_of_day_utc(served_on),
                "served_at": clock.start_of_day_utc(served_on),
            }
            | values
        )
    )
    db.session.add(row)
    db.session.flush()
    return row


def fact(
    announced: dt.date,
    *effective: dt.date,
    ends: dt.date | None = None,
    holder_id: int = 1,
    fee_form: str = "fixed",
    reached: dict[str, dt.date] | None = None,
    licences: tuple[LicenceFact, ...] = (),
    **values: Any,
) -> PatentFacts:
    """A patent as the figures see it, in force from `announced` until `ends`."""
    number = next(_serial)
    taken = tuple(licence_fact(day) for day in sorted(effective)) + licences
    taken = tuple(sorted(taken, key=lambda one: one.effective_on))
    steps = {"announced": announced} | (reached or {})
    if taken:
        steps["in_effect"] = taken[0].effective_on
    return PatentFacts(
        **(
            {
                "patent_id": number,
                "offer_id": number,
                "holder_id": holder_id,
                "first_announced_on": announced,
                "in_region": True,
                "kind": "invention",
                "fee_form": fee_form,
                "owner_type": "university",
                "district": "310112",
                "ipc_section": "H",
                "ipc_class": "H01",
                "industry": "38",
                "spells": ((announced, ends),),
                "reached": steps,
                "licences": taken,
            }
            | values
        )
    )


def licence_fact(effective_on: dt.date, **values: Any) -> LicenceFact:
    """An open licence as the figures see it, noticed and paid on the day of its effect."""
    number = next(_serial)
    return LicenceFact(
        **(
            {
                "licence_id": number,
                "kind": "open",
                "licensee_id": number,
                "notice_on": effective_on,
                "paid_on": effective_on,
                "effective_on": effective_on,
                "last_day": None,
                "recordal_due_on": effective_on + dt.timedelta(days=92),
                "filed_on": None,
                "recorded_on": None,
                "amount_minor": 100,
                "currency": "CNY",
            }
            | values
        )
    )
