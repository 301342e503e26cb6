"""How fast the workbench is with 50,000 patents in one organisation, on SQLite and PostgreSQL.

Each figure is a whole request to the page, counts and rendering included: what passed on the wall clock, and
the processor time of the web process and the database together, which neighbours disturb less.
"""

from __future__ import annotations

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa
from flask.testing import FlaskClient

import config
from marketplace.accounts.models import Membership, Organisation, User
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.identifiers import check_digit
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import FACTS, Patent, PatentClass, PatentFact, PatentParty
from marketplace.listings.stocktaking import exports, filters, jobs, upkeep, work
from marketplace.listings.stocktaking.desk import desk_of
from marketplace.listings.stocktaking.filters import Filter
from marketplace.listings.stocktaking.models import PRACTICES, STATES, Stock, StockJob, Unit
from tests.services import postgresql

PATENTS = 50_000
ROUNDS = 15
Figure = tuple[str, float, str]
_FACTS = {
    "legal_status": "in_force", "annuity_paid_until": "2027-05-31", "evaluation_report": "positive",
    "pledged": "no", "exclusive_licence_until": "none", "preserved_until": "none", "other_hindrance": "none",
}  # fmt: skip
_WORDS = (
    "电池",
    "隔膜",
    "阀门",
    "涂覆",
    "传感器",
    "离心泵",
    "轴承",
    "催化剂",
    "机器人",
    "光纤",
    "焊接",
    "合金",
)
# What people narrow the list down by; {unit} and {person} are filled in.
PAGES = (
    ("all", ""),
    ("one state", "state=submitted"),
    ("unit with those below", "unit={unit}"),
    ("state, grade and wish", "state=submitted&grade=G1&wish=licence"),
    ("no grade and no wish", "grade=none&wish=none"),
    ("standing and kind", "standing=may_file&kind=utility_model"),
    ("section and years", "section=H&year_from=2016&year_to=2018"),
    ("inventor", "inventor={person}"),
    ("word of the title", "q=离心泵"),
    ("two words, rare", "q=离心泵 装置77"),
    ("a number", "q=ZL201919000777"),
    ("a word that none has", "q=不存在的词"),
    ("a word that all have", "q=制造方法"),
    ("everything at once", (
        "q=电池&unit={unit}&state=submitted&state=approved&grade=G1&wish=licence"
        "&practice=none&kind=invention&section=H&year_from=2015&standing=may_file&standing=barred"
    )),
    ("deep in the list", "before={middle}"),
)  # fmt: skip


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        for kind in ("sqlite", "postgresql"):
            with _database(kind, Path(name)) as url:
                figures += _measure(kind, url, Path(name) / kind)
    return figures


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    with postgresql.serve() as url:
        yield url


def _measure(kind: str, url: str, folder: Path) -> list[Figure]:
    app = create_app(config.Settings.from_environment({"DATABASE_URL": url, "INSTANCE_DIR": str(folder)}))
    app.config["RATELIMIT_ENABLED"] = False
    app.config["WTF_CSRF_ENABLED"] = False
    app.testing = True
    figures: list[Figure] = []
    with app.app_context():
        flask_migrate.upgrade()
        organisation_id, user_id, session_id = _people()
        _load(organisation_id)
        start = time.perf_counter()
        upkeep.rebuild(unit_of_work)
        figures.append(
            (f"{kind}: rebuild of the stock", round(PATENTS / (time.perf_counter() - start)), "patents/s")
        )
        places = _spread(organisation_id, user_id)
        db.session.remove()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE" if kind == "sqlite" else "VACUUM ANALYZE")
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"], session["locale"] = session_id, True, "zh"
    every: list[float] = []
    worked: list[float] = []
    with app.app_context():
        backend = db.session.scalar(sa.text("SELECT pg_backend_pid()")) if kind == "postgresql" else None
        db.session.remove()
    for title, query in PAGES:
        times, processor = _times(client, "/holder/stock?" + query.format(**places), backend)
        every += times
        worked += processor
        figures.append((f"{kind}: workbench, {title}", _ms(statistics.median(times)), "ms"))
    for what, found in (("", every), ("processor time, ", worked)):
        figures.append((f"{kind}: workbench, {what}median of all", _ms(statistics.median(found)), "ms"))
        figures.append((f"{kind}: workbench, {what}95th percentile of all", _ms(_p95(found)), "ms"))
    with app.app_context():
        figures += _in_bulk(kind, organisation_id, user_id)
        db.session.remove()
        db.engine.dispose()
    return figures


def _times(client: FlaskClient, address: str, backend: int | None) -> tuple[list[float], list[float]]:
    """Seconds on the wall clock and of the processor, of each request."""
    client.get(address)
    wall, worked = [], []
    for _ in range(ROUNDS):
        start, processor = time.perf_counter(), time.process_time() + _processor_of(backend)
        answer = client.get(address)
        wall.append(time.perf_counter() - start)
        worked.append(time.process_time() + _processor_of(backend) - processor)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
    return wall, worked


