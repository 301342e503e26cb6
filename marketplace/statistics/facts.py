"""The facts that figures are sums of, computed whole from the database; never corrected in place.

Population: patents with at least one verified announced offer, now or earlier. Those without a patentee in
`REGION` are kept apart (`in_region`). A re-declaration adds a spell, not a patent, and restarts no clock.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts.models import Organisation
from marketplace.accounts.past import Past
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import last_id
from marketplace.core.lazily import Lazily
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice, Obligation
from marketplace.deals.negotiated.services import held_back
from marketplace.deals.rules import recordal_deadline
from marketplace.demands.models import Recommendation
from marketplace.listings.models import Offer, Patent, PatentClass, PatentFact, PatentParty

from . import dimensions
from .columns import (
    DIMENSIONS,
    EXIT_REASONS,
    NEVER,
    SIDE_STAGES,
    STAGES,
    UNKNOWN,
    Array,
    Facts,
    Licences,
    Patents,
    Spells,
    arrays,
    assemble,
    day_number,
    to_day,
)
from .models import Activity, FactColumn, FactsAsOf
from .reading import Day, LegalDay, read

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

_ANNOUNCED_ONCE = ("announced", "withdrawal_filed", "withdrawn", "revoked", "lapsed")
_ENDED = ("terminated", "invalidated", "expired")
# Activity changes facts without an entry in the journal, so they are renewed now and then regardless.
RENEW_AFTER = dt.timedelta(minutes=10)
_LABELS = "labels"


@dataclass(frozen=True)
class Computed:
    """The facts, and how many open licences no figure may count."""

    facts: Facts
    left_out: int


# --- kept in the database


def rebuild() -> FactsAsOf:
    """Compute the facts from nothing and put them in place of the old ones (outside a unit of work).

    Returns:
        The mark of the facts that now stand; another worker's, if those are newer.
    """
    # The position is read first: what is loaded afterwards is at least as new.
    journal_id, computed_at, as_of = last_id(), clock.now(), clock.today()
    computed = compute(current_app.config["SETTINGS"].region, as_of)
    licences, licences_up_to = _open_after(0)
    rows = _packed(computed.facts)
    with unit_of_work():
        mark = db.session.get(FactsAsOf, 1, with_for_update=True, populate_existing=True)
        if mark is not None and mark.journal_id > journal_id:
            return mark
        if mark is None:
            mark = FactsAsOf(one=1)
            db.session.add(mark)
        mark.journal_id, mark.computed_at, mark.as_of = journal_id, computed_at, as_of
        mark.build, mark.left_out = uuid.uuid4().hex, computed.left_out
        mark.licences, mark.licences_up_to = licences, licences_up_to
        db.session.flush()
        db.session.execute(sa.delete(FactColumn))
        db.session.execute(sa.insert(FactColumn), rows)
    return mark


def open_licences() -> int:
    """How many open licences were ever taken: as counted with the facts, and those that came since then.

    Counting a million of them at every visit of a page would take longer than the page.
    """
    mark = db.session.execute(sa.select(FactsAsOf.licences, FactsAsOf.licences_up_to)).first()
    if mark is None or mark.licences is None or mark.licences_up_to is None:
        return _open_after(0)[0]
    known: int = mark.licences
    return known + _open_after(mark.licences_up_to)[0]


def _open_after(key: int) -> tuple[int, int]:
    """The open licences with an id above `key`, and the highest id of them."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(Licence.id), key))
    count, last = db.session.execute(query.where(Licence.kind == "open", Licence.id > key)).one()
    return count, last


def refresh() -> None:
    """Rebuild if the journal moved, a new day began or the facts are ten minutes old (a schedule)."""
    mark = db.session.execute(sa.select(FactsAsOf.journal_id, FactsAsOf.as_of, FactsAsOf.computed_at)).first()
    if (
        mark is None
        or mark.journal_id != last_id()
        or mark.as_of != clock.today()
        or clock.now() - mark.computed_at > RENEW_AFTER
    ):
        rebuild()


def load() -> Facts:
    """The facts as they are kept. Raises `KeyError` when none were ever computed."""
    content = {
        row.name: zlib.decompress(row.content)
        for row in db.session.execute(sa.select(FactColumn.name, FactColumn.content))
    }
    labels = json.loads(content.pop(_LABELS))
    return assemble(
        {name: np.load(io.BytesIO(packed), allow_pickle=False) for name, packed in content.items()}, labels
    )


