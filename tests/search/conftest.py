import collections.abc
import itertools
import pathlib
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.app import create_app
from marketplace.core.database import db
from marketplace.search import engines
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.models import SearchGeneration
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