def _processor_of(process: int | None) -> float:
    """Seconds of processor time that another process of this machine has used, as Linux tells it."""
    if process is None:
        return 0.0
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def _in_bulk(kind: str, organisation_id: int, user_id: int) -> list[Figure]:
    """Setting a grade on 5,000 patents as the worker does, standings anew, and the whole list as files."""
    from marketplace.accounts.services import actor_for

    actor = actor_for(db.session.get_one(User, user_id), organisation_id)
    figures: list[Figure] = []
    with unit_of_work(actor):
        wanted = filters.parse({"q": "阀门", "state": "entered"})
        job = jobs.start(desk_of(actor, organisation_id), "set_grade", {"grade": "G4"}, wanted=wanted)
        job_id, total = job.id, job.total
    start = time.perf_counter()
    while db.session.scalar(sa.select(StockJob.state).where(StockJob.id == job_id)) != "done":
        db.session.rollback()
        work.run_job(job_id)
    figures.append(
        (
            f"{kind}: grade set in bulk ({total} chosen)",
            round(total / (time.perf_counter() - start)),
            "patents/s",
        )
    )
    db.session.remove()
    start = time.perf_counter()
    with unit_of_work():
        upkeep.refresh_standings(organisation_id)
    figures.append((f"{kind}: standings of all worked out anew", round(time.perf_counter() - start, 2), "s"))
    for title, write in (("CSV", exports.as_csv), ("XLSX", exports.as_xlsx)):
        start = time.perf_counter()
        rows = exports.rows(Filter(), desk_of(actor, organisation_id), english=False)
        size = sum(len(piece) for piece in write(rows))
        took = time.perf_counter() - start
        figures.append((f"{kind}: export of all, {title} ({size / 1e6:.1f} MB)", round(took, 1), "s"))
        db.session.remove()
    return figures


def _people() -> tuple[int, int, str]:
    with unit_of_work():
        now = clock.now()
        organisation = Organisation(
            name="示例大学", type="university", region="310112", claimed_at=now, created_at=now
        )
        person = User(
            email="office@example.org",
            name="办公室",
            password_hash="!",
            locale="zh",
            active=True,
            created_at=now,
        )
        person.memberships = [Membership(organisation=organisation, role="member", created_at=now)]
        db.session.add_all([organisation, person])
        db.session.flush()
        return organisation.id, person.id, person.get_id()


def _load(organisation_id: int) -> None:
    """Patents with classes and facts, straight into their tables; a tenth lacks a fact, a tenth is barred."""
    chance, now = random.Random(7), clock.now()
    for first in range(1, PATENTS + 1, 5_000):
        patents: list[dict[str, Any]] = []
        classes, facts, parties = [], [], []
        for key in range(first, first + 5_000):
            kind, digit = (("invention", 1), ("invention", 1), ("utility_model", 2))[key % 3]
            year = 2010 + key % 12
            number = f"2019{digit}{9_000_000 + key:07d}"
            patents.append(
                {
                    "id": key,
                    "version": 1,
                    "number": number + check_digit(number),
                    "kind": kind,
                    "title": f"一种{chance.choice(_WORDS)}{chance.choice(_WORDS)}及其制造方法与装置{key}",
                    "filing_date": dt.date(year, 3, 1),
                    "grant_date": dt.date(year + 2, 6, 1),
                    "expires_on": dt.date(year + 20, 3, 1),
                    "district": "310112",
                    "created_at": now,
                    "updated_at": now,
                }
            )
            parties.append({"patent_id": key, "position": 0, "organisation_id": organisation_id})
            classes.append(
                {"patent_id": key, "position": 0, "symbol": f"{chance.choice('ABCFGH')}01M10/0525"}
            )
            facts += [
                {
                    "patent_id": key,
                    "name": name,
                    "as_of": dt.date(2026, 11, 1),
                    "source": "import",
                    "value": "2020-01-01" if name == "annuity_paid_until" and key % 10 == 0 else _FACTS[name],
                }
                for name in FACTS
                if not (name == "pledged" and key % 10 == 1)
            ]
        with unit_of_work():
            for model, rows in (
                (Patent, patents), (PatentParty, parties), (PatentClass, classes), (PatentFact, facts)
            ):  # fmt: skip
                db.session.execute(sa.insert(model.__table__), rows)


def _spread(organisation_id: int, user_id: int) -> dict[str, int]:
    """Forty units in two levels, and everything that people state, at random."""
    chance, now = random.Random(11), clock.now()
    with unit_of_work():
        units = []
        for college in range(10):
            top = Unit(organisation_id=organisation_id, name=f"第{college + 1}学院", created_at=now)
            db.session.add(top)
            db.session.flush()
            top.path = f"/{top.id}/"
            units.append(top.id)
            for number in range(3):
                below = Unit(
                    organisation_id=organisation_id,
                    parent_id=top.id,
                    name=f"第{number + 1}研究所",
                    created_at=now,
                )
                db.session.add(below)
                db.session.flush()
                below.path = f"{top.path}{below.id}/"
                units.append(below.id)
    ids = list(db.session.scalars(sa.select(Stock.id).order_by(Stock.id)))
    values = [
        {
            "_id": key,
            "_state": chance.choice(STATES),
            "_grade": chance.choice(("", "G1", "G2", "G3", "G4")),
            "_wish": chance.randrange(8),
            "_practice": chance.choice(PRACTICES),
            "_unit": chance.choice(units),
            "_inventor": user_id if chance.random() < 0.02 else None,
        }
        for key in ids
    ]
    table: Any = Stock.__table__
    with unit_of_work():
        db.session.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("_id"))
            .values(
                state=sa.bindparam("_state"),
                grade=sa.bindparam("_grade"),
                wish=sa.bindparam("_wish"),
                practice=sa.bindparam("_practice"),
                unit_id=sa.bindparam("_unit"),
                inventor_id=sa.bindparam("_inventor"),
            ),
            values,
        )
    return {"unit": units[0], "person": user_id, "middle": ids[len(ids) // 2]}


def _p95(times: list[float]) -> float:
    return sorted(times)[max(int(len(times) * 0.95) - 1, 0)]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
