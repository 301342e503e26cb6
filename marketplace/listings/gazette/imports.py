"""Lists of announcements and withdrawals as the gazette prints them; an operator brings them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from flask_babel import gettext

from marketplace.core import clock
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock
from marketplace.listings import register, rules
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.listings.services.offers import act, announced_elsewhere
from marketplace.listings.services.patents import by_number

from . import columns, matching, reading

Said = Literal["created", "updated", "unchanged"]
_FEE = ("fee_form", "fee", "rate", "rate_base")
_TERM = ("term_from", "term_to")


class AnnouncementImport(RowImporter):
    """Announced declarations: filed ones become live, stated ones verified, unknown ones are entered."""

    permission = "gazette.import"
    columns = columns.ANNOUNCEMENTS

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [(str(values["patent_number"]), values["announced_on"])]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        """The dates, and columns that say more about the fee than its text; see `_fee`."""
        found = []
        if values["announced_on"] > clock.today():
            found.append(Problem("announced_on", "date-in-future", gettext("This day lies in the future.")))
        start, end = values.get("term_from") or values["announced_on"], values.get("term_to")
        if end is not None and end < start:
            reason = gettext("The licence term ends before it begins.")
            found.append(Problem("term_to", "term-reversed", reason))
        if values.get("fee_form"):
            terms = rules.Terms(
                fee_form=values["fee_form"],
                fee_minor=values.get("fee"),
                rate_percent=values.get("rate"),
                rate_base=values.get("rate_base"),
                instalments=tuple((months, minor) for months, minor in values.get("instalments") or ()),
            )
            found += [
                Problem(fault.field, fault.code, gettext(fault.message, **fault.parameters))
                for fault in rules.form_faults(terms)
            ]
        return found

    def write_one(self, row: Checked) -> Said:
        values = row.values
        patent, entered = self._patent(values)
        lock(Patent, patent.id)
        number = values.get("declaration_number")
        named = matching.with_number(number)
        filed = None
        if named is None or named.patent_id != patent.id:
            filed = matching.require_one_filed(patent)
        known = named if named is not None and named.patent_id == patent.id else filed
        if known is None:
            known = self._in_force(patent, values)
        said = self._terms(values, known)
        if known is not None and known.evidence == "verified":
            return self._same(known, values, said)
        before = None if known is None else known.status
        holder = patent.parties[0].organisation if known is None else known.holder
        offer, outcome = announced_elsewhere(self.actor, patent, holder, said, row.digest)
        if outcome != "unchanged" and values.get("term_text"):
            offer.term_text = values["term_text"]
        if entered:
            self.details["patents_entered"] += 1
        if outcome == "created":
            self.details["offers_entered"] += 1
        elif outcome == "updated":
            self.details["announced" if before == "filed" else "verified"] += 1
        return outcome

    def _patent(self, values: Mapping[str, Any]) -> tuple[Patent, bool]:
        """The patent of a row, entered from what the gazette prints if it is not known here yet."""
        patent = by_number(values["patent_number"])
        if patent is not None:
            matching.require_same(patent, values)
            return patent, False
        if not values.get("title") or not values.get("patentees"):
            return matching.patent_of(values["patent_number"]), False
        printed = {
            name: values[name]
            for name in ("title", "ipc", "filing_date", "grant_date", "patentees")
            if values.get(name) is not None
        } | {"number": values["patent_number"]}
        found = register.problems(printed, clock.today())
        if not found:
            [outcome] = register.write([printed], source="import")
            found = outcome if isinstance(outcome, list) else []
        if found:
            fields: dict[str, list[str]] = {}
            for problem in found:
                fields.setdefault(problem.field, []).append(problem.reason)
            raise Invalid("patent-invalid", "Some entries of the patent cannot be right.", fields=fields)
        return matching.patent_of(values["patent_number"]), True

    def _in_force(self, patent: Patent, values: Mapping[str, Any]) -> Offer | None:
        """The declaration in force, or the one that was announced on that day and is over."""
        for offer in matching.declared(patent, IN_FORCE):
            if offer.evidence == "verified" and values.get("declaration_number") is not None:
                continue
            matching.require_not_later(offer, values)
            return offer
        for offer in matching.declared(patent):
            if offer.announced_on == values["announced_on"]:
                return offer
        return None

    def _terms(self, values: Mapping[str, Any], known: Offer | None) -> dict[str, Any]:
        """The row as a declaration's terms: the text as announced, its figures where they are certain.

        Raises:
            Invalid: `gazette-fee-unclear`, `gazette-term-unclear`: nothing else says what the words mean.
        """
        plain = ("declaration_number", "announced_on", "payment_text", "contact", "source")
        said = {name: values[name] for name in plain if values.get(name) is not None}
        return said | self._fee(values, known) | self._term(values, known)

    def _fee(self, values: Mapping[str, Any], known: Offer | None) -> dict[str, Any]:
        if values.get("fee_form"):
            return {name: values.get(name) for name in _FEE}
        fee = reading.read_fee(values.get("payment_text"))
        if fee is not None:
            return dict(zip(_FEE, (fee.form, fee.minor, fee.rate, fee.base), strict=True))
        if known is not None and known.fee_form is not None:
            return {}
        reason = gettext(
            "These words leave the fee in doubt: add the columns 支付方式 (form of payment), 固定费用 (fee) "
            "and 提成比例 (rate), or enter the offer by hand; the text is kept as announced."
        )
        raise Invalid("gazette-fee-unclear", "The fee is not clear.", fields={"payment_text": [reason]})

    def _term(self, values: Mapping[str, Any], known: Offer | None) -> dict[str, Any]:
        stated = {name: values[name] for name in _TERM if values.get(name) is not None}
        if stated or not values.get("term_text"):
            return stated
        term = reading.read_term(values["term_text"], values["announced_on"])
        if term is not None:
            return dict(zip(_TERM, (term.starts, term.ends), strict=True))
        if known is not None and known.term_to is not None:
            return {}
        reason = gettext(
            "These words leave the licence term in doubt: add the columns 许可期限起 (from) and "
            "许可期限止 (to)."
        )
        raise Invalid("gazette-term-unclear", "The term is not clear.", fields={"term_text": [reason]})

    def _same(self, offer: Offer, values: Mapping[str, Any], said: Mapping[str, Any]) -> Said:
        """Nothing to do for a declaration that is verified; what it says differently is refused."""
        fixed = {
            "announced_on": offer.announced_on,
            "fee_form": offer.fee_form,
            "fee": offer.fee_minor,
            "rate": offer.rate_percent,
            "term_to": offer.term_to,
        }
        number = values.get("declaration_number")
        if number and offer.declaration_number not in (None, number):
            raise Conflict(
                "gazette-number-differs",
                "The declaration in force on this patent has number %(number)s: check it in the gazette.",
                number=offer.declaration_number or "",
            )
        if any(name in said and said[name] != value for name, value in fixed.items()):
            raise Conflict(
                "terms-fixed",
                "The terms of an announced offer cannot be changed: "
                "it has to be withdrawn and declared anew.",
            )
        return "unchanged"


class AnnouncedWithdrawalImport(RowImporter):
    """Announced withdrawals, by patent number; the declaration's number, where it is given, must agree."""

    permission = "gazette.import"
    columns = columns.WITHDRAWALS

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [(str(values["patent_number"]), values.get("declaration_number"))]

    def write_one(self, row: Checked) -> Said:
        values = row.values
        patent = matching.patent_of(values["patent_number"])
        matching.require_same(patent, values)
        offer = matching.to_withdraw(patent, values)
        require(self.actor, "offer.withdraw", offer)
        on = values["withdrawn_on"]
        if offer.status == "withdrawn":
            return self._again(offer, values)
        act(self.actor, offer.id, "withdraw", {"withdrawn_on": on, "reason": values.get("reason")})
        self.details["withdrawn"] += 1
        return "updated"

    def _again(self, offer: Offer, values: Mapping[str, Any]) -> Said:
        on = values["withdrawn_on"]
        if offer.withdrawal_evidence == "holder_stated":
            act(self.actor, offer.id, "verify", {"withdrawn_on": on})
            self.details["withdrawals_verified"] += 1
            return "updated"
        if offer.withdrawn_on != on:
            raise Conflict(
                "withdrawn-otherwise",
                "The withdrawal is recorded for another day (%(date)s).",
                date=offer.withdrawn_on.isoformat() if offer.withdrawn_on else "",
            )
        return "unchanged"


IMPORTS: dict[str, type[Importer]] = {
    "gazette-announcements": AnnouncementImport,
    "gazette-withdrawals": AnnouncedWithdrawalImport,
}
