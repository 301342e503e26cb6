"""One licence that was taken elsewhere, entered by hand with its evidence: as the single row of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.importing import Checked, digest_of
from marketplace.core.permissions import require
from marketplace.deals.evidence.services import lay_paper
from marketplace.deals.imports import LicenceImport
from marketplace.deals.models import Licence


def record_elsewhere(
    actor: Actor, values: Mapping[str, Any], *, content: bytes | None = None, name: str = ""
) -> Licence:
    """Record a licence that was taken elsewhere, in the present unit of work.

    Args:
        actor: a party to it, its agency under a mandate, or the operator; the other side is told.
        values: by the column names of an import of licences, converted.
        content, name: the evidence as a file; without one the source in words stands for it.

    Raises:
        Invalid: `source-missing`, what the import refuses, and what `lay_paper` raises.
        Conflict: `licence-known`: this licence is on record already; and what the import raises.
        Forbidden: `not-your-licence`.
    """
    require(actor, "licence.import")
    said = {name: value for name, value in values.items() if value not in (None, "")}
    if not said.get("source"):
        raise Invalid(
            "source-missing",
            "Say where this licence was taken and is on record.",
            fields={"source": ["Say where this licence was taken and is on record."]},
        )
    importer = LicenceImport(actor, None)
    problems = importer.check(said)
    if problems:
        raise Invalid(
            problems[0].code,
            "Some values do not fit together.",
            fields={one.field: [one.reason] for one in problems},
        )
    row = Checked(1, said, digest_of(said))
    if importer.write_one(row) != "created":
        raise Conflict("licence-known", "This licence is on record already.")
    db.session.flush()
    licence = db.session.scalars(
        sa.select(Licence).where(Licence.digest == row.digest).order_by(Licence.id.desc()).limit(1)
    ).one()
    lay_paper(actor, licence, "source", text=str(said["source"]), content=content, name=name)
    return licence
