"""A process that starts workers and kills them: `python -m tests.deals.fire SEED DEATHS`.

Settings are in the environment. Two work at a time, each the whole of `marketplace worker`. They die by
SIGKILL at random points, and the next one starts at once; the last one works until SIGTERM.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import threading
import time

from flask import Flask

from marketplace.app import create_app
from marketplace.core import readers, tasks
from marketplace.core.worker import Worker

LEASE = dt.timedelta(seconds=1)  # a dead worker's leases end by themselves, but in minutes


def start(app: Flask) -> int:
    """A worker; its process id. Forked before any connection is open: starting anew takes seconds."""
    child = os.fork()
    if child == 0:
        Worker(app).run(threading.Event())
    return child


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(seed: int, deaths: int) -> None:
    """Start and kill `deaths` workers, then work until told to stop."""
    tasks.LEASE = readers.LEASE = LEASE
    app = create_app()
    chance = random.Random(seed)
    alive = [start(app), start(app)]
    for _ in range(deaths):
        time.sleep(chance.uniform(0.05, 0.4))
        kill(alive.pop(chance.randrange(2)))
        alive.append(start(app))
    for child in alive:
        kill(child)
    print("survived", flush=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Worker(app).run(stop)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
