"""A bundle: one confirmation, and a written notice for each patent, each a legal act of its own.

The bundle is committed first, with every part waiting. Each notice is then prepared and served in a unit of
work of its own that also marks its part: whoever goes on after a crash finds each part either with its notice
or waiting, so no part ever gets two.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.accounts.services import actor_for
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Invalid, NotFound, Unauthenticated
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue, renew
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import notices, numbers
from marketplace.deals.clauses.services import chosen_of, clauses_of
from marketplace.deals.export_control.holding import require_exportable
from marketplace.deals.export_control.rules import MAINLAND, is_export

from . import basket
from .lifecycle import PART
from .models import Bundle, BundlePart
from .rules import MOST, problem_of, terms_digest

TASK: Final = "deals.serve_bundle"
PATIENCE: Final = dt.timedelta(seconds=30)  # whoever has confirmed is at work itself until then


def begin_bundle(
    actor: Actor,
    offer_ids: Sequence[int],
    use: str | None = None,
    contact: str | None = None,
    *,
    licensee_id: int | None = None,
    seat: str = MAINLAND,
    technology: Mapping[int, str] | None = None,
    terms: Mapping[int, str] | None = None,
    clauses: Mapping[int, Sequence[int]] | None = None,
) -> Bundle:
    """Confirm several notices at once, in the present unit of work; `serve_parts` then gives them.

    Until it has, the worker goes on by itself. What is taken up leaves the basket.

    Args:
        actor: anyone who acts for an organisation.
        offer_ids: which offers, at most `MOST`.
        use: what the licensee intends to do with the patents; it stands in every notice.
        contact: how the holders reach the licensee.
        licensee_id: for whom, when an agency acts under a mandate; by default the actor's own organisation.
        seat: where the licensee is seated, as an ISO 3166 code.
        technology: for a licensee seated abroad, offer → what it thinks applies to its technology.
        terms: offer → digest of the terms that the licensee has seen, where it has seen any.
        clauses: offer → ids of its holder's further clauses that the licensee accepts; none is ever needed.

    Raises:
        NotFound: `offer-not-found`, `clause-unknown`.
        Invalid: `bundle-empty`, `bundle-too-large`, `text-too-long`, `seat-unknown`,
            `technology-class-missing`.
        Conflict: `offer-changed`, when an offer's terms are not those that were seen; `clause-withdrawn`.
        Forbidden: the actor does not take licences for this licensee.
    """
    require(actor, "bundle.make")
    licensee = notices.licensee_for(actor, licensee_id)
    use = notices.clean_text(use, "use", notices.MAX_USE)
    contact = notices.clean_text(contact, "contact", notices.MAX_CONTACT)
    wanted = list(dict.fromkeys(offer_ids))
    if not wanted:
        raise Invalid("bundle-empty", "Please choose at least one offer.")
    if len(wanted) > MOST:
        raise Invalid("bundle-too-large", "At most %(most)s offers can be taken up in one go.", most=MOST)
    answers = dict(technology or {})
    taken: dict[int, list[int]] = {}
    looked = {one.offer.id: one for one in basket.look(licensee, wanted)}
    for key in wanted:
        if key not in looked:
            raise NotFound("offer-not-found", "There is no such offer.")
        if terms is not None and terms.get(key, looked[key].digest) != looked[key].digest:
            raise Conflict("offer-changed", "The offer has changed in this moment: please look at it again.")
        taken[key] = [one.id for one in chosen_of(key, (clauses or {}).get(key, ()))]
        with suppress(Conflict):  # banned technology: this part alone is refused
            require_exportable(looked[key].offer, seat, answers.get(key))
    bundle = Bundle(
        number=numbers.new_number(numbers.BUNDLE, clock.today()),
        licensee=licensee,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        use=use,
        contact=contact,
        seat=seat,
        created_at=clock.now(),
        parts=[
            BundlePart(
                offer=looked[key].offer,
                state=PART.initial,
                technology=answers.get(key) if is_export(seat) else None,
                terms_digest=looked[key].digest,
                clauses=taken[key],
            )
            for key in wanted
        ],
    )
    db.session.add(bundle)
    record("bundle.made", bundle, organisation_id=licensee.id, offers=wanted)
    if actor.organisation_id is not None:
        basket.take_out(actor.organisation_id, wanted)
    enqueue(TASK, key=str(bundle.id), delay=PATIENCE, bundle_id=bundle.id)
    return bundle


def serve_parts(
    actor: Actor, bundle_id: int, *, seconds: float | None = None, origin: str = "live"
) -> Bundle:
    """Give the notices of the parts that wait; opens a unit of work for each.

    A part that is refused keeps the reason and stops no other. Calling it again goes on where it stopped.

    Args:
        actor: the licensee's side.
        bundle_id: which.
        seconds: begin no further part after so long; the worker then goes on.
        origin: of the journal's entries.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    require(actor, "bundle.serve", _bundle(bundle_id))
    begun = time.monotonic()
    for key in _waiting(bundle_id):
        if seconds is not None and time.monotonic() - begun > seconds:
            break
        renew()
        _serve(actor, key, origin)
    return _bundle(bundle_id)


