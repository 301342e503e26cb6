"""How fast 50,000 patents of one holder are judged, listed, vouched for and brought up to date.

On SQLite and on PostgreSQL, whose plans differ.
"""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa

import config
from marketplace.accounts.models import Membership, Organisation, User
from marketplace.app import create_app
from marketplace.core import clock, importing
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.identifiers import check_digit
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import rules, standing
from marketplace.listings.facts import attesting, reminders, staleness, worklist
from marketplace.listings.models import ALL_FACTS, Patent, PatentFact, PatentParty
from tests.services import postgresql

PATENTS = 50_000
EXTRACT = 20_000
Figure = tuple[str, float, str]
_VALUES = {
    "legal_status": ("in_force", "in_force", "in_force", "terminated"),
    "annuity_paid_until": ("2099-05-31", "2020-01-01", "none"),
    "evaluation_report": ("positive", "none", "negative"),
    "pledged": ("no", "no", "with_consent", "without_consent"),
    "exclusive_licence_until": ("none", "none", "2099-01-01"),
    "preserved_until": ("none", "none", "2020-01-01"),
    "other_hindrance": ("none", "none", "涉诉"),
    "ownership": ("as_registered", "as_registered", "differs"),
}


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = measure({"INSTANCE_DIR": name}, folder)
        with postgresql.serve() as url:
            figures_there = measure({"INSTANCE_DIR": name, "DATABASE_URL": url}, folder)
    return [
        (f"{database}: {what}", figure, unit)
        for database, found in (("sqlite", figures), ("postgresql", figures_there))
        for what, figure, unit in found
    ]


def measure(environment: dict[str, str], folder: Path) -> list[Figure]:
    """The measurements on the database of these settings, which has to be empty."""
    app = create_app(config.Settings.from_environment(environment))
    with app.app_context():
        flask_migrate.upgrade()
        holder_id, actor = _stock()
        with unit_of_work():
            db.session.execute(sa.text("ANALYZE"))  # as the database does by itself after a while
        today = clock.today()
        figures: list[Figure] = []

        def timed(what: str, act: Callable[[], Any]) -> Any:
            db.session.rollback()
            start = time.perf_counter()
            done = act()
            figures.append((what, round(time.perf_counter() - start, 2), "s"))
            return done

        judged = timed("the pure rule over 50,000 patents, loading included", lambda: _judge(holder_id))
        counted = timed("where 50,000 patents stand, in SQL", lambda: standing.counts(holder_id, today))
        if judged != Counter({name: number for name, number in counted.items() if number}):
            raise RuntimeError(f"rule and SQL disagree: {judged} {counted}")
        timed("the worklist of 50,000 patents", lambda: worklist.of(holder_id, today))
        timed("what comes within 30 days", lambda: reminders.ahead(holder_id, today))
        facts = ["pledged", "preserved_until", "other_hindrance"]
        shown = timed(
            "drawing up a statement",
            lambda: attesting.draft(actor, holder_id, facts, locale="zh"),
        )
        key = timed("keeping a statement with its list", lambda: _sign(actor, holder_id, shown))
        figures.append(("patents on that statement", len(shown.patents), "patents"))
        timed("writing its facts in the background", lambda: attesting.write_all(key))
        path = folder / "extract.csv"
        _extract(path)
        start = time.perf_counter()
        summary = importing.run("facts", path, actor=OPERATOR_COMMAND)
        if summary.rejected:
            raise RuntimeError(f"the benchmark's own rows were rejected: {summary.as_json()}")
        figures.append(
            ("an extract of the register", round(EXTRACT / (time.perf_counter() - start)), "rows/s")
        )
        db.session.remove()
        db.engine.dispose()
    return figures


def _number(serial: int) -> str:
    digits = f"2019{'12'[serial % 2]}{serial:07d}"
    return f"{digits}.{check_digit(digits)}"


