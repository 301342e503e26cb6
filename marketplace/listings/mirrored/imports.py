"""Lists of offers that another platform shows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from flask_babel import gettext

from marketplace.core.errors import Invalid
from marketplace.core.importing import Checked, Importer, RowImporter

from . import services
from .columns import COLUMNS


class MirroredImport(RowImporter):
    """Offers of the platform that `--source` (or the owner of the list) names; ended rows delete theirs."""

    permission = "mirrored.import"
    columns = COLUMNS

    def prepare(self) -> None:
        """Refuse a list whose platform nobody named."""
        self.source = (self.options.get("source") or self.owner or "").strip()
        if not self.source:
            message = gettext("Name the platform that these offers come from.")
            raise Invalid("mirror-source-missing", message, fields={"owner": [message]})

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values["reference"]]

    def write_one(self, row: Checked) -> services.Said:
        source = services.source_named(self.source)
        if row.values.get("ended"):
            if not services.end(self.actor, source, row.values["reference"]):
                return "unchanged"
            self.details["mirrored_ended"] += 1
            return "updated"
        return services.take(self.actor, source, row.values, row.digest)


IMPORTS: dict[str, type[Importer]] = {"mirrored": MirroredImport}
