"""Lists of offers that another platform shows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from flask_babel import gettext

from marketplace.core.errors import Conflict, Invalid
from marketplace.core.importing import Checked, Importer, RowImporter, Summary

from . import services
from .columns import COLUMNS


class MirroredImport(RowImporter):
    """Offers of the platform that `--source` (or the owner of the list) names; ended rows delete theirs.

    With the option `complete` the list is the platform's whole one, and what is not in it has ended there.
    A list with a faulty row ends nothing, and one that would end more than half of what was known only does
    so with the option `confirmed`: a file that was cut off looks just like that.
    """

    permission = "mirrored.import"
    columns = COLUMNS

    def prepare(self) -> None:
        """Refuse a list whose platform nobody named."""
        self.references: set[str] = set()
        self.made: set[str] = set()
        self.source = (self.options.get("source") or self.owner or "").strip()
        if not self.source:
            message = gettext("Name the platform that these offers come from.")
            raise Invalid("mirror-source-missing", message, fields={"owner": [message]})

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values["reference"]]

    def write_one(self, row: Checked) -> services.Said:
        source = services.source_named(self.source)
        self.references.add(row.values["reference"])
        if row.values.get("ended"):
            if not services.end(self.actor, source, row.values["reference"]):
                return "unchanged"
            self.details["mirrored_ended"] += 1
            return "updated"
        said = services.take(self.actor, source, row.values, row.digest)
        if said == "created":
            self.made.add(row.values["reference"])
        return said

    def finish(self, summary: Summary) -> None:
        """End what a complete list leaves out.

        Raises:
            Conflict: `mirror-list-short`.
        """
        if not self.options.get("complete"):
            return
        source = services.source_named(self.source)
        known = services.references(source)
        absent = sorted(known - self.references)
        if summary.rejected:
            self.details["mirrored_kept"] += len(absent)
            return
        before = len(known - self.made)
        if len(absent) * 2 > before and not self.options.get("confirmed"):
            raise Conflict(
                "mirror-list-short",
                "%(absent)s of the %(known)s offers that were mirrored from this platform are not in the "
                "list. Nothing was ended. If the list is whole, confirm that.",
                absent=len(absent),
                known=before,
            )
        for reference in absent:
            services.end(self.actor, source, reference)
        self.details["mirrored_left_out"] += len(absent)


IMPORTS: dict[str, type[Importer]] = {"mirrored": MirroredImport}
