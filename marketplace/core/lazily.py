"""Modules that most processes never need, imported when something of them is first used.

    if TYPE_CHECKING:
        import stripe
    else:
        stripe = Lazily("stripe")

Only for what takes megabytes: a mistake in such a module shows late.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Lazily:
    """Stands for the module `name` and has whatever that has."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