def retry_part(actor: Actor, bundle_id: int, offer_id: int, *, terms: str | None = None) -> BundlePart:
    """Let a refused part wait again, in the present unit of work; `serve_parts` then tries it.

    One that was refused for a clause that is no longer offered is tried without it.

    Args:
        actor: the licensee's side.
        bundle_id: which bundle.
        offer_id: which of its offers.
        terms: digest of the present terms that the licensee has seen now; without it, those agreed to
            first still hold.

    Raises:
        NotFound: no such bundle or part, or another party's.
        Conflict: `illegal-transition`, unless it was refused; `offer-changed`.
    """
    bundle = lock(Bundle, _bundle(bundle_id).id)
    require(actor, "bundle.serve", bundle)
    part = next((one for one in bundle.parts if one.offer_id == offer_id), None)
    if part is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    part = lock(BundlePart, part.id)
    if terms is not None and terms != terms_digest(notices.frozen_terms(part.offer)):
        raise Conflict("offer-changed", "The offer has changed in this moment: please look at it again.")

    def effect() -> None:
        if part.problem == "clause-withdrawn":
            offered = {one.id for one in clauses_of(part.offer_id)}
            part.clauses = [one for one in part.clauses if one in offered]
        part.problem = None
        part.terms_digest = terms or part.terms_digest

    PART.execute(actor, part, "retry", effect=effect, organisation_id=bundle.licensee_id, **_ids(part))
    enqueue(TASK, key=str(bundle.id), delay=PATIENCE, bundle_id=bundle.id)
    return part


def go_on(bundle_id: int) -> None:
    """Give what notices still wait, as the person who confirmed them (a task).

    Whoever has left the organisation meanwhile acts for it no more: what waits is refused then.
    """
    bundle = db.session.get_one(Bundle, bundle_id)
    if not _waiting(bundle_id):
        return
    user = db.session.get(User, bundle.user_id) if bundle.user_id is not None else None
    try:
        if user is None or not user.active:
            raise Unauthenticated("not-a-member", "You do not act for this organisation.")
        actor = actor_for(user, bundle.organisation_id)
        require(actor, "bundle.serve", bundle)
    except DomainError as error:
        for key in _waiting(bundle_id):
            _refuse(SYSTEM, key, "not-a-member" if isinstance(error, NotFound) else error.code)
        return
    serve_parts(actor, bundle_id)


def get_bundle(actor: Actor, bundle_id: int) -> Bundle:
    """One bundle.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    bundle = _bundle(bundle_id)
    require(actor, "bundle.view", bundle)
    return bundle


def list_bundles(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[Bundle]:
    """Bundles of the organisations for which the actor takes licences (staff: all), newest first.

    Args:
        actor: who asks.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(Bundle).order_by(Bundle.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(Bundle.id < after)
    if not actor.is_staff:
        query = query.where(Bundle.licensee_id.in_(actor.licensees))
    return list(db.session.scalars(query).unique())


def _serve(actor: Actor, part_id: int, origin: str) -> None:
    part = db.session.get_one(BundlePart, part_id)
    bundle = part.bundle
    try:
        if terms_digest(notices.frozen_terms(part.offer)) != part.terms_digest:
            raise Conflict("offer-changed", "The offer has changed in this moment: please look at it again.")
        prepared = notices.prepare_notice(
            actor,
            part.offer_id,
            bundle.use,
            bundle.contact,
            licensee_id=bundle.licensee_id,
            seat=bundle.seat,
            technology=part.technology,
            clauses=part.clauses,
        )
        with unit_of_work(actor, origin=origin):
            bundle, part = _locked(part_id)
            if part.state != "waiting":
                return  # another process has given it meanwhile
            notice = notices.serve_notice(actor, prepared)

            def effect() -> None:
                part.notice = notice

            PART.execute(
                actor,
                part,
                "serve",
                effect=effect,
                organisation_id=bundle.licensee_id,
                notice_id=notice.id,
                **_ids(part),
            )
            _note_done(bundle)
    except DomainError as error:
        _refuse(actor, part_id, error.code, origin)


def _refuse(actor: Actor, part_id: int, code: str, origin: str = "live") -> None:
    with unit_of_work(actor, origin=origin):
        bundle, part = _locked(part_id)
        if part.state != "waiting":
            return

        def effect() -> None:
            part.problem = problem_of(code)

        PART.execute(
            actor,
            part,
            "refuse",
            effect=effect,
            organisation_id=bundle.licensee_id,
            reason=code,
            **_ids(part),
        )
        _note_done(bundle)


def _note_done(bundle: Bundle) -> None:
    """The first time that no part waits any more, the licensee is told once how all of them went."""
    if bundle.done_at is None and not _waiting(bundle.id):
        bundle.done_at = clock.now()
        record("bundle.done", bundle, organisation_id=bundle.licensee_id)


def _locked(part_id: int) -> tuple[Bundle, BundlePart]:
    """A part afresh; its bundle is held first, so that its parts are marked one after the other."""
    bundle = lock(Bundle, db.session.get_one(BundlePart, part_id).bundle_id)
    return bundle, lock(BundlePart, part_id)


def _waiting(bundle_id: int) -> list[int]:
    query = sa.select(BundlePart.id).where(BundlePart.bundle_id == bundle_id, BundlePart.state == "waiting")
    return list(db.session.scalars(query.order_by(BundlePart.id)))


def _bundle(bundle_id: int) -> Bundle:
    found = db.session.get(Bundle, bundle_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def _ids(part: BundlePart) -> dict[str, Any]:
    return {"bundle_id": part.bundle_id, "offer_id": part.offer_id}
