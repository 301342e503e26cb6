"""Lists of licences that were taken elsewhere, and of recordals."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts.resolving import Named, resolve
from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import Offer, Patent
from marketplace.listings.services.patents import patent_with

from . import numbers
from .licences import confirm_recordal, enter_recordal
from .lifecycle import LICENCE, RECORDAL
from .models import ON_THE_REGISTER, Licence
from .policies import side_of
from .rules import licence_term, recordal_deadline

KIND = {"open": ("开放", "开放许可"), "ordinary": ("普通", "普通许可")}


class LicenceImport(RowImporter):
    """Licences taken elsewhere, with source and evidence; a row about one concluded here adds its recordal.

    Open ones need their declaration. Negotiated ordinary ones are recorded apart and never counted as open;
    exclusive and sole ones are refused (PL 51 ¶3). A recordal number that an operator brings verifies.
    """

    permission = "licence.import"
    columns = (
        Column("patent_number", "专利号", convert.patent_number(), required=True),
        Column("declaration_number", "声明编号", convert.text(40), aliases=("开放许可声明编号",)),
        Column("licensee", "被许可人", convert.text(200), required=True),
        Column(
            "licensee_code", "被许可人统一社会信用代码", convert.credit_code(), aliases=("统一社会信用代码",)
        ),
        Column("kind", "许可种类", convert.choice(KIND), required=True),
        Column("notice_on", "通知日", convert.date()),
        Column("paid_on", "支付日", convert.date()),
        Column("effective_on", "生效日", convert.date()),
        Column("ended_on", "终止日", convert.date()),
        Column("amount", "金额", convert.yuan()),
        Column("recordal_number", "备案号", convert.recordal_number()),
        Column("recorded_on", "备案日", convert.date()),
        Column("source", "来源", convert.text(200)),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        licensee = values.get("licensee_code") or values["licensee"]
        number, declaration = str(values["patent_number"]), values.get("declaration_number")
        return [(number, declaration, licensee, values["kind"], _effective_on(values))]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        effective_on = _effective_on(values)
        if effective_on is None:
            reason = gettext("Give the day of effect, or the days of notice and payment.")
            return [Problem("effective_on", "required", reason)]
        found = []
        for name in ("notice_on", "paid_on", "effective_on", "ended_on", "recorded_on"):
            day = values.get(name)
            if day is not None and day > clock.today():
                found.append(Problem(name, "date-in-future", gettext("This day lies in the future.")))
        for name, first in (("notice_on", None), ("ended_on", effective_on), ("recorded_on", effective_on)):
            day = values.get(name)
            if day is not None and (day < first if first is not None else day > effective_on):
                reason = gettext("The days of notice, effect, recordal and end contradict each other.")
                found.append(Problem(name, "dates-reversed", reason))
        if values.get("recorded_on") and not values.get("recordal_number"):
            reason = gettext("A recordal has a number.")
            found.append(Problem("recordal_number", "recordal-number-missing", reason))
        return found

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        patent = lock(Patent, patent_with(values["patent_number"]).id)
        effective_on = _effective_on(values) or clock.today()
        offer = self._offer(values, patent, effective_on)
        named = Named(values["licensee"], values.get("licensee_code"))
        licensee_id = resolve([named], trusted=self.actor.is_operator)[named]
        self._require_party(patent, offer, licensee_id)
        key = import_key(patent.id, offer.id if offer else None, licensee_id, values["kind"], effective_on)
        licence = self._known(key, offer, licensee_id, values["kind"], effective_on)
        if licence is None:
            self._create(row, patent, offer, licensee_id, effective_on, key)
            return "created"
        licence = lock(Licence, licence.id)
        return "updated" if self._update(licence, row) else "unchanged"

    def _offer(self, values: Mapping[str, Any], patent: Patent, effective_on: dt.date) -> Offer | None:
        """The declaration that an open licence was taken under, by its number, else the one of that day."""
        if values["kind"] != "open":
            return None
        query = sa.select(Offer).where(Offer.patent_id == patent.id, Offer.announced_on.is_not(None))
        if values.get("declaration_number"):
            offer = db.session.scalar(query.where(Offer.declaration_number == values["declaration_number"]))
            if offer is None:
                raise NotFound("declaration-unknown", "No offer on this patent has this declaration number.")
        else:
            offer = db.session.scalar(
                query.where(Offer.announced_on <= effective_on).order_by(Offer.announced_on.desc()).limit(1)
            )
            if offer is None:
                raise NotFound(
                    "declaration-unknown", "No declaration on this patent was in force on that day."
                )
        offer = lock(Offer, offer.id)
        noticed = values.get("notice_on") or effective_on
        if offer.announced_on is not None and noticed < offer.announced_on:
            raise Conflict("before-announcement", "The declaration had not been announced on that day.")
        ended = offer.withdrawn_on or offer.revoked_on or offer.lapsed_on
        if ended is not None and noticed > ended:
            raise Conflict("after-end", "The declaration was no longer in force on that day.")
        return offer

    def _require_party(self, patent: Patent, offer: Offer | None, licensee_id: int) -> None:
        """A list that is not an operator's may hold only licences that the actor is party to."""
        holders = {party.organisation_id for party in patent.parties}
        if offer is not None:
            holders.add(offer.holder_id)
        party = licensee_id in self.actor.licensees or not self.actor.holders.isdisjoint(holders)
        if not self.actor.is_operator and not party:
            raise Forbidden("not-your-licence", "You act for no party to this licence.")

    def _known(
        self, key: str, offer: Offer | None, licensee_id: int, kind: str, effective_on: dt.date
    ) -> Licence | None:
        """The licence that was imported before, or that was concluded here between the same parties."""
        found = db.session.scalar(sa.select(Licence).where(Licence.import_key == key))
        if found is not None or offer is None:
            return found
        return db.session.scalar(
            sa.select(Licence).where(
                Licence.offer_id == offer.id,
                Licence.licensee_id == licensee_id,
                Licence.kind == kind,
                Licence.effective_on == effective_on,
            )
        )

    def _create(
        self,
        row: Checked,
        patent: Patent,
        offer: Offer | None,
        licensee_id: int,
        effective_on: dt.date,
        key: str,
    ) -> None:
        values = row.values
        term_to = None
        if offer is not None:
            term = licence_term(effective_on, offer.term_to, patent.expires_on)
            if term is None:
                raise Conflict("after-end", "The declaration was no longer in force on that day.")
            term_to = term.ends
        licence = Licence(
            number=numbers.new_number(numbers.LICENCE, effective_on),
            kind=values["kind"],
            state=LICENCE.initial,
            evidence="holder_stated",
            offer=offer,
            patent=patent,
            licensee_id=licensee_id,
            import_key=key,
            notice_on=values.get("notice_on"),
            paid_on=values.get("paid_on"),
            effective_at=clock.start_of_day_utc(effective_on),
            effective_on=effective_on,
            term_to=term_to,
            offer_term_to=offer.term_to if offer is not None else None,
            patent_expires_on=patent.expires_on,
            amount_minor=values.get("amount"),
            currency="CNY",
            recordal_state=RECORDAL.initial,
            recordal_due_on=recordal_deadline(effective_on).date,
            source=values.get("source"),
            digest=row.digest,
            created_at=clock.now(),
        )
        db.session.add(licence)
        record(
            "licence.in_effect" if licence.kind == "open" else "licence.ordinary_noted",
            licence,
            organisation_id=licensee_id,
            occurred_on=effective_on,
            offer_id=offer.id if offer is not None else None,
            patent_id=patent.id,
        )
        self._recordal(licence, values)
        self._end(licence, values)

    def _update(self, licence: Licence, row: Checked) -> bool:
        """Add what a row says beyond what is known; nothing that is known is taken away."""
        values = row.values
        changed = self._recordal(licence, values) | self._end(licence, values)
        if licence.evidence != "platform":
            for name, column in (
                ("notice_on", "notice_on"),
                ("paid_on", "paid_on"),
                ("amount_minor", "amount"),
                ("source", "source"),
            ):
                value = values.get(column)
                if value is not None and getattr(licence, name) != value:
                    if licence.evidence == "verified" and not self.actor.is_operator:
                        raise Conflict(
                            "licence-verified",
                            "This licence has been verified: only an operator's list can correct it.",
                        )
                    setattr(licence, name, value)
                    changed = True
            if changed and licence.digest != row.digest:
                licence.digest = row.digest
                record("licence.changed", licence, organisation_id=licence.licensee_id)
        return changed

    def _recordal(self, licence: Licence, values: Mapping[str, Any]) -> bool:
        number, on = values.get("recordal_number"), values.get("recorded_on")
        if not number:
            return False
        if licence.recordal_state in ON_THE_REGISTER:
            if licence.recordal_number != number or (on is not None and licence.recorded_on != on):
                raise Conflict(
                    "recorded-otherwise",
                    "Another recordal is on record for this licence (%(number)s).",
                    number=licence.recordal_number or "",
                )
            return self.actor.is_operator and confirm_recordal(licence)
        if on is None:
            raise Invalid(
                "recorded-on-missing",
                "A value is missing.",
                fields={"recorded_on": [gettext("Give the day of the recordal.")]},
            )
        side = "gazette" if self.actor.is_operator else side_of(self.actor, licence)
        enter_recordal(self.actor, licence, number=number, on=on, side=side)
        return True

    def _end(self, licence: Licence, values: Mapping[str, Any]) -> bool:
        on = values.get("ended_on")
        if on is None or licence.state == "ended":
            return False
        if licence.evidence == "platform" and not self.actor.is_operator:
            raise Conflict("end-needs-agreement", "The other party has to agree: propose the end to it.")

        def effect() -> None:
            licence.ended_on, licence.ended_reason = on, "stated"

        LICENCE.execute(
            self.actor,
            licence,
            "end",
            effect=effect,
            organisation_id=licence.licensee_id,
            occurred_on=on,
            reason="stated",
        )
        return True


def _effective_on(values: Mapping[str, Any]) -> dt.date | None:
    """The day of effect: as stated, else that of notice and payment, whichever came later (PL 51)."""
    stated: dt.date | None = values.get("effective_on")
    days = [day for day in (values.get("notice_on"), values.get("paid_on")) if day is not None]
    return stated or max(days, default=None)


def import_key(
    patent_id: int, offer_id: int | None, licensee_id: int, kind: str, effective_on: dt.date
) -> str:
    """What one licence is known by, in whatever list or statement it comes: a digest."""
    text = f"{patent_id}|{offer_id}|{licensee_id}|{kind}|{effective_on.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()


IMPORTS: dict[str, type[Importer]] = {"licences": LicenceImport}