def _packed(facts: Facts) -> list[dict[str, Any]]:
    """Rows of `FactColumn`: equal facts give equal bytes."""
    content = {_LABELS: json.dumps(facts.labels, ensure_ascii=False).encode()}
    for name, array in arrays(facts).items():
        out = io.BytesIO()
        np.save(out, array, allow_pickle=False)
        content[name] = out.getvalue()
    return [{"name": name, "content": zlib.compress(packed, 1)} for name, packed in content.items()]


# --- from the rows


def compute(region: str, today: dt.date) -> Computed:
    """All facts as of `today`, from the database; reads only.

    Args:
        region: GB/T 2260 code of the region whose patents the figures count.
    """
    offers = _offers(today)
    first = _first_of_each(offers["patent_id"])
    # Patents stand in the order of their first announcement, then of their ids.
    order = np.lexsort((offers["patent_id"][first], offers["announced_on"][first]))
    first = first[order]
    place_of = _Places(offers["patent_id"][first])
    patent_of_offer = place_of(offers["patent_id"])
    announced = offers["announced_on"][first]
    holders, holder = np.unique(offers["holder_id"][first], return_inverse=True)

    taken, ids, left_out = _licences(place_of, announced, today)
    licensees, licensee = np.unique(ids, return_inverse=True)
    pairs = holder[taken["patent"]].astype(np.int64) * (len(licensees) + 1) + licensee
    open_, ordinary = (
        _table(taken, licensee, pairs, chosen) for chosen in (~taken["ordinary"], taken["ordinary"])
    )

    owners = _owners(place_of, announced, region)
    symbols = _main_symbols(place_of)
    labels, groups = {}, []
    for dimension, values in _dimensions(offers, first, owners, symbols).items():
        labels[dimension], line = _coded(values)
        groups.append(line)
    return Computed(
        Facts(
            patents=Patents(
                id=offers["patent_id"][first],
                offer_id=offers["id"][first],
                holder=holder.astype(np.int32),
                announced=announced,
                in_region=owners.local,
                reached=_reached(place_of, patent_of_offer, offers, open_, announced, today),
                groups=np.stack(groups),
            ),
            spells=_spells(patent_of_offer, offers),
            open=open_,
            ordinary=ordinary,
            holders=holders,
            licensees=licensees,
            labels=labels,
        ),
        left_out,
    )


class _Places:
    """Where each patent of the population stands, by its id."""

    def __init__(self, ids: Array) -> None:
        self._sorter = np.argsort(ids)
        self._sorted = ids[self._sorter]

    def __call__(self, ids: Array) -> Array:
        """The places of these patents, -1 for one that is not of the population."""
        if not len(self._sorted):
            return np.full(len(ids), -1, np.int32)
        at = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        return np.where(self._sorted[at] == ids, self._sorter[at], -1).astype(np.int32)

    def __len__(self) -> int:
        return len(self._sorted)


def _first_of_each(keys: Array) -> Array:
    """Where each key first stands, in the order of the keys."""
    return np.unique(keys, return_index=True)[1]


def _coded(values: Sequence[str | None]) -> tuple[tuple[str, ...], Array]:
    """Values as places among their codes, which are in order, UNKNOWN last."""
    codes = (*sorted({value for value in set(values) if value is not None} - {UNKNOWN}), UNKNOWN)
    place = {code: number for number, code in enumerate(codes)} | {None: len(codes) - 1}
    return codes, np.fromiter(map(place.__getitem__, values), np.int16, len(values))


def _sorted(rows: dict[str, Array], *by: str) -> dict[str, Array]:
    """Rows in the order of these columns, the first one first."""
    order = np.lexsort([rows[name] for name in reversed(by)])
    return {name: column[order] for name, column in rows.items()}


