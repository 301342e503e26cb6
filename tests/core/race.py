"""Processes for the journal's race test: writers that roll back, linger and die, and a reading worker.

Run as `python -m tests.core.race ROLE ARGUMENTS`, with the settings in the environment.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader, step
from marketplace.core.unit_of_work import record, unit_of_work


class Rollback(Exception):
    """Thrown on purpose."""


def write(writer: int, entries: int, suicide: bool) -> None:
    """Write transactions of one to five entries; 5 % roll back, some linger; perhaps die inside one."""
    app = create_app()
    chance = random.Random(writer)
    done = 0
    while done < entries:
        size = min(chance.choice([1, 1, 1, 2, 5]), entries - done)
        with app.app_context():
            try:
                with unit_of_work():
                    for n in range(size):
                        row = Organisation(
                            name=f"{writer}-{done + n}", type="enterprise", created_at=clock.now()
                        )
                        db.session.add(row)
                        record("organisation.created", row, writer=writer, n=done + n)
                    if chance.random() < 0.02:
                        time.sleep(chance.random() * 0.2)
                    if chance.random() < 0.05:
                        raise Rollback
                    if suicide and done > entries // 2:
                        os.kill(os.getpid(), signal.SIGKILL)
            except Rollback:
                continue
        done += size


def read(name: str, until: int, suicide_after: int) -> None:
    """Copy each entry read into the unique code of a new row, with the cursor; perhaps die."""
    app = create_app()
    taken = 0

    def copy(entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            db.session.add(
                Organisation(
                    name=f"read {entry.data['writer']}-{entry.data['n']}",
                    code=f"R{entry.id:017d}",
                    type="agency",
                    created_at=clock.now(),
                )
            )
        db.session.flush()
        if suicide_after and taken > suicide_after:
            os.kill(os.getpid(), signal.SIGKILL)

    reader = Reader("race", inside=copy, batch=50)
    while True:
        with app.app_context():
            count = step(reader, name)
            taken += count
            if not count:
                position = db.session.scalar(
                    sa.text("SELECT position FROM journal_cursors WHERE reader='race'")
                )
                db.session.rollback()
                if (position or 0) >= until:
                    return
                time.sleep(0.02)


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "write":
        write(int(arguments[0]), int(arguments[1]), arguments[2] == "die")
    else:
        read(arguments[0], int(arguments[1]), int(arguments[2]))
