"""A circuit breaker: a part that has failed several times in a row is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
PAUSE: Final = 30.0  # seconds


class Breaker:
    """Opens after three failures in a row; then one caller every 30 s tries whether the part is back.

    It belongs to one process. Each process learns of an outage by itself, for at most three times two
    seconds, and its own way to the part may be broken while another's works; a shared breaker would need a
    part of its own that can be away, or a write to the database for every failed search.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None

    @property
    def open(self) -> bool:
        """Whether the part is being left alone."""
        return self._open_until is not None

    def allows(self) -> bool:
        """Whether to ask the part now. Once the pause is over, True for one caller and not for the next."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._clock() < self._open_until:
                return False
            self._open_until = self._clock() + PAUSE
            return True

    def succeeded(self) -> None:
        """The part has answered."""
        with self._lock:
            self._failures, self._open_until = 0, None

    def failed(self) -> None:
        """The part has not answered."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open_until = self._clock() + PAUSE
