import collections.abc
import datetime as dt
import itertools
import pathlib
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts import past
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.search import engines, generations, suggestions
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.models import SearchGeneration
from tests import factories
from tests.conftest import Databases, settings_for
from tests.search.corpus import OFFERS


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[SearchEngine]:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("embedded"))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def elasticsearch(elasticsearch_url: str) -> collections.abc.Iterator[SearchEngine]:
    engine = ElasticsearchEngine(elasticsearch_url, prefix=f"contract-{uuid.uuid4().hex}-")
    yield engine
    engine.close()


@pytest.fixture(params=["embedded", "elasticsearch"])
def engine(request: pytest.FixtureRequest) -> SearchEngine:
    """Each engine in turn, with the invented catalogue in its generation `catalogue`."""
    return filled(request.getfixturevalue(request.param))


def filled(engine: SearchEngine) -> SearchEngine:
    """`engine` with the invented catalogue written once."""
    engine.create("catalogue")
    if not any(engine.scan("catalogue")):
        assert engine.write("catalogue", OFFERS).written == len(OFFERS)
    return engine


_serial = itertools.count()


@pytest.fixture
def generation(engine: SearchEngine) -> collections.abc.Iterator[str]:
    """A generation of its own for one test."""
    name = f"scratch-{next(_serial)}"
    engine.create(name)
    yield name
    engine.drop(name)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where an embedded engine of several processes lives."""
    return tmp_path / "indexes"


@pytest.fixture(params=["embedded", "elasticsearch"])
def installation(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: pathlib.Path
) -> collections.abc.Iterator[Flask]:
    """An application with a database of its own, real commits, and each engine in turn."""
    environment = {"SEARCH_ENGINE": request.param}
    if request.param == "elasticsearch":
        environment["ELASTICSEARCH_URL"] = request.getfixturevalue("elasticsearch_url")
    app = create_app(settings_for(databases.copy(), tmp_path, **environment))
    app.testing = True
    yield app
    with app.app_context():
        for generation in db.session.scalars(sa.select(SearchGeneration)):
            engines.engine().drop(generation.name)
        db.session.remove()
        db.engine.dispose()
        engines.engine().close()


TITLES = (
    ("一种锂离子电池的回收装置", "Recycling device for lithium batteries", "H01M10/54"),
    ("一种离心泵的密封结构", "Seal of a centrifugal pump", "F04D29/10"),
    ("隔膜的涂覆方法", "Coating of separators", "H01M50/40"),
    ("一种激光雷达", "", "G01S17/89"),
)


@pytest.fixture(scope="module")
def market(
    sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> collections.abc.Iterator[Flask]:
    """An application with a few offers in its index and its suggestions."""
    app = create_app(settings_for(sqlite_databases.copy(), tmp_path_factory.mktemp("market")))
    with app.app_context():
        with unit_of_work():
            holder = factories.organisation("虚构理工大学", name_en="Invented Polytechnic", type="university")
            for title, title_en, symbol in TITLES:
                patent = factories.patent(holder, title=title, title_en=title_en, abstract=None)
                patent.classes[0].symbol = symbol
                factories.live_offer(holder, patent, fee_form="free", fee_minor=None)
            past.change(holder, {"name": "虚构科技大学"}, since=clock.today() - dt.timedelta(days=30))
            record("organisation.renamed", holder)
        generations.rebuild()
        suggestions.refresh()
    yield app
    with app.app_context():
        db.engine.dispose()
