"""What the API and the pages take for a demand: the columns and converters of the imports."""

from __future__ import annotations

from typing import Final

from marketplace.core.fields import schema_of

from .columns import NEED

_TEXT: Final = {"type": ["string", "null"]}

DemandSchema: Final = schema_of(
    "Demand",
    NEED,
    required=("title", "description"),
    shapes={
        "external_id": _TEXT,
        "title": {"type": "string"},
        "description": {"type": "string"},
        "ipc": {"type": ["string", "array", "null"], "items": {"type": "string"}},
        "budget": {"type": ["string", "number", "null"], "description": "in yuan, up front"},
        "district": _TEXT | {"description": "GB/T 2260 code or name of a Shanghai district"},
        "answer_by": {"type": ["string", "null"], "format": "date"},
    },
)