def _offers(today: dt.date) -> dict[str, Array]:
    """Verified announced offers, the first announced one first; `end` and `reason` of each."""
    ended = (
        sa.select(PatentFact.patent_id, sa.func.min(PatentFact.as_of).label("patent_ended_on"))
        .where(PatentFact.name == "legal_status", PatentFact.value.in_(_ENDED))
        .group_by(PatentFact.patent_id)
        .subquery()
    )
    query = (
        sa.select(
            Offer.id,
            Offer.patent_id,
            Offer.holder_id,
            *(
                Day(column).label(column.key)
                for column in (
                    Offer.announced_on,
                    Offer.withdrawn_on,
                    Offer.revoked_on,
                    Offer.term_to,
                    Patent.expires_on,
                    ended.c.patent_ended_on,
                    Offer.lapsed_on,
                )
            ),
            Offer.fee_form,
            sa.case((Offer.fee_minor == 0, True), else_=False).label("no_fee"),
            Patent.kind,
        )
        .join(Patent, Patent.id == Offer.patent_id)
        .outerjoin(ended, ended.c.patent_id == Offer.patent_id)
        .where(
            Offer.evidence == "verified",
            Offer.status.in_(_ANNOUNCED_ONCE),
            Offer.announced_on <= today,
        )
    )
    found = _sorted(read(query), "announced_on", "id")
    found["end"], found["reason"] = _ends(found)
    return found


# The end of an announcement takes effect on the day it is announced, so on that day the offer is no longer
# in force; terms and patents end on the day after their last day.
_CAUSES = (
    ("withdrawn_on", 0, "withdrawn"),
    ("revoked_on", 0, "revoked"),
    ("term_to", 1, "term_over"),
    ("expires_on", 1, "patent_ended"),
    ("patent_ended_on", 0, "patent_ended"),
    ("lapsed_on", 0, "patent_ended"),
)


def _ends(offers: dict[str, Array]) -> tuple[Array, Array]:
    """On which day each offer ended or will end, and why; on equal days the first cause is the reason."""
    days = np.stack(
        [np.where(offers[name] == NEVER, NEVER, offers[name] + later) for name, later, _ in _CAUSES]
    ).astype(np.int32)
    which = np.argmin(days, axis=0)
    end = days.min(axis=0)
    reasons = np.array([EXIT_REASONS.index(reason) for *_, reason in _CAUSES], np.int8)
    return (
        np.where(end == NEVER, NEVER, np.maximum(end, offers["announced_on"])).astype(np.int32),
        np.where(end == NEVER, -1, reasons[which]).astype(np.int8),
    )


Spell = tuple[int, int, int]


def _spells(patent: Array, offers: dict[str, Array]) -> Spells:
    """The spells of all patents; only of those that were offered several times any need be joined."""
    order = np.lexsort((offers["end"], offers["announced_on"], patent))
    patent, start, end, reason = (
        patent[order], offers["announced_on"][order], offers["end"][order], offers["reason"][order],
    )  # fmt: skip
    again = np.flatnonzero(np.bincount(patent, minlength=1) > 1)
    kept = ~np.isin(patent, again)
    joined = [
        (place, *spell)
        for place in again
        for spell in merge(
            zip(*(column[slice(*np.searchsorted(patent, (place, place + 1)))].tolist()
                  for column in (start, end, reason)), strict=True)
        )
    ]  # fmt: skip
    more = np.array(joined, np.int64).reshape(-1, 4)
    columns = [
        np.concatenate([column[kept], more[:, number].astype(column.dtype)])
        for number, column in enumerate((patent, start, end, reason))
    ]
    last = np.lexsort((columns[1], columns[0]))
    return Spells(*(column[last] for column in columns))


def merge(spells: Iterable[Spell]) -> list[Spell]:
    """Spells in order of time, overlapping ones joined: while one is in force the end of another is none.

    Args:
        spells: each as the day of its start, that of its end (NEVER without one), and its reason.
    """
    merged: list[Spell] = []
    for start, end, reason in sorted(spells, key=lambda spell: spell[:2]):
        if merged:
            before_start, before_end, before_reason = merged[-1]
            if start < before_end:
                later = end > before_end
                merged[-1] = (
                    before_start,
                    end if later else before_end,
                    reason if later else before_reason,
                )
                continue
        merged.append((start, end, reason))
    return merged


@dataclass(frozen=True)
class _Owners:
    """Per patent: whether an owner is of the region, and type and district of the leading owner.

    That is the first owner of the region, else the first owner, as it was when the patent was announced.
    """

    local: Array
    type: list[str]
    district: list[str | None]


