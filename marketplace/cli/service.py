"""Running the service: migrations, web server, worker, and the journal's check."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

import click
import flask_migrate
from rich.console import Console
from rich.progress import Progress

from marketplace.audit import wholeness
from marketplace.core import journal
from marketplace.core.worker import Worker

from . import application, fail, result, with_application


@click.group("db")
def db_command() -> None:
    """The database's structure."""


@db_command.command("upgrade")
@with_application
def upgrade() -> None:
    """Apply all migrations."""
    flask_migrate.upgrade()
    click.echo("The database is up to date.", err=True)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def serve_command(host: str, port: int, workers: int) -> None:
    """Serve the pages and the API with gunicorn (8 threads a process)."""
    application()  # a wrong setting is told here, before processes start
    arguments = [
        sys.executable, "-m", "gunicorn", "wsgi:app",
        "--worker-class", "gthread", "--threads", "8", "--workers", str(workers),
        "--bind", f"{host}:{port}", "--graceful-timeout", "10", "--no-control-socket",
        "--limit-request-line", "8190",  # the most it can be: a Chinese character takes nine signs
    ]  # fmt: skip
    os.execv(sys.executable, arguments)  # noqa: S606 - the arguments are our own


@click.command("worker")
@click.option("--once", is_flag=True, help="Work until nothing is due, then end.")
def worker_command(once: bool) -> None:
    """Work in the background: journal readers, tasks, schedules. Several may run.

    With --once: exit 1 if this run put anything into dead letters.
    """
    worker = Worker(application())
    if once:
        dead = worker.drain()
        result({"dead_letters": dead})
        if dead:
            fail()
        return
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    worker.run(stop)


@click.group("journal")
def journal_command() -> None:
    """The journal of all changes of state."""


@journal_command.command("verify")
@with_application
def verify() -> None:
    """Recompute the chains of the journal and of accesses, and the anchors; exit 1 at the first break."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        shown = bar.add_task("Journal", total=journal.last_id())
        found = wholeness.verify(lambda entries: bar.update(shown, completed=entries))
    result({"ok": found.ok, "entries": found.entries, "fault": found.fault})
    if not found.ok:
        fail()
