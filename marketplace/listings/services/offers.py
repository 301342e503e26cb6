"""Declarations: drafting, the way to the office and back, and their end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.lifecycle import Transition
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings import declared, rules
from marketplace.listings.consents import price_notices, standing
from marketplace.listings.consents import services as consents
from marketplace.listings.duties import latest_event, raise_or_clear_duty
from marketplace.listings.lifecycle import OFFER, offer_terms, patent_view, sentences, term_faults
from marketplace.listings.models import IN_FORCE, Offer, Patent

# Import column → attribute, for what a declaration says.
TERM_COLUMNS = {
    "fee_form": "fee_form",
    "fee": "fee_minor",
    "rate": "rate_percent",
    "rate_base": "rate_base",
    "payment_text": "payment_text",
    "fee_explanation": "fee_explanation",
    "channels": "channels",
    "instalments": "instalments",
    "term_from": "term_from",
    "term_to": "term_to",
    "contact": "contact",
    "not_included": "not_included",
    "source": "source",
}

_LISTS = ("channels", "instalments")
Values = Mapping[str, Any]
Outcome = Literal["created", "updated", "unchanged"]


# --- reading


def get_offer(actor: Actor, offer_id: int | str) -> Offer:
    """One offer that this actor may see.

    Raises:
        NotFound: `offer-not-found`, also for somebody else's draft.
    """
    number = int(offer_id) if str(offer_id).isdecimal() and len(str(offer_id)) < 19 else None
    offer = db.session.get(Offer, number) if number is not None else None
    if offer is None or not allowed(actor, "offer.see", offer).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    return offer


def offered(actor: Actor, offer: Offer) -> list[Transition]:
    """What this actor may do with the offer now."""
    found = OFFER.offered(actor, offer)
    if _is_agency(actor, offer) and any(transition.action == "file" for transition in found):
        try:
            standing.check_all_signed(offer)
        except Conflict:
            return [transition for transition in found if transition.action != "file"]
    return found


def _is_agency(actor: Actor, offer: Offer) -> bool:
    """Whether the actor does it by a power of attorney (which `offer.file` has found in force today)."""
    return actor.user_id is not None and not actor.is_operator and offer.holder_id not in actor.own


def own_offers(
    actor: Actor, *, statuses: Sequence[str] = (), before: int | None = None, size: int = 50
) -> list[Offer]:
    """Offers of the organisations that the actor acts for (staff: of everybody), newest first.

    Args:
        statuses: only these; all when empty.
        before: the id of the last offer of the page before (keyset paging).
    """
    query = sa.select(Offer).order_by(Offer.id.desc()).limit(size)
    if not actor.is_staff:
        query = query.where(Offer.holder_id.in_(actor.holders))
    if statuses:
        query = query.where(Offer.status.in_(statuses))
    if before is not None:
        query = query.where(Offer.id < before)
    return list(db.session.scalars(query))


def awaiting_verification(*, size: int = 100) -> list[Offer]:
    """The operator's queue: announcements, also of withdrawals, that only the holder stated, oldest first."""
    return list(
        db.session.scalars(
            sa.select(Offer)
            .where(
                sa.or_(
                    sa.and_(Offer.status.in_(IN_FORCE), Offer.evidence == "holder_stated"),
                    sa.and_(Offer.status == "withdrawn", Offer.withdrawal_evidence == "holder_stated"),
                )
            )
            .order_by(Offer.id)
            .limit(size)
        )
    )


# --- drafting


def draft_offer(actor: Actor, patent: Patent, values: Values) -> Offer:
    """Begin a declaration on a patent.

    Args:
        values: converted import columns of offers (`fee` in 分, `rate` in per cent); may be incomplete.

    Raises:
        Invalid: `offer-invalid`: terms that the rules forbid, by field.
        Forbidden: the actor acts for none of the patentees.
    """
    require(actor, "offer.draft", patent)
    offer = Offer(
        patent=patent,
        holder=_holder_of(actor, patent),
        status=OFFER.initial,
        currency="CNY",
        channels=[],
        duty_bars=[],
        created_at=clock.now(),
    )
    _set_terms(offer, values)
    _refuse_faults(offer)
    db.session.add(offer)
    record("offer.drafted", offer, organisation_id=offer.holder_id, patent=patent.id)
    return offer


def edit_draft(actor: Actor, offer_id: int, values: Values) -> Offer:
    """Change a declaration that has not been filed; approvals and consent have to be given again.

    Raises:
        Conflict: `illegal-transition` once it is filed: withdraw and declare anew.
        Invalid: `offer-invalid`.
    """
    return act(actor, offer_id, "edit", values)


