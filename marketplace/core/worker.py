"""The worker: one loop for readers, tasks and schedules, on both databases. No broker.

Several workers may run: leases share the work.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from flask import Flask

from . import readers, retention
from . import tasks as background
from .database import db

log = logging.getLogger(__name__)
POLL = 0.2  # seconds
TURN = 1.0  # seconds after which a reader, or the tasks, let the others have their turn
PROMPT = 0.1  # seconds of other work after which the readers that people wait for read again


@dataclass
class Work:
    """What a worker does, put together by the application factory.

    Attributes:
        readers: asked anew in every round, since index generations come and go.
        tasks: handlers by task name.
        schedules: recurring tasks.
        retentions: which personal data go after which time.
    """

    readers: list[Callable[[], Sequence[readers.Reader]]] = field(default_factory=list)
    tasks: dict[str, background.Handler | background.Together] = field(default_factory=dict)
    schedules: list[background.Schedule] = field(default_factory=list)
    retentions: list[retention.Retention] = field(default_factory=list)


class Worker:
    """Runs the work of one application until told to stop."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.work: Work = app.extensions["marketplace.work"]
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.dead = 0
        self._read_at = 0.0  # when the prompt readers last read, by the monotonic clock

    def round(self) -> int:
        """One pass over everything. Returns how many things were done; 0 means nothing is due."""
        done = 0
        with self.app.app_context():
            background.start_due(tuple(self.work.schedules))
            found = [reader for source in self.work.readers for reader in source()]
            before = _dead_letters()
        prompt = [reader for reader in found if reader.prompt]
        for reader in found:
            done += self._read_on(reader, prompt)
        until = time.monotonic() + TURN
        while time.monotonic() < until:
            with self.app.app_context():
                outcome = background.run_next(self.work.tasks)
                if outcome is None and not background.due():
                    break
                done += 1
            done += self._read(prompt)
        with self.app.app_context():
            self.dead += _dead_letters() - before
        return done

    def _read_on(self, reader: readers.Reader, prompt: Sequence[readers.Reader]) -> int:
        """Let a reader read until it has caught up or its turn is over."""
        done, until = 0, time.monotonic() + TURN
        while taken := self._step(reader):
            done += taken + self._read(prompt)
            if taken < reader.batch or time.monotonic() >= until:
                break
        return done

    def _read(self, prompt: Sequence[readers.Reader]) -> int:
        """Let the readers that people wait for read, unless they have just done so.

        Work comes in small pieces when much is due, and an index that is written after each of them would
        take most of the time.
        """
        if time.monotonic() < self._read_at + PROMPT:
            return 0
        done = sum(map(self._step, prompt))
        self._read_at = time.monotonic()
        return done

    def _step(self, reader: readers.Reader) -> int:
        # A fresh context per batch: the identity map must not grow or serve old rows.
        with self.app.app_context():
            return readers.step(reader, self.owner)

    def drain(self) -> int:
        """Work until nothing is due. Returns how many dead letters this run made."""
        try:
            while self.round():
                pass
        finally:
            self._release()
        return self.dead

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, polling five times a second."""
        log.info("worker started", extra={"owner": self.owner})
        while not stop.is_set():
            try:
                busy = self.round()
            except Exception:
                # The database may be away for a moment: say so and go on, nothing is lost.
                log.exception("worker round failed")
                busy = 0
                stop.wait(2.0)
            if not busy:
                stop.wait(POLL)
        self._release()

    def _release(self) -> None:
        with self.app.app_context():
            readers.release(self.owner)


def _dead_letters() -> int:
    count = db.session.scalar(sa.select(sa.func.count()).select_from(readers.DeadLetter)) or 0
    db.session.rollback()
    return count
