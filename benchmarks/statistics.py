"""How long the facts of 50,000 offered patents take to compute, to load, and to be asked."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import flask_migrate
import sqlalchemy as sa

import config
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.statistics import facts, services

PATENTS = 50_000
LICENCES = 12_000
HOLDERS = 400
TODAY = dt.date(2026, 11, 20)
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    with tempfile.TemporaryDirectory() as name:
        app = create_app(
            config.Settings.from_environment(
                {"INSTANCE_DIR": str(Path(name)), "MARKETPLACE_NOW": "2026-11-20T10:00:00+08:00"}
            )
        )
        with app.app_context():
            flask_migrate.upgrade()
            _fill()
            found: list[Figure] = [
                (f"rebuild the facts of {PATENTS:,} patents, SQLite", _seconds(facts.rebuild, 3), "s")
            ]
            app.extensions.pop(services.SNAPSHOT, None)
            found.append(("load them into a process, once per rebuild", _seconds(services.snapshot, 1), "s"))
            for figure, by in (
                ("in-force", None),
                ("conversion", None),
                ("conversion", "month"),
                ("quick-licence", "month"),
                ("funnel", None),
                ("deal-speed", "district"),
            ):
                title = figure + (f" by {by}" if by else "")
                found.append((title, _seconds(lambda f=figure, b=by: _ask(f, b), 3), "s"))  # type: ignore[misc]
            db.session.remove()
            db.engine.dispose()
    return found


def _ask(figure: str, by: str | None) -> object:
    return services.statistics(figure, by=by, rows_url=lambda _parameters: "")


def _seconds(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return round(statistics.median(taken), 3)


def _fill() -> None:
    chance = random.Random(20261120)
    now = clock.now()
    with unit_of_work():
        insert = db.session.execute
        insert(
            sa.insert(Organisation.__table__),
            [
                {
                    "id": number, "version": 1, "name": f"示例单位{number}", "type": "university",
                    "region": f"3101{chance.choice(('04', '05', '10', '12', '15'))}", "created_at": now,
                }
                for number in range(1, HOLDERS + 1)
            ],
        )  # fmt: skip
        numbers = range(1, PATENTS + 1)
        insert(
            sa.insert(Patent.__table__),
            [
                {
                    "id": number, "version": 1, "number": f"{number:013d}", "kind": "invention",
                    "title": "一种示例装置", "expires_on": dt.date(2040, 1, 1), "created_at": now,
                    "updated_at": now,
                }
                for number in numbers
            ],
        )  # fmt: skip
        holder = {number: chance.randint(1, HOLDERS) for number in numbers}
        insert(
            sa.insert(PatentParty.__table__),
            [{"patent_id": number, "position": 0, "organisation_id": holder[number]} for number in numbers],
        )
        insert(
            sa.insert(PatentClass.__table__),
            [
                {
                    "patent_id": number,
                    "position": 0,
                    "symbol": chance.choice(("H01M10/0525", "G06F17/00", "A61K9/20")),
                }
                for number in numbers
            ],
        )
        announced = {number: TODAY - dt.timedelta(days=chance.randint(1, 1000)) for number in numbers}
        insert(
            sa.insert(Offer.__table__),
            [
                {
                    "id": number, "version": 1, "patent_id": number, "holder_id": holder[number],
                    "status": "announced", "evidence": "verified", "announced_on": announced[number],
                    "fee_form": chance.choice(("free", "fixed", "fixed")), "fee_minor": 100,
                    "currency": "CNY",
                    "channels": [], "duty_bars": [], "term_to": dt.date(2035, 1, 1), "created_at": now,
                }
                for number in numbers
            ],
        )  # fmt: skip
        licences = []
        for number in range(1, LICENCES + 1):
            patent = chance.randint(1, PATENTS)
            effective = min(announced[patent] + dt.timedelta(days=chance.randint(1, 400)), TODAY)
            licences.append(
                {
                    "id": number, "version": 1, "number": f"XK{number:010d}", "kind": "open",
                    "state": "in_effect",
                    "evidence": "verified", "offer_id": patent, "patent_id": patent,
                    "licensee_id": chance.randint(1, HOLDERS), "notice_on": effective, "paid_on": effective,
                    "effective_on": effective, "effective_at": clock.start_of_day_utc(effective),
                    "currency": "CNY", "recordal_state": "to_do", "created_at": now,
                    "recordal_due_on": effective + dt.timedelta(days=92),
                }
            )  # fmt: skip
        insert(sa.insert(Licence.__table__), licences)
