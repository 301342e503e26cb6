"""How fast the index of 100,000 offers is built, how soon an announcement is found, and the memory for it.

A rebuild goes the whole way, from rows in a database to a verified generation that answers. Beside it stands
what each engine alone makes of documents that are analysed already, in the same run: that part is not ours.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import flask_migrate
import sqlalchemy as sa
import tantivy
from elasticsearch import Elasticsearch
from flask import Flask, current_app

import config
from benchmarks.search import QUERIES
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.readers import lag, wall
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.search import engines, generations, indexer
from marketplace.search.document import OfferDocument
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.tree import index_fields
from tests.search.corpus import offer
from tests.services import elasticsearch as server
from tests.services import process

OFFERS = 100_000
HOLDERS = 400
ALONE = 20_000  # documents that each engine is given without us
WRITES = 50  # a second
SECONDS = 20
WORKERS = 2
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement; without Elasticsearch those of the embedded engine only."""
    figures: list[Figure] = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"INSTANCE_DIR": folder, "SEARCH_ENGINE": "embedded"}
        app = create_app(config.Settings.from_environment(environment))
        with app.app_context():
            flask_migrate.upgrade()
            fill(OFFERS)
        figures += _measure(app, environment, first=OFFERS + 1)
        if server.find() is not None:
            environment |= {
                "SEARCH_ENGINE": "elasticsearch",
                "ELASTICSEARCH_URL": stack.enter_context(server.serve(heap="1g")),
            }
            app = create_app(config.Settings.from_environment(environment))
            figures += _measure(app, environment, first=OFFERS + 1 + WRITES * SECONDS)
    return figures