def _holder_of(actor: Actor, patent: Patent) -> Organisation:
    """The patentee that the actor acts for; for an operator the first one."""
    for party in patent.parties:
        if party.organisation_id in actor.holders:
            return party.organisation
    if not patent.parties:
        raise Invalid("patentee-missing", "The patent has no patentee yet.")
    return patent.parties[0].organisation


def _set_terms(offer: Offer, values: Values) -> None:
    for column, attribute in TERM_COLUMNS.items():
        if column in values:
            value = values[column]
            setattr(offer, attribute, list(value or ()) if column in _LISTS else value)
    if "payee" in values:
        offer.payee_account_name, offer.payee_bank, offer.payee_account = values["payee"] or (
            None,
            None,
            None,
        )
    if offer.fee_form == "free":
        offer.fee_minor = offer.fee_minor or None
    offer.rate_base = rules.rate_base_of(offer_terms(offer))


def _refuse_faults(offer: Offer) -> None:
    faults = term_faults(offer)
    if faults:
        raise Invalid(
            "offer-invalid", "Some terms of the offer cannot be declared.", fields=sentences(faults)
        )


def _complete_terms(offer: Offer) -> None:
    """Fill in what the declaration leaves to the holder's standing data: account, channels, wording."""
    payee = declared.payee_of(offer)
    if offer.payee_account is None and payee is not None:
        offer.payee_account_name, offer.payee_bank, offer.payee_account = payee
    offer.channels = declared.channels_of(offer)
    if not offer.payment_text and offer.fee_form is not None:
        offer.payment_text = declared.payment_text_of(offer)


# --- the way through the office


def act(actor: Actor, offer_id: int, action: str, values: Values | None = None) -> Offer:
    """Do one step of an offer's life.

    Args:
        action: an action of `lifecycle.OFFER`.
        values: what the action takes, converted: `file` filed_on, facts_confirmed; `announce`
            declaration_number and announced_on; `verify` source; `refuse` and `file_withdrawal` reason;
            `withdraw` withdrawn_on; `revoke` revoked_on, reason; `edit` the columns of an offer. Days default
            to today.

    Raises:
        NotFound, Unauthenticated, Forbidden: not this actor's to do.
        Conflict: `illegal-transition`, `offer-barred`, `owners-consent-missing`, `review-open`,
            `offer-in-force`, `declaration-number-taken`, `already-verified`.
        Invalid: `declaration-incomplete`, `offer-invalid`, `date-impossible`, with the fields.
    """
    patent_id = get_offer(actor, offer_id).patent_id
    lock(Patent, patent_id)
    offer = lock(Offer, int(offer_id))
    _act(actor, offer, action, values or {})
    return offer


def _act(actor: Actor, offer: Offer, action: str, values: Values) -> None:
    for first in OFFER.transitions:
        if first.action == action:
            require(actor, first.permission, offer)
            break
    OFFER.find(action, offer.status)
    step = _STEPS.get(action)
    on, effect, data = step(actor, offer, values) if step else (None, None, {})
    OFFER.execute(
        actor,
        offer,
        action,
        effect=effect,
        organisation_id=offer.holder_id,
        occurred_on=on,
        **data,
    )
    if action in ("announce", "verify", "withdraw", "revoke"):
        db.session.flush()
        raise_or_clear_duty(offer)


Step = tuple[dt.date | None, Callable[[], None] | None, dict[str, Any]]


def _edit(actor: Actor, offer: Offer, values: Values) -> Step:
    def effect() -> None:
        _set_terms(offer, values)
        _refuse_faults(offer)
        offer.approved_on = offer.owners_agreed_on = offer.price_notice_from = None
        consents.void_all(actor, offer, unless=declared.terms_digest(offer))
        price_notices.void(actor, offer)

    return None, effect, {}


def _approve(_actor: Actor, offer: Offer, _values: Values) -> Step:
    def effect() -> None:
        offer.approved_on = clock.today()

    return None, effect, {}


def _discard(actor: Actor, offer: Offer, _values: Values) -> Step:
    def effect() -> None:
        consents.void_all(actor, offer)
        price_notices.void(actor, offer)

    return None, effect, {}


def _start_price_notice(_actor: Actor, offer: Offer, _values: Values) -> Step:
    def effect() -> None:
        offer.price_notice_from = clock.today()
        price_notices.begin(offer)

    return None, effect, {}


