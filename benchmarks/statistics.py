"""Facts and figures where there are 300,000 offered patents, a million licences and ten million entries.

Five years, PostgreSQL; SQLite with a tenth. Aims stand beside the figures. Pages are whole requests, with
rendering, each with another period, so that nothing is answered from memory; half of the notices are of
licences.
"""

from __future__ import annotations

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import config
from benchmarks.workbench import _database, _ms, _p95
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.actor import VISITOR
from marketplace.core.database import db
from marketplace.core.journal import JournalHead, last_id
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.statistics import activity, facts, services
from marketplace.statistics.figures import GROUPINGS
from marketplace.statistics.models import Activity
from tests import factories

SIZES = {"sqlite": (30_000, 100_000, 1_000_000), "postgresql": (300_000, 1_000_000, 10_000_000)}
"""Patents, licences, and entries of the journal."""

HOLDERS, FIRMS = 2_000, 20_000
YEARS = 5
TODAY = dt.date(2026, 11, 20)
AIM_FACTS, AIM_PAGE, AIM_ROWS, AIM_NOTE = 10, 200, 300, 1  # s, ms, ms, ms
ROUNDS = 40
_DISTRICTS = ("310101", "310104", "310105", "310107", "310110", "310112", "310115", "310117", None)
_SYMBOLS = [
    f"{section}{number:02d}{subclass}1/00"
    for section in "ABCDEFGH"
    for number in (1, 2, 5, 21, 23, 61)
    for subclass in "BCM"
]
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        for kind in SIZES:
            with _database(kind, Path(name)) as url:
                figures += _measure(kind, url, Path(name) / kind)
    return figures


def _measure(kind: str, url: str, folder: Path) -> list[Figure]:
    settings = {
        "DATABASE_URL": url,
        "INSTANCE_DIR": str(folder),
        "MARKETPLACE_NOW": "2026-11-20T10:00:00+08:00",
        "LOG_LEVEL": "WARNING",
    }
    app = create_app(config.Settings.from_environment(settings))
    app.config["RATELIMIT_ENABLED"] = False
    app.testing = True
    patents, licences, entries = SIZES[kind]
    titled = f"{kind}, {patents:,} patents, {licences:,} licences"
    with app.app_context():
        flask_migrate.upgrade()
        session_id = _fill(patents, licences)
        _write_journal(entries)
        db.session.remove()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE" if kind == "sqlite" else "VACUUM ANALYZE")
        figures: list[Figure] = [
            (f"{titled}: all facts from nothing (aim ≤ {AIM_FACTS})", _seconds(facts.rebuild, 3), "s")
        ]
        db.session.remove()
        app.extensions.pop(services.SNAPSHOT, None)
        figures.append((f"{titled}: a process takes them up", _seconds(services.snapshot, 1), "s"))
        db.session.remove()
    figures += [(f"{titled}: {what}", figure, unit) for what, figure, unit in _pages(app, session_id)]
    figures.append(
        (f"{titled}: to note that a page has shown 20 offers (aim ≤ {AIM_NOTE})", _noting(app), "ms")
    )
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return figures


