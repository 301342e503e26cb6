"""Lists and pages of licences where there are a million on PostgreSQL, a tenth on SQLite.

Aims stand beside the figures. Each figure is a whole request, rendering included. Offers and firms are
skewed: the largest have thousands. `LICENCES=200000` in the environment makes it smaller.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa

import config
from benchmarks.workbench import _database, _ms, _p95, _times
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from tests import factories

_MANY = int(os.environ.get("LICENCES", "1000000"))
COUNTS = {"postgresql": _MANY, "sqlite": _MANY // 10}
HOLDERS, OFFERS, FIRMS = 50, 400, 400
AIM = 150  # ms
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        for kind in COUNTS:
            with _database(kind, Path(name)) as url:
                figures += _measure(kind, url, Path(name) / kind)
    return figures


def _measure(kind: str, url: str, folder: Path) -> list[Figure]:
    app = create_app(config.Settings.from_environment({"DATABASE_URL": url, "INSTANCE_DIR": str(folder)}))
    app.config["RATELIMIT_ENABLED"] = False
    app.testing = True
    with app.app_context():
        flask_migrate.upgrade()
        sessions = _load(COUNTS[kind])
        db.session.remove()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE" if kind == "sqlite" else "VACUUM ANALYZE")
    middle = COUNTS[kind] // 2
    pages = {
        "holder": (
            "/holder/licences",
            "/holder/licences?group=recorded",
            f"/holder/licences?before={middle}",
        ),
        "firm": ("/my/licences", f"/my/licences?after={middle}"),
        "visitor": (
            "/register",
            f"/register?after={middle}",
            "/register?number=X0000300000",
            "/register?ipc=H01M",
            "/register?district=310112&state=in_effect",
        ),
    }
    figures: list[Figure] = []
    for whose, session_id, own in sessions:
        client = app.test_client()
        with client.session_transaction() as session:
            session["locale"] = "zh"
            if session_id is not None:
                session["_user_id"], session["_fresh"] = session_id, True
        addresses = pages[whose.split()[-1]] + ((f"/licences/{own}",) if whose.endswith("firm") else ())
        for address in addresses:
            wall, _ = _times(client, address, None)
            what = address.replace(str(middle), "middle").replace(f"/{own}", "/…")
            figures.append((f"{kind}: {whose}, {what}, 95th percentile (aim ≤ {AIM})", _ms(_p95(wall)), "ms"))
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return figures


def _load(count: int) -> list[tuple[str, str | None, int]]:
    """Licences straight into their table; who looks: name, session, and a licence of theirs."""
    chance, now, day = random.Random(5), clock.now(), dt.date(2026, 9, 2)
    with unit_of_work():
        holders = [factories.organisation() for _ in range(HOLDERS)]
        offers = [factories.live_offer(holders[n % HOLDERS]) for n in range(OFFERS)]
        firms = [factories.organisation() for _ in range(FIRMS)]
        places = [(one.id, one.patent_id) for one in offers]
        lookers = {"large holder": holders[0], "small holder": holders[-1], "large firm": firms[0]}
        lookers["small firm"] = firms[-1]
        people = {name: factories.user(one).get_id() for name, one in lookers.items()}
        firm_ids, looking = [one.id for one in firms], {name: one.id for name, one in lookers.items()}
    owned: dict[int, int] = {}
    for first in range(1, count + 1, 10_000):
        rows: list[dict[str, Any]] = []
        for key in range(first, min(first + 10_000, count + 1)):
            offer_id, patent_id = places[int(OFFERS * chance.random() ** 2)]
            licensee_id = firm_ids[int(FIRMS * chance.random() ** 2)]
            owned[licensee_id] = key
            recorded = key % 3 == 0
            rows.append(
                {
                    "id": key,
                    "version": 1,
                    "number": f"XK{key:012d}",
                    "kind": "open",
                    "state": "in_effect",
                    "evidence": "platform",
                    "offer_id": offer_id,
                    "patent_id": patent_id,
                    "licensee_id": licensee_id,
                    "effective_at": now,
                    "effective_on": day,
                    "term_to": dt.date(2031, 8, 31),
                    "offer_term_to": dt.date(2031, 8, 31),
                    "agreed_end": "none",
                    "currency": "CNY",
                    "amount_minor": 5_000_000,
                    "recordal_state": "recorded" if recorded else "to_do",
                    "recordal_number": f"X{key:010d}" if recorded else None,
                    "recorded_on": dt.date(2026, 10, 8) if recorded else None,
                    "recordal_due_on": dt.date(2026, 12, 2),
                    "created_at": now,
                }
            )
        with unit_of_work():
            db.session.execute(sa.insert(Licence.__table__), rows)
    seen = [(name, people[name], owned.get(looking[name], 1)) for name in people]
    return [*seen, ("a visitor", None, 1)]