def _owners(place_of: _Places, announced: Array, region: str) -> _Owners:
    query = (
        sa.select(
            PatentParty.patent_id,
            PatentParty.organisation_id,
            PatentParty.position,
            PatentParty.region,
            Organisation.region.label("home"),
            Organisation.type,
        )
        .join(Organisation, Organisation.id == PatentParty.organisation_id)
        .where(PatentParty.patent_id.in_(sa.select(Offer.patent_id).where(Offer.evidence == "verified")))
    )
    found = _sorted(read(query), "patent_id", "position")
    place = place_of(found["patent_id"])
    types, regions = Past("type"), Past("region")
    changed = [*types.organisations, *regions.organisations]
    for row in np.flatnonzero(np.isin(found["organisation_id"], changed)):
        if place[row] >= 0:
            day, owner = to_day(announced[place[row]]), int(found["organisation_id"][row])
            found["type"][row] = types.on(owner, day, found["type"][row])
            found["home"][row] = regions.on(owner, day, found["home"][row])
    where = [own or home for own, home in zip(found["region"], found["home"], strict=True)]
    inside = {code: dimensions.in_region(code, region) for code in set(where)}
    local = np.fromiter((inside[code] for code in where), np.bool_, len(where))

    leading = np.full(len(place_of), -1)
    # Written from the last to the first, first all owners, then those of the region: what is written last
    # stays.
    for rows in (np.flatnonzero(place >= 0), np.flatnonzero((place >= 0) & local)):
        leading[place[rows[::-1]]] = rows[::-1]
    of_region = np.zeros(len(place_of), np.bool_)
    of_region[place[(place >= 0) & local]] = True
    return _Owners(
        of_region,
        [found["type"][row] if row >= 0 else UNKNOWN for row in leading],
        [dimensions.district_of(where[row]) if row >= 0 else None for row in leading],
    )


def _main_symbols(place_of: _Places) -> list[str | None]:
    query = sa.select(PatentClass.patent_id, PatentClass.symbol).where(
        PatentClass.position == 0,
        PatentClass.patent_id.in_(sa.select(Offer.patent_id).where(Offer.evidence == "verified")),
    )
    rows = read(query)
    found: list[str | None] = [None] * len(place_of)
    for place, symbol in zip(place_of(rows["patent_id"]), rows["symbol"], strict=True):
        if place >= 0:
            found[place] = symbol
    return found


def _dimensions(
    offers: dict[str, Array], first: Array, owners: _Owners, symbols: Sequence[str | None]
) -> dict[str, Sequence[str | None]]:
    """Dimension → the group of each patent, in the order of DIMENSIONS."""
    split = {symbol: dimensions.places_of(symbol) for symbol in set(symbols)}
    industry = {symbol: dimensions.industry_of(symbol) for symbol in split}
    found: dict[str, Sequence[str | None]] = {
        "district": owners.district,
        "ipc_section": [split[symbol][0] for symbol in symbols],
        "ipc_class": [split[symbol][1] for symbol in symbols],
        "ipc_subclass": [split[symbol][2] for symbol in symbols],
        "industry": [industry[symbol] for symbol in symbols],
        "owner_type": owners.type,
        "fee_form": [
            fee_form_of(form, no_fee=no_fee)
            for form, no_fee in zip(offers["fee_form"][first], offers["no_fee"][first], strict=True)
        ],
        "kind": offers["kind"][first].tolist(),
    }
    return {dimension: found[dimension] for dimension in DIMENSIONS}


def fee_form_of(form: str | None, *, no_fee: bool) -> str:
    """The price form that is counted: a fixed fee of zero is free; `unknown` when none is on record."""
    if form == "fixed" and no_fee:
        return "free"
    return form or UNKNOWN


# --- what was reached


def _reached(
    place_of: _Places,
    patent_of_offer: Array,
    offers: dict[str, Array],
    licences: Licences,
    announced: Array,
    today: dt.date,
) -> Array:
    """The first day of each stage of STAGES and SIDE_STAGES, one line per stage."""
    lines = {stage: np.full(len(place_of), NEVER, np.int32) for stage in (*STAGES, *SIDE_STAGES)}
    offer_places = _Places(offers["id"])

    def earlier(stage: str, places: Array, days: Array) -> None:
        counted = (places >= 0) & (days <= day_number(today))
        np.minimum.at(lines[stage], places[counted], days[counted])

    def by_offer(stage: str, offer_ids: Array, days: Array) -> None:
        at = offer_places(offer_ids)
        earlier(stage, np.where(at >= 0, patent_of_offer[at], -1), days)

    lines["announced"][:] = announced
    for stage, query in _firsts().items():
        first = read(query)
        by_offer(stage, first["offer_id"], first["day"])
    activity = read(
        sa.select(Activity.kind, Activity.offer_id, Day(sa.func.min(Activity.day)).label("day")).group_by(
            Activity.kind, Activity.offer_id
        )
    )
    kinds, offer_ids, days = activity.values()
    for stage in ("shown", "opened", *SIDE_STAGES):
        of_kind = kinds == stage
        by_offer(stage, offer_ids[of_kind], days[of_kind])
    for stage, column in (
        ("notice", "notice"), ("paid", "paid"), ("in_effect", "effective"), ("recorded", "recorded"),
    ):  # fmt: skip
        earlier(stage, licences.patent, getattr(licences, column))
    return np.stack(list(lines.values()))