def _stock() -> tuple[int, Actor]:
    """One holder with a member and 50,000 patents, on which facts are missing, old and contradictory."""
    now, today = clock.now(), clock.today()
    with unit_of_work():
        holder = Organisation(
            name="示例大学", type="university", region="310112", claimed_at=now, created_at=now
        )
        person = User(email="a@example.org", name="示例", password_hash="!", locale="zh", active=True)
        person.created_at = now
        person.memberships = [Membership(organisation=holder, role="member", created_at=now)]
        db.session.add_all([holder, person])
        db.session.flush()
        tables: Any = [model.__table__ for model in (Patent, PatentParty, PatentFact)]
        for start in range(1, PATENTS + 1, 5_000):
            ids = range(start, start + 5_000)
            db.session.execute(sa.insert(tables[0]), [_patent(serial, now) for serial in ids])
            parties = [{"patent_id": id_, "position": 0, "organisation_id": holder.id} for id_ in ids]
            db.session.execute(sa.insert(tables[1]), parties)
            rows = [row for id_ in ids for row in _facts(id_, now, today)]
            db.session.execute(sa.insert(tables[2]), rows)
        actor = Actor(user_id=person.id, organisation_id=holder.id, roles=frozenset({"member"}))
        return holder.id, actor


def _patent(serial: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": serial,
        "number": _number(serial),
        "kind": ("invention", "utility_model")[serial % 2],
        "title": f"一种示例装置{serial}",
        "filing_date": dt.date(2019, 3, 1),
        "grant_date": dt.date(2021, 6, 1),
        "expires_on": dt.date(2039, 2, 28),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def _facts(serial: int, now: dt.datetime, today: dt.date) -> list[dict[str, Any]]:
    """Most are clear, some missing, some old, some bar: by the digits of the serial number."""
    found = []
    for place, name in enumerate(ALL_FACTS):
        digit = (serial // (place + 3)) % 11
        if digit == 0:
            continue
        values = _VALUES[name]
        value = values[(serial // 97) % len(values)] if digit == 1 else values[0]
        age = 400 if digit in (2, 3) else 20
        found.append(
            {
                "patent_id": serial,
                "name": name,
                "value": value,
                "as_of": today - dt.timedelta(days=age),
                "source": "示例登记簿",
                "entered_at": now,
            }
        )
    return found


def _judge(holder_id: int) -> Counter[str]:
    """Load the rows without the ORM, a thousand patents at a time, and hold the pure rule against each."""
    today = clock.today()
    ages = staleness.ages(today)
    found: Counter[str] = Counter()
    plain = (Patent.id, Patent.kind, Patent.filing_date, Patent.grant_date, Patent.expires_on)
    known = (PatentFact.patent_id, PatentFact.name, PatentFact.value, PatentFact.as_of, PatentFact.source)
    last = 0
    while True:
        query = sa.select(*plain).join(PatentParty).where(PatentParty.organisation_id == holder_id)
        query = query.where(Patent.id > last).order_by(Patent.id)
        patents = db.session.execute(query.limit(1_000)).all()
        if not patents:
            return found
        last = patents[-1].id
        facts: dict[int, dict[str, rules.Fact]] = {}
        ids = [patent.id for patent in patents]
        for row in db.session.execute(sa.select(*known).where(PatentFact.patent_id.in_(ids))):
            facts.setdefault(row.patent_id, {})[row.name] = rules.Fact(row.value, row.as_of, row.source)
        for patent in patents:
            view = rules.PatentView(
                patent.kind,
                patent.filing_date,
                patent.grant_date,
                patent.expires_on,
                facts.get(patent.id, {}),
                ages,
            )
            eligibility = rules.eligibility(view, today)
            standing_of = "barred" if eligibility.barred else "unknown"
            found["may_file" if eligibility.may_file else standing_of] += 1


def _sign(actor: Actor, holder_id: int, shown: attesting.Draft) -> int:
    with unit_of_work(actor):
        return attesting.attest(actor, holder_id, shown, shown.sha256).id


def _extract(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("专利号", "法律状态", "年费缴纳至", "质押", "许可备案", "保全", "状态日期"))
        for serial in range(1, EXTRACT + 1):
            out.writerow(
                (f"ZL{_number(serial)}", "专利权维持", "2098-05-31", "无", "无", "无", clock.today())
            )