def _measure(app: Flask, environment: dict[str, str], *, first: int) -> list[Figure]:
    kind = environment["SEARCH_ENGINE"]
    with app.app_context():
        begun = time.perf_counter()
        built = generations.rebuild()["documents"]
        rebuild = time.perf_counter() - begun
        begun = time.process_time()
        documents = list(indexer.documents(indexer.all_ids()[:ALONE]))
        read = ALONE / (time.process_time() - begun)
        begun = time.perf_counter()
        engines.engine().create("given")
        engines.engine().write("given", documents)
        given = ALONE / (time.perf_counter() - begun)
        engines.engine().drop("given")
        alone = ALONE / (_embedded_alone if kind == "embedded" else _elasticsearch_alone)(documents)
        figures: list[Figure] = [
            (f"{kind}: rebuild {built:,} offers, verified", round(rebuild, 1), "s"),
            (f"{kind}: rebuild", round(built / rebuild), "offers/s"),
            (f"{kind}: make documents of rows, processor time", round(read), "documents/s"),
            (f"{kind}: write documents that are loaded", round(given), "offers/s"),
            (f"{kind}: the engine alone, documents analysed before", round(alone), "offers/s"),
            (f"{kind}: a rebuild takes, of the engine alone", round(alone / (built / rebuild), 1), "times"),
        ]
        late = _announced(first, WRITES * SECONDS)
    waits = _found_after(app, environment, late)
    figures += [
        (f"{kind}: announced to found, {WRITES} writes/s, median", round(waits[len(waits) // 2], 2), "s"),
        (f"{kind}: announced to found, 95th percentile", round(waits[int(len(waits) * 0.95)], 2), "s"),
        (f"{kind}: announced to found, longest", round(waits[-1], 2), "s"),
    ]
    figures += [(f"{kind}: {what}", memory, "MB") for what, memory in _memory(environment).items()]
    return figures


def _embedded_alone(documents: list[OfferDocument]) -> float:
    """Seconds that tantivy takes for documents that are made already."""
    with tempfile.TemporaryDirectory() as name:
        EmbeddedEngine(Path(name)).create("bare")
        index = tantivy.Index.open(str(Path(name) / "bare"))
        index.register_tokenizer(
            "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        )
        made = []
        for document in documents:
            texts, keywords, integers = index_fields(document)
            held = tantivy.Document()
            for field, text in texts.items():
                held.add_text(field, text)
            for field, values in keywords.items():
                for value in values:
                    held.add_text(field, value)
            for field, number in integers.items():
                held.add_integer(field, number)
            held.add_bytes("digest", document.digest.encode())
            held.add_bytes("source", document.to_json().encode())
            made.append(held)
        begun = time.perf_counter()
        writer = index.writer(64_000_000, 1)
        for held in made:
            writer.add_document(held)
        writer.commit()
        writer.wait_merging_threads()
        return time.perf_counter() - begun


def _elasticsearch_alone(documents: list[OfferDocument]) -> float:
    """Seconds that Elasticsearch takes for bulk requests of documents that are made already."""
    url = current_app.config["SETTINGS"].elasticsearch_url
    bare = ElasticsearchEngine(url, prefix="bare-")
    bare.create("bare")
    lines: list[dict[str, Any]] = []
    for document in documents:
        texts, keywords, integers = index_fields(document)
        held = {**texts, **{name: list(values) for name, values in keywords.items()}, **integers}
        held |= {"digest": document.digest, "source": document.to_json()}
        lines += [{"index": {"_id": document.id}}, held]
    with contextlib.closing(Elasticsearch(url, request_timeout=60)) as client:
        begun = time.perf_counter()
        for start in range(0, len(lines), 1000):
            client.bulk(index="bare-bare", operations=lines[start : start + 1000])
        client.indices.refresh(index="bare-bare")
        taken = time.perf_counter() - begun
    bare.drop("bare")
    bare.close()
    return taken


def _announced(first: int, count: int) -> list[int]:
    """Offers that wait for their announcement to be verified; their ids."""
    with unit_of_work():
        part = [offer(number) for number in range(first, first + count)]
        now = clock.now()
        _insert(Patent, [_patent(first + n, document, now) for n, document in enumerate(part)])
        _insert(PatentClass, list(_classes(first, part)))
        _insert(
            PatentParty,
            [{"patent_id": first + n, "position": 0, "organisation_id": 1} for n in range(count)],
        )
        rows = [_offer(first + n, document, now) for n, document in enumerate(part)]
        _insert(Offer, [row | {"evidence": "holder_stated", "status": "announced"} for row in rows])
    return list(range(first, first + count))


def _found_after(app: Flask, environment: dict[str, str], ids: list[int]) -> list[float]:
    """Verify these at an even pace while workers run; the seconds until each was found, in order."""
    told: dict[str, float] = {}
    waits: dict[str, float] = {}
    done = threading.Event()

    def look() -> None:
        with app.app_context():
            live = generations.live(environment["SEARCH_ENGINE"])
            name = "" if live is None else live.name
            db.session.remove()
            while len(waits) < len(ids) and not done.wait(0.05):
                wanted = [id_ for id_ in list(told) if id_ not in waits]
                if not wanted:
                    continue
                found = engines.engine().scores(
                    name, {"一种": 1.0}, {"一": 1.0}, ids=wanted, size=len(wanted)
                )
                now = time.perf_counter()
                waits.update((row.id, now - told[row.id]) for row in found if row.id in told)

    command = [str(Path(sys.executable).with_name("marketplace")), "worker"]
    workers = [
        subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
        for _ in range(WORKERS)
    ]
    watcher = threading.Thread(target=look)
    try:
        _settle(app, environment["SEARCH_ENGINE"])
        watcher.start()
        begun = time.perf_counter()
        for place, number in enumerate(ids):
            with app.app_context(), unit_of_work():
                row = db.session.get_one(Offer, number)
                row.evidence = "verified"
                record("offer.verified", row)
            told[str(number)] = time.perf_counter()
            time.sleep(max(0.0, begun + (place + 1) / WRITES - time.perf_counter()))
        watcher.join(60)
    finally:
        done.set()
        for worker in workers:
            worker.terminate()
            worker.wait()
    if len(waits) < len(ids):
        raise RuntimeError(f"{len(ids) - len(waits)} of {len(ids)} announcements were not found")
    return sorted(waits.values())


def _settle(app: Flask, kind: str) -> None:
    """Wait until the workers have started and read the journal to its end."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        with app.app_context():
            generation = generations.live(kind)
            waiting = db.session.scalar(
                sa.select(sa.func.count()).select_from(Task).where(Task.due_at <= wall())
            )
            if generation is not None and lag(generation.reader) == 0 and not waiting:
                return
        time.sleep(0.2)
    raise RuntimeError("the workers do not come to rest")


def _memory(environment: dict[str, str]) -> dict[str, float]:
    """Anonymous memory in MB of a web process that has answered searches and pages.

    It is told again after a search that found nothing, for which the table of pinyin is read.
    """
    (port,) = process.free_ports(1)
    command = [
        sys.executable, "-m", "gunicorn", "wsgi:app", "--worker-class", "gthread", "--threads", "8",
        "--workers", "1", "--bind", f"127.0.0.1:{port}", "--no-control-socket",
    ]  # fmt: skip
    web = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        _read(f"http://127.0.0.1:{port}/healthz", patience=60)
        for _ in range(5):
            for query in QUERIES:
                asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
                _read(f"http://127.0.0.1:{port}/offers?{asked}")
                _read(f"http://127.0.0.1:{port}/api/v1/offers?{asked}")
            _read(f"http://127.0.0.1:{port}/")
        found = {"web process, pages of files aside": _anonymous(web.pid)}
        _read(f"http://127.0.0.1:{port}/api/v1/offers?q={quote('里离子店池灰收')}")
        return {**found, "the same after a search that found nothing": _anonymous(web.pid)}
    finally:
        web.terminate()
        web.wait()


def _anonymous(server: int) -> float:
    """Anonymous memory in MB of the first process that a server has forked."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    return round(kilobytes / 1024)


def _read(address: str, patience: float = 0.0) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                answer.read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def fill(count: int) -> None:
    """Put `count` verified offers into the database, with texts, classes and one or two owners."""
    chance = random.Random(20261124)
    now = clock.now()
    with unit_of_work():
        owners = [
            {
                "id": number, "version": 1, "name": f"示例单位{number}", "type": "university",
                "region": f"3101{chance.choice(('04', '05', '10', '12', '15'))}", "created_at": now,
            }
            for number in range(1, HOLDERS + 1)
        ]  # fmt: skip
        _insert(Organisation, owners)
        for first in range(1, count + 1, 10_000):
            part = [offer(number) for number in range(first, min(first + 10_000, count + 1))]
            _insert(Patent, [_patent(first + n, document, now) for n, document in enumerate(part)])
            _insert(PatentClass, list(_classes(first, part)))
            parties = [
                {"patent_id": first + n, "position": place, "organisation_id": owner}
                for n, document in enumerate(part)
                for place, owner in enumerate(chance.sample(range(1, HOLDERS + 1), len(document.owners)))
            ]
            _insert(PatentParty, parties)
            _insert(Offer, [_offer(first + n, document, now) for n, document in enumerate(part)])


def _insert(model: type, rows: list[dict[str, Any]]) -> None:
    db.session.execute(sa.insert(model), rows)


def _patent(number: int, document: OfferDocument, now: object) -> dict[str, Any]:
    return {
        "id": number, "version": 1, "number": document.patent_number, "kind": document.kind,
        "publication_number": document.publication_number, "title": document.title,
        "title_en": document.title_en, "abstract": document.abstract, "abstract_en": document.abstract_en,
        "application": document.application, "problem": document.problem, "advantage": document.advantage,
        "district": document.district, "expires_on": document.term_to, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _classes(start: int, part: list[OfferDocument]) -> Iterator[dict[str, Any]]:
    for number, document in enumerate(part, start):
        for place, symbol in enumerate(document.ipc):
            yield {"patent_id": number, "position": place, "symbol": symbol.replace(" ", "")}


def _offer(number: int, document: OfferDocument, now: object) -> dict[str, Any]:
    return {
        "id": number, "version": 1, "patent_id": number, "holder_id": 1 + number % HOLDERS,
        "status": document.status, "evidence": "verified", "announced_on": document.announced_on,
        "declaration_number": document.declaration_number, "fee_form": document.fee_form,
        "fee_minor": document.fee_minor, "currency": "CNY", "rate_percent": document.rate_percent,
        "rate_base": document.rate_base, "channels": [], "duty_bars": [], "term_to": document.term_to,
        "created_at": now,
    }  # fmt: skip
