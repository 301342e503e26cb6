"""Lists of patents, of announced offers and of announced withdrawals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from flask_babel import gettext

from marketplace.accounts.imports import owner_of
from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import known
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.errors import DomainError, Forbidden, NotFound
from marketplace.core.importing import Checked, Importer, Outcome, Problem, RowImporter, problems_of

from . import columns, register, rules
from .changes.owners import require_free_owners
from .facts.extracts import FactImport
from .gazette.imports import IMPORTS as GAZETTE
from .mirrored.imports import IMPORTS as MIRRORED
from .models import Patent
from .services.offers import announced_elsewhere, withdrawn_elsewhere
from .services.patents import patent_with, require_change, require_new


class _Owned(Importer):
    """A list that may be handed in for one organisation, `--owner`."""

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.organisation: Organisation | None = None

    def prepare(self) -> None:
        """Find the owner; a holder may name only an organisation it acts for."""
        if self.owner:
            self.organisation = owner_of(self.owner)
            if not (self.actor.is_operator or self.organisation.id in self.actor.holders):
                raise Forbidden("not-your-organisation", "You do not act for this organisation.")


class PatentImport(_Owned):
    """Patents by application or publication number; a row without patentees is the owner's."""

    permission = "patent.import"
    columns = columns.PATENTS

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.today = clock.today()

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [str(number) for number in register.numbers_of(values) if number is not None]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        return register.problems(values, self.today)

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """Write the rows in bulk; a holder only those of patents on which it is a patentee."""
        if self.organisation is not None:
            for row in rows:
                if not row.values.get("patentees"):
                    row.values |= register.owned_by(self.organisation)
        refused = {} if self.actor.is_operator else self._foreign(rows)
        good = [index for index in range(len(rows)) if index not in refused]
        written = register.write(
            [rows[index].values for index in good],
            source="import" if self.actor.is_operator else "holder",
            digests=[rows[index].digest for index in good],
        )
        outcomes: dict[int, Outcome] = {**refused, **dict(zip(good, written, strict=True))}
        return [outcomes[index] for index in range(len(rows))]

    def _foreign(self, rows: Sequence[Checked]) -> dict[int, Outcome]:
        """The rows that are not the actor's to change, by index."""
        organisations = known(
            (party for row in rows for party in register.named(row.values)), own=self.actor.holders
        )
        patents = register.stored(row.values for row in rows)
        refused: dict[int, Outcome] = {}
        for index, row in enumerate(rows):
            named = [organisations[one] for one in register.named(row.values) if one in organisations]
            patent = next((patents[name] for name in register.names(row.values) if name in patents), None)
            try:
                if patent is not None:
                    require_change(self.actor, patent, named)
                    require_free_owners(self.actor, patent, register.named(row.values))
                else:
                    require_new(self.actor, named)
            except DomainError as error:
                refused[index] = problems_of(error)
        return refused


class OfferImport(_Owned, RowImporter):
    """Announced declarations: verified when an operator brings the list, else holder-stated."""

    permission = "offer.import"
    columns = columns.offers()

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values.get("declaration_number") or (str(values["patent_number"]), values["announced_on"])]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        terms = rules.Terms(
            fee_form=values["fee_form"],
            fee_minor=values.get("fee"),
            rate_percent=values.get("rate"),
            rate_base=values.get("rate_base"),
        )
        found = [
            Problem(fault.field, fault.code, gettext(fault.message, **fault.parameters))
            for fault in rules.form_faults(terms)
        ]
        start, end = values.get("term_from") or values["announced_on"], values.get("term_to")
        if end is not None and end < start:
            reason = gettext("The licence term ends before it begins.")
            found.append(Problem("term_to", "term-reversed", reason))
        return found

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        patent = patent_with(values["patent_number"])
        holder = self._holder(patent)
        _, outcome = announced_elsewhere(self.actor, patent, holder, values, row.digest)
        return outcome

    def _holder(self, patent: Patent) -> Organisation:
        """The owner that was named, else the patentee that the actor acts for, else (operator) the first."""
        if not patent.parties:
            raise NotFound("patentee-missing", "The patent has no patentee yet.")
        if self.actor.is_operator:
            return self.organisation or patent.parties[0].organisation
        for party in patent.parties:
            if party.organisation == (self.organisation or party.organisation) and (
                party.organisation_id in self.actor.holders
            ):
                return party.organisation
        raise Forbidden("not-your-patent", "You act for none of the patentees of this patent.")


class WithdrawalImport(RowImporter):
    """Announced withdrawals, by declaration number."""

    permission = "offer.import"
    columns = columns.WITHDRAWALS

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values["declaration_number"]]

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        _, outcome = withdrawn_elsewhere(
            self.actor, values["declaration_number"], values["withdrawn_on"], values.get("reason")
        )
        return outcome


IMPORTS: dict[str, type[Importer]] = {
    "patents": PatentImport,
    "offers": OfferImport,
    "withdrawals": WithdrawalImport,
    "facts": FactImport,
    **GAZETTE,
    **MIRRORED,
}
