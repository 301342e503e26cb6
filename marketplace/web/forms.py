"""Forms: one base class that shows what services refuse beside the fields it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from marketplace.core.errors import DomainError


class Form(FlaskForm):  # type: ignore[misc]
    """A form with CSRF protection whose template is `macros/forms.html`."""

    form_errors: list[str]

    def accept(self, error: DomainError, **fields: str) -> None:
        """Show a service's refusal: its sentences beside the fields it names, the rest on top.

        Args:
            fields: the service's field name → the form's, where they differ.
        """
        placed = False
        for name, sentences in getattr(error, "fields", {}).items():
            field: Field | None = self._fields.get(fields.get(name, name))
            if field is not None:
                field.errors = [*field.errors, *(_said(sentence, error.parameters) for sentence in sentences)]
                placed = True
            else:
                said = (_said(sentence, error.parameters) for sentence in sentences)
                self.form_errors = [*self.form_errors, *said]
                placed = True
        if not placed:
            self.form_errors = [*self.form_errors, sentence_of(error)]


def _said(sentence: str, parameters: dict[str, Any]) -> str:
    return str(gettext(sentence, **parameters))


def sentence_of(error: DomainError) -> str:
    """A domain error as a sentence in the reader's language."""
    return str(gettext(error.message, **error.parameters))


def required(message: Any = None) -> DataRequired:
    """The field must be filled in."""
    return DataRequired(message or _l("Please fill in this field."))


def at_most(characters: int) -> Length:
    """The field's length is limited."""
    return Length(max=characters, message=_l("Please write at most %(max)d characters."))


def options(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Values and their names as the `choices=` of a field (WTForms 3.4 takes no plain pairs any more)."""
    return [SelectChoice(value, name) for value, name in pairs]


def optional() -> Optional:
    return Optional()


class RequiredWhen(Optional):  # type: ignore[misc]
    """May be left empty as far as the form knows; a service asks for it in some cases.

    The label says these cases in the place of "(optional)".

    Args:
        when: what follows the label, such as "needed for another account".
    """

    def __init__(self, when: Any) -> None:
        super().__init__()
        self.field_flags = {"optional": True, "required_when": when}


def required_when(when: Any) -> RequiredWhen:
    """The field is needed in the cases that `when` names."""
    return RequiredWhen(when)


def stripped(value: Any) -> Any:
    """A filter for text fields: without blanks around."""
    return value.strip() if isinstance(value, str) else value


def status_of(form: Form) -> int:
    """The status of a page with this form: 422 when it was refused."""
    return 422 if form.errors else 200
