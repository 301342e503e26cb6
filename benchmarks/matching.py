"""How fast offers are found for a demand, and demands for a new offer, among 100,000 of each.

Titles are those of `../shared/data/patents/gazette_2019_07.tsv`, with a short abstract put together from
other titles; without that file the titles are the invented ones of the search benchmark, which are far more
alike: the figures then say less.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa

import config
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands.models import Demand, DemandTerm
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.matching import reverse
from marketplace.matching.services import match_text
from marketplace.search import analysis, generations
from tests import factories
from tests.search.corpus import offer as invented
from tests.services import postgresql

OFFERS = DEMANDS = 100_000
ROUNDS = 60
BATCH = 5_000
GAZETTE = Path(__file__).parents[2] / "shared" / "data" / "patents" / "gazette_2019_07.tsv"
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement, on SQLite and on PostgreSQL."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        figures += _measure("sqlite", {"INSTANCE_DIR": f"{name}/sqlite"})
        with postgresql.serve() as url:
            figures += _measure("postgresql", {"INSTANCE_DIR": f"{name}/pg", "DATABASE_URL": url})
    return figures


def _titles() -> list[tuple[str, str]]:
    """Title and IPC symbol of real patents, or of invented ones."""
    if not GAZETTE.is_file():
        return [(row.title, row.ipc[0]) for row in map(invented, range(5_000))]
    with GAZETTE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return [
            (row["title"], row["ipc"].split(";")[0].strip()) for row in rows if row["title"] and row["ipc"]
        ]


def _measure(name: str, environment: dict[str, str]) -> list[Figure]:
    app = create_app(config.Settings.from_environment(environment))
    titles, pick = _titles(), random.Random(1)
    with app.app_context():
        flask_migrate.upgrade()
        _load(titles, pick)
        generations.rebuild()
        if db.session.get_bind().dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))  # as the server does by itself in the end
        needs = [
            f"{pick.choice(titles)[0]}。{'，'.join(t for t, _ in pick.sample(titles, 6))}"
            for _ in range(ROUNDS)
        ]
        offers = list(
            db.session.scalars(
                sa.select(Offer).where(Offer.id.in_(pick.sample(range(1, OFFERS), ROUNDS)))
            ).unique()
        )
        forward = _times(lambda n: match_text(needs[n], 20))
        backward = _times(lambda n: reverse.demands_near(offers[n]))
        db.session.remove()
        db.engine.dispose()
    return [
        (f"{name}: 20 offers with reasons for a demand, median", round(statistics.median(forward), 1), "ms"),
        (f"{name}: the same, 95th percentile", round(forward[int(0.95 * len(forward))], 1), "ms"),
        (f"{name}: demands for a new offer, median", round(statistics.median(backward), 1), "ms"),
        (f"{name}: the same, 95th percentile", round(backward[int(0.95 * len(backward))], 1), "ms"),
    ]


def _times(call: Callable[[int], object]) -> list[float]:
    """Milliseconds of every round, sorted; five others warm up."""
    for n in range(5):
        call(n)
    times = []
    for n in range(ROUNDS):
        db.session.expire_all()
        start = time.perf_counter()
        call(n)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def _load(titles: list[tuple[str, str]], pick: random.Random) -> None:
    with unit_of_work():
        holder, firm = factories.organisation(), factories.organisation()
        sample = factories.live_offer(holder, factories.patent(holder))
        plain = _plain(sample)
        _many(Patent, _patents(titles, pick, plain[Patent]))
        first = sample.patent_id + 1
        ids = range(first, first + OFFERS)
        _many(PatentParty, ({**plain[PatentParty], "patent_id": n} for n in ids))
        symbols = itertools.cycle(titles)
        _many(PatentClass, ({**plain[PatentClass], "patent_id": n, "symbol": next(symbols)[1]} for n in ids))
        _many(Offer, ({**plain[Offer], "patent_id": n, "declaration_number": None} for n in ids))
        _demands(titles, pick, firm)
    db.session.expire_all()


def _plain(sample: Offer) -> dict[type, dict[str, Any]]:
    """The columns of one good row of each table, without its key."""
    rows = (sample.patent, sample.patent.parties[0], sample.patent.classes[0], sample)
    return {
        type(row): {
            column.key: getattr(row, column.key)
            for column in sa.inspect(type(row)).column_attrs
            if column.key != "id"
        }
        for row in rows
    }


def _patents(
    titles: list[tuple[str, str]], pick: random.Random, plain: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    turns = itertools.cycle(titles)
    for serial in range(OFFERS):
        title = next(turns)[0]
        abstract = "，".join(t for t, _ in pick.sample(titles, 4))
        yield {
            **plain, "number": f"20191{serial:07}.0", "publication_number": None, "title": title,
            "abstract": abstract,
        }  # fmt: skip


def _demands(titles: list[tuple[str, str]], pick: random.Random, firm: Organisation) -> None:
    words = [list(dict.fromkeys(reverse.offer_words(Patent(title=title)))) for title, _ in titles]
    counts = Counter(word for row in words for word in row)
    rare = [[word for word in row if counts[word] <= 0.02 * len(words)] for row in words]
    now, today = clock.now(), clock.today()
    _many(
        Demand,
        (
            {
                "organisation_id": firm.id, "state": "published", "title": titles[n % len(titles)][0],
                "description": "", "ipc": [], "published_on": today, "created_at": now, "version": 1,
                "posted_by": "firm", "named": True, "answer_by": today + dt.timedelta(days=60),
            }
            for n in range(DEMANDS)
        ),
    )  # fmt: skip
    ids = list(db.session.scalars(sa.select(Demand.id)))

    def terms() -> Iterator[dict[str, Any]]:
        for demand_id in ids:
            chosen = {word for row in pick.sample(rare, 7) for word in row}
            for word in sorted(chosen, key=lambda one: (counts[one], one))[:25]:
                yield {
                    "demand_id": demand_id,
                    "term": word,
                    "weight": round(10 / (1 + counts[word]) ** 0.5, 3),
                }

    _many(DemandTerm, terms())


def _many(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(itertools.islice(rows, BATCH)):
        db.session.execute(sa.insert(model), batch)


if __name__ == "__main__":
    assert analysis.terms("热身")
    for what, figure, unit in run():
        print(what, figure, unit)