def _ready(_actor: Actor, offer: Offer, _values: Values) -> Step:
    owners = len(offer.patent.parties)
    signed = owners > 1 and standing.in_writing(offer)

    def effect() -> None:
        # Where no co-owner was asked here, marking it ready is the holder's statement that all of them agree
        # (PL 14, GL V-11 §3.2); else the guard has seen their consents.
        if owners > 1:
            offer.owners_agreed_on = clock.today()
        _complete_terms(offer)

    return None, effect, {"owners": owners} | ({"signed": True} if signed else {})


def _file(actor: Actor, offer: Offer, values: Values) -> Step:
    agency = _is_agency(actor, offer)
    if agency:
        standing.check_all_signed(offer)
    on = _day(values, "filed_on", not_before=offer.patent.grant_date)
    # IR 88: the undertaking covers also what was looked up long ago; the entry keeps which facts these were.
    stale = rules.eligibility(patent_view(offer.patent), clock.today()).stale_facts
    if stale and values.get("facts_confirmed") is False:
        raise Conflict(
            "facts-stale",
            "Some facts were looked up long ago (%(facts)s). Confirm that they hold, or check them again.",
            facts=", ".join(stale),
        )

    def effect() -> None:
        offer.filed_on, offer.filing_receipt = on, values.get("filing_receipt")
        _complete_terms(offer)

    data: dict[str, Any] = {"confirmed": list(stale)} if stale else {}
    return on, effect, data | ({"agency": actor.organisation_id} if agency else {})


def _reopen(_actor: Actor, offer: Offer, _values: Values) -> Step:
    def effect() -> None:
        offer.filed_on = None

    return None, effect, {}


def _announce(actor: Actor, offer: Offer, values: Values) -> Step:
    on = _day(values, "announced_on", not_before=offer.filed_on or offer.patent.grant_date)
    number = (values.get("declaration_number") or "").strip()
    if not number:
        message = gettext("The number of the declaration is missing.")
        raise Invalid("value-missing", "A value is missing.", fields={"declaration_number": [message]})
    evidence = "verified" if actor.is_operator else "holder_stated"

    def effect() -> None:
        _refuse_second(offer, number)
        offer.declaration_number, offer.announced_on, offer.evidence = number, on, evidence
        if evidence == "verified":
            offer.verified_source = values.get("source") or "operator"
        _complete_terms(offer)

    return on, effect, {"evidence": evidence}


def _verify(_actor: Actor, offer: Offer, values: Values) -> Step:
    if offer.status == "withdrawn":
        on = values.get("withdrawn_on") and _day(values, "withdrawn_on", not_before=offer.announced_on)

        def verified() -> None:
            offer.withdrawal_evidence, offer.withdrawn_on = "verified", on or offer.withdrawn_on

        return on or offer.withdrawn_on, verified, {"evidence": "verified"}

    def effect() -> None:
        offer.evidence = "verified"
        offer.verified_source = values.get("source") or "operator"

    return None, effect, {"evidence": "verified"}


def _refuse(_actor: Actor, offer: Offer, values: Values) -> Step:
    def effect() -> None:
        offer.refused_reason = values.get("reason")

    return None, effect, {}


def _file_withdrawal(_actor: Actor, offer: Offer, values: Values) -> Step:
    on = _day(values, "filed_on", not_before=offer.announced_on)
    # What CNIPA has announced was agreed to, whatever was asked here.
    if not values.get("announced"):
        standing.check_withdrawal(offer, values.get("reason"))
    asked = standing.consents_of(offer, "withdrawal")

    def effect() -> None:
        offer.withdrawal_filed_on = on
        offer.withdrawal_reason = values.get("reason") or standing.ground_of(asked)

    return on, effect, {}


def _withdraw(actor: Actor, offer: Offer, values: Values) -> Step:
    # It takes effect on the day of its announcement (GL V-11 §4). A holder's word may not reach back behind
    # what others have done in trust of the offer; what the gazette shows is taken as it is.
    evidence = "verified" if actor.is_operator else "holder_stated"
    earliest = offer.announced_on if actor.is_operator else latest_event(offer)
    on = _day(values, "withdrawn_on", not_before=earliest)
    if offer.status == "lapsed" and offer.lapsed_on is not None and on >= offer.lapsed_on:
        raise Conflict("offer-over", "The offer had come to its end before that day.")

    def effect() -> None:
        offer.withdrawn_on, offer.withdrawal_evidence = on, evidence
        offer.lapsed_on = None
        if values.get("reason"):
            offer.withdrawal_reason = values["reason"]

    return on, effect, {"evidence": evidence}


