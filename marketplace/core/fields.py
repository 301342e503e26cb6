"""The converters of imports as marshmallow fields, so that the API and the pages read values the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow

from .convert import Converter, InvalidValue, reason
from .errors import Invalid
from .tables import Column

_EMPTY = (None, ())


class Converted(marshmallow.fields.Field[Any]):
    """A field that a converter reads; an empty value is None, or refused where one is required."""

    def __init__(self, convert: Converter, **options: Any) -> None:
        super().__init__(allow_none=not options.get("required", False), **options)
        self.convert = convert

    def _validate_missing(self, value: Any) -> None:
        """Say that something is missing in the same words as the imports do."""
        if self.required and (value is None or value is marshmallow.missing):
            raise marshmallow.ValidationError(reason("required"))

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_options: Any
    ) -> Any:
        try:
            converted = self.convert(value)
        except InvalidValue as error:
            raise marshmallow.ValidationError(error.reason) from error
        if self.required and converted in _EMPTY:
            raise marshmallow.ValidationError(reason("required"))
        return converted


def schema_of(
    name: str,
    columns: Sequence[Column],
    *,
    required: Sequence[str] = (),
    shapes: Mapping[str, Mapping[str, Any]] | None = None,
) -> type[marshmallow.Schema]:
    """A schema with a field for each column.

    Args:
        name: of the schema, as the OpenAPI document shows it.
        required: names of the columns that must be there (whether a list requires them is its own matter).
        shapes: OpenAPI description by column name; a text by default.
    """
    known = shapes or {}
    fields: dict[str, Any] = {
        column.name: Converted(
            column.convert,
            required=column.name in required,
            metadata=dict(known.get(column.name, {"type": "string"})),
        )
        for column in columns
    }
    return marshmallow.Schema.from_dict(fields, name=name)


def read(
    schema: type[marshmallow.Schema], data: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """Convert and check what a form or a request says; unknown names are left out.

    Raises:
        Invalid: `invalid-values`, with the fields.
    """
    try:
        loaded: dict[str, Any] = schema().load(data, unknown=marshmallow.EXCLUDE, partial=partial)
    except marshmallow.ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"": list(error.messages)}
        raise Invalid("invalid-values", "Some values cannot be used.", fields=messages) from error
    return loaded