def _firsts() -> dict[str, sa.Select[*tuple[Any, ...]]]:
    """Stage → offers and the first day on which they reached it (`offer_id`, `day`)."""

    def first(offer_id: Any, instant: Any) -> sa.Select[tuple[int, int]]:
        return sa.select(offer_id, LegalDay(sa.func.min(instant)).label("day")).group_by(offer_id)

    answered = first(Recommendation.offer_id, Recommendation.changed_at)
    return {
        "notice": first(Notice.offer_id, Notice.served_at).where(Notice.served_at.is_not(None)),
        "paid": first(Notice.offer_id, Obligation.paid_at)
        .join(Obligation, Obligation.notice_id == Notice.id)
        .where(Obligation.paid_at.is_not(None)),
        "recommended": first(Recommendation.offer_id, Recommendation.shown_at).where(
            Recommendation.shown_at.is_not(None)
        ),
        **{state: answered.where(Recommendation.state == state) for state in ("contacted", "passed")},
    }


# --- licences

_LICENCE_DAYS = {
    "notice": "notice_on", "paid": "paid_on", "effective": "effective_on", "term_to": "term_to",
    "ended": "ended_on", "due": "recordal_due_on", "filed": "recordal_filed_on", "recorded": "recorded_on",
}  # fmt: skip


def _licences(place_of: _Places, announced: Array, today: dt.date) -> tuple[dict[str, Array], Array, int]:
    """Columns of the licences on patents of the population, their licensees, how many open ones are left out.

    An open licence cannot take effect before the announcement (PL 50, 51): such a row is a fault of its
    source, so it is left out and said to be so. Licences from a day still to come are not in effect yet.
    """
    query = sa.select(
        Licence.id,
        Licence.patent_id,
        Licence.licensee_id,
        (Licence.kind == "ordinary").label("ordinary"),
        sa.func.coalesce(Licence.amount_minor, 0).label("amount"),
        (Licence.currency == "CNY").label("yuan"),
        *(Day(getattr(Licence, column)).label(name) for name, column in _LICENCE_DAYS.items()),
    ).where(Licence.effective_on <= today, ~held_back())
    found = _sorted(read(query), "effective", "id")
    found["patent"] = place_of(found.pop("patent_id"))
    known = found["patent"] >= 0
    before = np.zeros(len(known), np.bool_)
    before[known] = found["effective"][known] < announced[found["patent"][known]]
    counted = known & (found["ordinary"] | ~before)
    left_out = int(np.count_nonzero(~counted & ~found["ordinary"]))
    found = {name: column[counted] for name, column in found.items()}
    found["last_day"] = np.minimum(found.pop("term_to"), found.pop("ended"))
    undated = np.flatnonzero(found["due"] == NEVER)
    days, which = np.unique(found["effective"][undated], return_inverse=True)
    due = [day_number(recordal_deadline(to_day(day)).date) for day in days]
    found["due"][undated] = np.array(due, np.int32)[which]
    found["filed"] = np.where(found["filed"] == NEVER, found["recorded"], found["filed"])
    return found, found.pop("licensee_id"), left_out


def _table(found: dict[str, Array], licensee: Array, pairs: Array, chosen: Array) -> Licences:
    """The chosen ones of the licences that were found."""
    pair = np.unique(pairs[chosen], return_inverse=True)[1]
    columns = {name: column[chosen] for name, column in found.items() if name != "ordinary"}
    return Licences(**columns, licensee=licensee[chosen].astype(np.int32), pair=pair.astype(np.int32))