def _revoke(_actor: Actor, offer: Offer, values: Values) -> Step:
    on = _day(values, "revoked_on", not_before=offer.announced_on)

    def effect() -> None:
        offer.revoked_on = on
        if values.get("reason"):
            offer.withdrawal_reason = values["reason"]

    return on, effect, {}


_STEPS: dict[str, Callable[[Actor, Offer, Values], Step]] = {
    "edit": _edit,
    "discard": _discard,
    "reopen": _reopen,
    "approve": _approve,
    "start_price_notice": _start_price_notice,
    "ready": _ready,
    "file": _file,
    "announce": _announce,
    "verify": _verify,
    "refuse": _refuse,
    "file_withdrawal": _file_withdrawal,
    "withdraw": _withdraw,
    "revoke": _revoke,
}


def _day(values: Values, name: str, *, not_before: dt.date | None) -> dt.date:
    """A legal date that lies in the past or is today, and not before what must have come first."""
    day: dt.date = values.get(name) or clock.today()
    if day > clock.today():
        message = gettext("This day lies in the future.")
    elif not_before is not None and day < not_before:
        message = gettext("This cannot have happened before %(date)s.", date=not_before.isoformat())
    else:
        return day
    raise Invalid("date-impossible", "This date is not possible.", fields={name: [message]})


def _refuse_second(offer: Offer, declaration_number: str | None) -> None:
    """One declaration number names one offer, and one patent has one offer in force."""
    with db.session.no_autoflush:
        taken = declaration_number is not None and db.session.scalar(
            sa.select(Offer.id).where(
                Offer.declaration_number == declaration_number, Offer.id.is_distinct_from(offer.id)
            )
        )
        second = db.session.scalar(
            sa.select(Offer.id).where(
                Offer.patent_id == offer.patent_id,
                Offer.status.in_(IN_FORCE),
                Offer.id.is_distinct_from(offer.id),
            )
        )
    if taken:
        raise Conflict("declaration-number-taken", "Another offer has this declaration number.")
    if second:
        raise Conflict(
            "offer-in-force",
            "Another declaration on this patent is in force: its withdrawal has to come first.",
            offer=str(second),
        )


# --- announced elsewhere: gazette lists and holders' lists


def announced_elsewhere(
    actor: Actor, patent: Patent, holder: Organisation, values: Values, digest: str
) -> tuple[Offer, Outcome]:
    """Record an announced declaration from a list; repeating changes nothing.

    Verified when an operator brings it, else holder-stated. A bar does not stop it: it was announced; the
    duty to withdraw is raised at once.

    Args:
        values: converted import columns of offers; `announced_on` and `fee_form` are there.
        digest: of the row, to tell repetition from change.

    Returns:
        The offer and `created`, `updated` or `unchanged`.

    Raises:
        Invalid: `offer-invalid`, `date-impossible`.
        Conflict: `offer-in-force`, `declaration-number-taken`, `terms-fixed` for other terms of an offer
            that was verified.
    """
    require(actor, "offer.import")
    lock(Patent, patent.id)
    if actor.is_operator and values.get("declaration_number"):
        _free_number(patent, values["declaration_number"])
    offer = _find_announced(patent, values)
    if offer is None:
        return _announce_new(actor, patent, holder, values, digest), "created"
    offer = lock(Offer, offer.id)
    require(actor, "offer.edit", offer)
    if offer.patent_id != patent.id:
        raise Conflict("declaration-number-taken", "Another offer has this declaration number.")
    verifies = actor.is_operator and offer.evidence != "verified"
    if offer.digest == digest and not verifies:
        return offer, "unchanged"
    if offer.status == "filed":
        _set_announced_terms(offer, values, digest)
        _act(actor, offer, "announce", {**values, "source": _source(values)})
        return offer, "updated"
    if offer.evidence == "verified":
        raise Conflict(
            "terms-fixed",
            "The terms of an announced offer cannot be changed: it has to be withdrawn and declared anew.",
        )
    if offer.digest != digest:
        _set_announced_terms(offer, values, digest)
        offer.announced_on = values["announced_on"]
        offer.declaration_number = values.get("declaration_number") or offer.declaration_number
        if not verifies:
            record("offer.edited", offer, organisation_id=offer.holder_id, occurred_on=offer.announced_on)
    if verifies:
        if offer.status in IN_FORCE:
            _act(actor, offer, "verify", {"source": _source(values)})
        else:
            offer.evidence, offer.verified_source = "verified", _source(values)
            record("offer.verified", offer, organisation_id=offer.holder_id, evidence="verified")
    return offer, "updated"


