"""Lists of demands."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import Named, resolve
from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import lock, record

from .columns import FOR_WHOM, NEED, TITLE_LENGTH
from .lifecycle import DEMAND
from .models import Demand
from .services import draft_for, fill


class DemandImport(RowImporter):
    """Demands of firms, published at once; known again by organisation and external number."""

    permission = "demand.import"
    columns = (
        Column("external_id", "编号", convert.text(64), required=True, aliases=("id",)),
        Column("organisation", "单位", convert.text(200), required=True),
        Column("title_en", "英文标题", convert.text(TITLE_LENGTH)),
        Column("published_on", "发布日", convert.date()),
        *(column for column in NEED if column.name != "external_id"),
        *FOR_WHOM,
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [(values["organisation"], values["external_id"])]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        if values.get("named") is False and not values.get("described_as"):
            reason = gettext("Please describe the firm in a few words where its name is not shown.")
            return [Problem("described_as", "description-missing", reason)]
        return []

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        named = Named(values["organisation"], None, values.get("district"))
        organisation = db.session.get_one(Organisation, resolve([named], trusted=False)[named])
        if not (self.actor.is_staff or organisation.id in self.actor.licensees):
            raise Forbidden("not-your-organisation", "You do not act for this organisation.")
        digest = row.digest
        demand = db.session.scalar(
            sa.select(Demand).where(
                Demand.organisation_id == organisation.id, Demand.external_id == values["external_id"]
            )
        )
        if demand is None:
            stated = values.get("published_on") if self.actor.is_operator else None
            published_on = stated or clock.today()
            demand = draft_for(self.actor, organisation, values)
            demand.state, demand.published_on, demand.digest = "published", published_on, digest
            record("demand.published", demand, organisation_id=organisation.id, occurred_on=published_on)
            return "created"
        if demand.digest == digest:
            return "unchanged"
        demand = lock(Demand, demand.id)
        DEMAND.execute(
            self.actor,
            demand,
            "edit",
            effect=lambda: self._fill(demand, values, digest),
            organisation_id=organisation.id,
        )
        return "updated"

    def _fill(self, demand: Demand, values: Mapping[str, Any], digest: str) -> None:
        fill(demand, values)
        demand.digest = digest


IMPORTS: dict[str, type[Importer]] = {"demands": DemandImport}
