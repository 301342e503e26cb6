"""What can go wrong, as one small family of errors.

A domain error carries a stable code and parameters, never an HTTP status: the API turns it into a
problem document (RFC 9457), a page into a sentence. The message is English and is translated where
it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def N_(message: str) -> str:  # noqa: N802 - the customary name of gettext's no-op marker
    """Mark an English sentence for the translation catalogue; it is translated where it is shown."""
    return message


class DomainError(Exception):
    """Something the caller can understand and act upon.

    Args:
        code: stable, kebab-case, listed in docs/api.md.
        message: an English sentence with `%(name)s` places for parameters; the msgid of its translation.
        parameters: values for the places, and members of the problem document.
    """

    def __init__(self, code: str, message: str, **parameters: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.parameters = parameters

    def __str__(self) -> str:
        return f"{self.code}: {self.message % self.parameters if self.parameters else self.message}"


class NotFound(DomainError):
    """The thing does not exist, or is somebody else's private matter."""


class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is not valid."""


class Forbidden(DomainError):
    """This actor may not do this to this object."""


class Conflict(DomainError):
    """The state of things does not allow it (409)."""


class Invalid(DomainError):
    """The input cannot be accepted (422).

    Args:
        fields: field name → list of English sentences.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        fields: Mapping[str, list[str]] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(code, message, **parameters)
        self.fields = dict(fields or {})


class Unavailable(DomainError):
    """A part that is needed does not answer at the moment (503)."""


class StaleVersion(DomainError):
    """The object was changed by someone else in the meantime (412)."""