def _find_announced(patent: Patent, values: Values) -> Offer | None:
    number = values.get("declaration_number")
    if number:
        found = db.session.scalar(sa.select(Offer).where(Offer.declaration_number == number))
        if found is not None:
            return found
    query = sa.select(Offer).where(Offer.patent_id == patent.id)
    filed = db.session.scalar(query.where(Offer.status == "filed").order_by(Offer.id).limit(1))
    if filed is not None:
        return filed
    if number:
        # What a holder stated about the offer in force may name it wrongly; a list of that day corrects it.
        return db.session.scalar(
            query.where(
                Offer.status.in_(IN_FORCE),
                Offer.evidence == "holder_stated",
                Offer.announced_on <= values["announced_on"],
            )
        )
    return db.session.scalar(
        query.where(Offer.announced_on == values["announced_on"]).order_by(Offer.id).limit(1)
    )


def _free_number(patent: Patent, number: str) -> None:
    """Take a number from another patent's offer whose holder only stated it: the gazette knows better."""
    stated = db.session.scalar(
        sa.select(Offer.id).where(
            Offer.declaration_number == number,
            Offer.patent_id != patent.id,
            Offer.evidence == "holder_stated",
        )
    )
    if stated is not None:
        offer = lock(Offer, stated)
        offer.declaration_number = None
        record("offer.edited", offer, organisation_id=offer.holder_id)


def _source(values: Values) -> str:
    return values.get("source") or "import"


def _set_announced_terms(offer: Offer, values: Values, digest: str) -> None:
    _set_terms(offer, values)
    faults = rules.form_faults(offer_terms(offer))
    if faults:
        raise Invalid(
            "offer-invalid", "Some terms of the offer cannot be declared.", fields=sentences(faults)
        )
    offer.digest = digest


def _announce_new(actor: Actor, patent: Patent, holder: Organisation, values: Values, digest: str) -> Offer:
    on = _day(values, "announced_on", not_before=patent.grant_date)
    evidence = "verified" if actor.is_operator else "holder_stated"
    offer = Offer(
        patent=patent,
        patent_id=patent.id,
        holder=holder,
        holder_id=holder.id,
        status="announced",
        evidence=evidence,
        verified_source=_source(values) if evidence == "verified" else None,
        declaration_number=values.get("declaration_number"),
        announced_on=on,
        currency="CNY",
        channels=[],
        duty_bars=[],
        created_at=clock.now(),
    )
    _set_announced_terms(offer, values, digest)
    _refuse_second(offer, offer.declaration_number)
    _complete_terms(offer)
    db.session.add(offer)
    record(
        "offer.announced",
        offer,
        organisation_id=holder.id,
        occurred_on=on,
        evidence=evidence,
        patent=patent.id,
    )
    raise_or_clear_duty(offer)
    return offer


def withdrawn_elsewhere(
    actor: Actor, declaration_number: str, withdrawn_on: dt.date, reason: str | None = None
) -> tuple[Offer, Outcome]:
    """Record an announced withdrawal from a list; repeating changes nothing.

    Returns:
        The offer and `updated` or `unchanged`.

    Raises:
        NotFound: `declaration-unknown`.
        Conflict: `illegal-transition`, `withdrawn-otherwise` when another day is recorded.
    """
    found = db.session.scalar(sa.select(Offer).where(Offer.declaration_number == declaration_number))
    if found is None or not allowed(actor, "offer.see", found).allowed:
        raise NotFound("declaration-unknown", "No offer has this declaration number.")
    lock(Patent, found.patent_id)
    offer = lock(Offer, found.id)
    require(actor, "offer.withdraw", offer)
    if offer.status == "withdrawn":
        if actor.is_operator and offer.withdrawal_evidence == "holder_stated":
            _act(actor, offer, "verify", {"withdrawn_on": withdrawn_on})
            return offer, "updated"
        if offer.withdrawn_on == withdrawn_on:
            return offer, "unchanged"
        raise Conflict(
            "withdrawn-otherwise",
            "The withdrawal is recorded for another day (%(date)s).",
            date=offer.withdrawn_on.isoformat() if offer.withdrawn_on else "",
        )
    if offer.status == "announced" and not actor.is_operator:
        _act(actor, offer, "file_withdrawal", {"reason": reason, "filed_on": withdrawn_on, "announced": True})
    _act(actor, offer, "withdraw", {"withdrawn_on": withdrawn_on, "reason": reason})
    return offer, "updated"
