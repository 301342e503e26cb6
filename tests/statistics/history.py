"""Small histories for tests: licences, notices and pure facts."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice
from marketplace.listings.models import Offer
from marketplace.statistics import columns
from marketplace.statistics.columns import DIMENSIONS, SIDE_STAGES, STAGES, UNKNOWN, Facts, day_number
from tests import factories

from .rowwise import LicenceFact, PatentFacts

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
                "ipc_subclass": "H01M",
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


def in_columns(patents: Iterable[PatentFacts]) -> Facts:
    """Single patents as the columns that the figures are made of."""
    rows = sorted(patents, key=lambda one: (one.first_announced_on, one.patent_id))
    labels = {
        name: (*sorted({getattr(one, name) for one in rows} - {None, UNKNOWN}), UNKNOWN)
        for name in DIMENSIONS
    }
    holders = sorted({one.holder_id for one in rows})
    licences = [(place, each) for place, one in enumerate(rows) for each in (*one.licences, *one.ordinary)]
    licensees = sorted({each.licensee_id for _, each in licences})
    pairs = sorted({(rows[place].holder_id, each.licensee_id) for place, each in licences})

    def table(kind: str) -> columns.Licences:
        chosen = sorted(
            ((place, each) for place, each in licences if each.kind == kind),
            key=lambda one: (one[1].effective_on, one[1].licence_id),
        )
        found = {
            "id": [each.licence_id for _, each in chosen],
            "patent": [place for place, _ in chosen],
            "licensee": [licensees.index(each.licensee_id) for _, each in chosen],
            "pair": [pairs.index((rows[place].holder_id, each.licensee_id)) for place, each in chosen],
            "last_day": [day_number(each.last_day) for _, each in chosen],
            "due": [day_number(each.recordal_due_on) for _, each in chosen],
            "amount": [each.amount_minor or 0 for _, each in chosen],
        } | {
            name: [day_number(getattr(each, f"{name}_on")) for _, each in chosen]
            for name in ("notice", "paid", "effective", "filed", "recorded")
        }
        return columns.Licences(
            **{name: np.array(values, np.int64) for name, values in found.items()},
            yuan=np.array([each.currency == "CNY" for _, each in chosen], np.bool_),
        )

    def column(values: Sequence[int]) -> columns.Array:
        return np.array(values, np.int32)

    spells = [(place, *spell) for place, one in enumerate(rows) for spell in one.spells]
    return Facts(
        patents=columns.Patents(
            id=np.array([one.patent_id for one in rows], np.int64),
            offer_id=np.array([one.offer_id for one in rows], np.int64),
            holder=column([holders.index(one.holder_id) for one in rows]),
            announced=column([day_number(one.first_announced_on) for one in rows]),
            in_region=np.array([one.in_region for one in rows], np.bool_),
            reached=np.array(
                [[day_number(one.reached.get(stage)) for one in rows] for stage in (*STAGES, *SIDE_STAGES)],
                np.int32,
            ),
            groups=np.array(
                [[labels[name].index(getattr(one, name) or UNKNOWN) for one in rows] for name in DIMENSIONS],
                np.int16,
            ),
        ),
        spells=columns.Spells(
            patent=column([place for place, _, _ in spells]),
            start=column([day_number(start) for _, start, _ in spells]),
            end=column([day_number(end) for _, _, end in spells]),
            reason=np.full(len(spells), -1, np.int8),
        ),
        open=table("open"),
        ordinary=table("ordinary"),
        holders=np.array(holders, np.int64),
        licensees=np.array(licensees, np.int64),
        labels=labels,
    )