def _pages(app: Flask, session_id: str) -> Iterator[Figure]:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"], session["locale"] = session_id, True, "zh"
    chance = random.Random(7)
    for by in GROUPINGS[1:]:
        times = [_asked(client, f"/bureau?by={by}&{_period(chance)}") for _ in range(ROUNDS // 4)]
        yield (f"dashboard by {by}, 95th percentile (aim ≤ {AIM_PAGE})", _ms(_p95(times)), "ms")
    for figure in ("conversion", "stock", "quick-licence", "funnel", "deal-speed"):
        times = [
            _asked(client, f"/api/v1/statistics/{figure}?by={chance.choice(GROUPINGS)}&{_period(chance)}")
            for _ in range(ROUNDS)
        ]
        yield (f"{figure} by any cut, 95th percentile (aim ≤ {AIM_PAGE})", _ms(_p95(times)), "ms")
    times = [
        _asked(client, f"/bureau/rows?figure={figure}&{_period(chance)}&page={page}")
        for figure in ("in-force", "licences", "conversion", "announced")
        for page in (1, 40)
        for _ in range(ROUNDS // 8)
    ]
    yield (f"rows behind a number, 95th percentile (aim ≤ {AIM_ROWS})", _ms(_p95(times)), "ms")


def _noting(app: Flask) -> float:
    """The median of what a page pays for being counted: the rest is done by a thread once a second."""
    times = []
    with app.app_context():
        for first in range(0, 4_000, 20):
            start = time.perf_counter()
            activity.note(
                "shown", range(first, first + 20), "web", VISITOR, "Mozilla/5.0 (X11; Linux x86_64)"
            )
            times.append(time.perf_counter() - start)
    activity.buffer_of(app).take()
    return round(statistics.median(times) * 1000, 3)


def _period(chance: random.Random) -> str:
    first = TODAY - dt.timedelta(days=chance.randint(30, YEARS * 365))
    last = first + dt.timedelta(days=chance.randint(28, (TODAY - first).days))
    return f"from={first}&to={last}"


def _asked(client: FlaskClient, address: str) -> float:
    start = time.perf_counter()
    if client.get(address).status_code != 200:
        raise RuntimeError(f"{address} is not answered")
    return time.perf_counter() - start


def _seconds(call: Any, times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return round(sorted(taken)[times // 2], 2)


# --- invented rows


def _write_journal(entries: int) -> None:
    """So many entries, put there by the database itself; their seals are no chain, and are not asked for."""
    numbers = f"generate_series(1, {entries}) AS n"
    if db.session.get_bind().dialect.name == "sqlite":
        numbers = f"""(WITH RECURSIVE counted(n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {entries}) SELECT n FROM counted)"""
    seal = "x'00'" if "RECURSIVE" in numbers else "'\\x00'::bytea"
    data = "'{}'" if "RECURSIVE" in numbers else "'{}'::jsonb"
    with unit_of_work():
        last = last_id()
        db.session.execute(sa.text(
            "INSERT INTO journal (id, recorded_at, occurred_on, origin, action, subject_type, subject_id, "
            f"subject_version, data, seal) SELECT {last} + n, :now, :today, 'live', 'offer.filed', 'offer', "
            f"1 + n / 12, 1, {data}, {seal} FROM {numbers}"
        ), {"now": clock.now().replace(tzinfo=None), "today": TODAY})  # fmt: skip
        db.session.execute(sa.update(JournalHead).values(last=last + entries))


def _fill(patents: int, licences: int) -> str:
    """Five years of offers, notices, views and licences, skewed to some holders; the bureau's session."""
    chance = random.Random(20261120)
    now = clock.now()
    with unit_of_work():
        person: str = factories.user(staff_role="bureau").get_id()
        beginning = factories.organisation().id + 1
        _insert(Organisation, (
            {
                "id": beginning + number, "version": 1, "name": f"示例单位{number}",
                "type": chance.choice(("university", "institute", "enterprise", "individual")),
                "region": chance.choice(_DISTRICTS), "created_at": now,
            }
            for number in range(HOLDERS + FIRMS)
        ))  # fmt: skip
    holders = [beginning + int(HOLDERS * chance.random() ** 2) for _ in range(patents)]
    announced = [TODAY - dt.timedelta(days=chance.randint(1, YEARS * 365)) for _ in range(patents)]
    with unit_of_work():
        _insert(Patent, (
            {
                "id": number, "version": 1, "number": f"{number:013d}", "kind": "invention",
                "title": "一种示例装置", "expires_on": dt.date(2040, 1, 1), "created_at": now,
                "updated_at": now,
            }
            for number in range(1, patents + 1)
        ))  # fmt: skip
        _insert(PatentParty, (
            {"patent_id": number, "position": 0, "organisation_id": holder, "region": None}
            for number, holder in enumerate(holders, 1)
        ))  # fmt: skip
        _insert(PatentClass, (
            {"patent_id": number, "position": 0, "symbol": chance.choice(_SYMBOLS)}
            for number in range(1, patents + 1)
        ))  # fmt: skip
        _insert(Offer, (_offer(number, holders, announced, chance, now) for number in range(1, patents + 1)))
    with unit_of_work():
        _insert(Activity, (
            {
                "day": min(announced[offer - 1] + dt.timedelta(days=chance.randint(0, 90)), TODAY),
                "offer_id": offer, "kind": kind, "channel": "web", "audience": "visitor", "count": 1,
            }
            for offer in range(1, patents + 1)
            for kind in ("shown", "opened")
            if offer % 3
        ))  # fmt: skip
    taken = [_taken(beginning, announced, chance) for _ in range(licences)]
    for start in range(0, licences, 50_000):
        part = range(start + 1, min(start + 50_000, licences) + 1)
        with unit_of_work():
            _insert(Notice, (_notice(number, *taken[number - 1]) for number in part if number % 2))
            _insert(Licence, (_licence(number, *taken[number - 1], chance, now) for number in part))
    return person


def _insert(model: Any, rows: Any) -> None:
    """In parts, so that a million rows never stand in memory."""
    part = []
    for row in rows:
        part.append(row)
        if len(part) == 10_000:
            db.session.execute(sa.insert(model.__table__), part)
            part = []
    if part:
        db.session.execute(sa.insert(model.__table__), part)


def _offer(
    number: int, holders: list[int], announced: list[dt.date], chance: random.Random, now: dt.datetime
) -> dict[str, Any]:
    day = announced[number - 1]
    ended = day + dt.timedelta(days=chance.randint(10, 1500))
    withdrawn = ended if ended <= TODAY and number % 4 == 0 else None
    return {
        "id": number, "version": 1, "patent_id": number, "holder_id": holders[number - 1],
        "status": "withdrawn" if withdrawn else "announced", "evidence": "verified", "announced_on": day,
        "withdrawn_on": withdrawn, "fee_form": chance.choice(("free", "fixed", "fixed")), "fee_minor": 100,
        "currency": "CNY", "channels": [], "duty_bars": [], "term_to": dt.date(2035, 1, 1),
        "created_at": now,
    }  # fmt: skip


def _taken(beginning: int, announced: list[dt.date], chance: random.Random) -> tuple[int, int, dt.date]:
    """An offer, a licensee, and the day of effect."""
    offer = 1 + int(len(announced) * chance.random() ** 3)
    day = min(announced[offer - 1] + dt.timedelta(days=chance.randint(1, 1200)), TODAY)
    return offer, beginning + HOLDERS + int(FIRMS * chance.random() ** 2), day


def _notice(number: int, offer: int, licensee: int, day: dt.date) -> dict[str, Any]:
    instant = clock.start_of_day_utc(day - dt.timedelta(days=1))
    return {
        "id": number, "version": 1, "number": f"TZ{number:010d}", "offer_id": offer,
        "licensee_id": licensee, "state": "paid", "terms": {}, "document_digest": "0" * 64,
        "written_at": instant, "served_at": instant,
    }  # fmt: skip


def _licence(
    number: int, offer: int, licensee: int, day: dt.date, chance: random.Random, now: dt.datetime
) -> dict[str, Any]:
    recorded = day + dt.timedelta(days=chance.randint(5, 150))
    return {
        "id": number, "version": 1, "number": f"XK{number:010d}", "kind": "open", "state": "in_effect",
        "evidence": "platform", "offer_id": offer, "patent_id": offer, "licensee_id": licensee,
        "notice_on": day - dt.timedelta(days=chance.randint(0, 20)), "paid_on": day, "effective_on": day,
        "effective_at": clock.start_of_day_utc(day), "term_to": day + dt.timedelta(days=1095),
        "amount_minor": 100, "currency": "CNY", "recordal_state": "to_do", "created_at": now,
        "recordal_due_on": day + dt.timedelta(days=92),
        "recorded_on": recorded if recorded <= TODAY and number % 3 else None,
    }  # fmt: skip
