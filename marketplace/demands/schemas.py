"""What the API and the pages take for a demand: the columns and converters of the imports."""

from __future__ import annotations

from typing import Final

from marketplace.core.fields import schema_of

from .columns import FOR_WHOM, INDUSTRIES, NEED

_TEXT: Final = {"type": ["string", "null"]}

DemandSchema: Final = schema_of(
    "Demand",
    (*NEED, *FOR_WHOM),
    required=("title", "description"),
    shapes={
        "external_id": _TEXT,
        "title": {"type": "string"},
        "description": {"type": "string"},
        "confidential": _TEXT | {"description": "shown only to organisations that are granted access"},
        "industry": _TEXT
        | {"description": f"division of GB/T 4754-2017, code or name: {', '.join(INDUSTRIES)}"},
        "named": {
            "type": ["string", "boolean", "null"],
            "description": "whether everybody reads the firm's name; true if left out",
        },
        "described_as": _TEXT | {"description": "what others read in place of the name"},
        "ipc": {"type": ["string", "array", "null"], "items": {"type": "string"}},
        "budget": {"type": ["string", "number", "null"], "description": "in yuan, up front"},
        "district": _TEXT | {"description": "GB/T 2260 code or name of a Shanghai district"},
        "answer_by": {"type": ["string", "null"], "format": "date"},
    },
)
