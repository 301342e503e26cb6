"""Index generations on both databases and both engines: built, flipped, rolled back, verified, ensured."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Iterable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core import clock, tasks
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.readers import JournalCursor, lag, place
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.listings.models import Offer, Patent
from marketplace.search import generations, indexer
from marketplace.search.document import OfferDocument
from marketplace.search.engine import EngineUnavailable
from marketplace.search.engines import engine
from marketplace.search.models import SearchGeneration
from marketplace.search.services import search
from tests import factories
from tests.search.corpus import offer as document


def publish(title: str) -> int:
    """A verified offer with that title, announced in a unit of work of its own; its id."""
    with unit_of_work():
        holder = factories.organisation()
        offer = factories.live_offer(holder, factories.patent(holder, title=title))
        record("offer.verified", offer, organisation_id=holder.id)
        return offer.id


def retitle(offer_id: int, title: str) -> None:
    with unit_of_work():
        patent = lock(Patent, db.session.get_one(Offer, offer_id).patent_id)
        patent.title = title
        record("patent.changed", patent)


def states_of_generations() -> dict[str, str]:
    rows = db.session.execute(sa.select(SearchGeneration.name, SearchGeneration.state))
    return {row.name: row.state for row in rows}


def found(q: str) -> list[int]:
    return [int(hit.document.id) for hit in search({"q": q}).page.items]


def work(app: Flask) -> None:
    assert Worker(app).drain() == 0


def test_the_first_worker_builds_the_index_by_itself(installation: Flask) -> None:
    with installation.app_context():
        offer_id = publish("一种含镍废水的除镍装置")
    work(installation)
    with installation.app_context():
        assert found("废水除镍") == [offer_id]
        status = generations.status()
        assert status["lag"] == 0
        assert status["counts"] == {"documents": 1, "live": 1}


def test_a_rebuild_flips_to_the_new_generation_and_keeps_the_old_one_reading(installation: Flask) -> None:
    with installation.app_context():
        first = publish("一种含镍废水的除镍装置")
        old = generations.rebuild()
        new = generations.rebuild()
        assert new["previous"] == old["generation"]
        assert new["documents"] == 1
        second = publish("一种除镍树脂")
    work(installation)
    with installation.app_context():
        assert sorted(found("除镍")) == [first, second]
        for generation in db.session.scalars(sa.select(SearchGeneration)):
            assert lag(generation.reader) == 0
            assert sum(1 for _ in engine().scan(generation.name)) == 2


def test_going_back_is_flipping_back_and_nothing_is_missing_there(installation: Flask) -> None:
    with installation.app_context():
        first = generations.rebuild()["generation"]
        with pytest.raises(Conflict) as refused:
            generations.rollback()
        assert refused.value.code == "no-earlier-index"
        second = generations.rebuild()["generation"]
        offer_id = publish("一种磁力泵的密封结构")
        back = generations.rollback()  # no worker has run: it reads the journal to its end by itself
        assert (back["generation"], back["previous"]) == (first, second)
        assert found("磁力泵 密封") == [offer_id]
        third = generations.rebuild()["generation"]  # keeps what it replaces, not what is youngest
        assert states_of_generations() == {first: "ready", second: "dropped", third: "ready"}
        assert generations.rollback()["generation"] == first


def test_the_generation_before_the_previous_one_is_dropped_with_its_cursor(installation: Flask) -> None:
    with installation.app_context():
        publish("一种磁力泵的密封结构")
        names = [generations.rebuild()["generation"] for _ in range(3)]
        states = states_of_generations()
        assert states == {names[0]: "dropped", names[1]: "ready", names[2]: "ready"}
        cursors = set(db.session.scalars(sa.select(JournalCursor.reader)))
        assert {f"search:{names[1]}", f"search:{names[2]}"} <= cursors
        assert f"search:{names[0]}" not in cursors


def test_a_rebuild_while_writes_go_on_misses_none_of_them(installation: Flask) -> None:
    stop = threading.Event()
    written: list[int] = []
    errors: list[BaseException] = []

    def write() -> None:
        try:
            while not stop.wait(0.02):  # SQLite hands its lock to whoever asks first: leave a gap
                with installation.app_context():
                    written.append(publish("一种轴承套圈的淬火方法"))
                with installation.app_context():
                    retitle(written[0], f"一种轴承套圈的渗碳方法{len(written)}")
        except BaseException as error:
            errors.append(error)

    with installation.app_context():
        for _ in range(5):
            publish("一种轴承套圈的淬火方法")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with installation.app_context():
            generations.rebuild()
            generations.rebuild()
    finally:
        stop.set()
        writer.join()
    assert not errors
    assert len(written) > 2
    work(installation)
    with installation.app_context():
        verified = generations.verify()
        assert (verified["missing"], verified["different"], verified["surplus"]) == (0, 0, 0)
        assert verified["compared"] == len(written) + 5
        assert not verified["rebuilt"]


def test_verify_finds_planted_drift_and_repairs_it(installation: Flask) -> None:
    with installation.app_context():
        stays, drifts = publish("一种磁力泵的密封结构"), publish("一种轴承套圈的淬火方法")
        name = generations.rebuild()["generation"]
        (planted,) = indexer.documents([drifts])
        engine().write(name, [dataclasses.replace(planted, title="一种被改动的名称")])
        with unit_of_work():  # a row that changed without an entry: the index does not hear of it
            db.session.execute(
                sa.update(Patent)
                .where(Patent.id == db.session.get_one(Offer, stays).patent_id)
                .values(abstract="改动")
            )
        verified = generations.verify()
        assert (verified["different"], verified["equal"], verified["rebuilt"]) == (2, True, False)
        assert found("被改动的名称") == []
        assert found("轴承 淬火") == [drifts]
        assert generations.verify()["different"] == 0


def test_verify_builds_anew_what_cannot_be_repaired(installation: Flask) -> None:
    with installation.app_context():
        offer_id = publish("一种磁力泵的密封结构")
        name = generations.rebuild()["generation"]
        (true,) = indexer.documents([offer_id])
        ghost = document(1, id="999999", version=1, live=True)
        # An index that is ahead of its database, as after the restore of a backup, takes no older versions.
        ahead = dataclasses.replace(true, title="来自未来的名称", version=true.version + 1000)
        engine().write(name, [ghost, ahead])
        verified = generations.verify()
        assert (verified["different"], verified["surplus"]) == (1, 1)
        assert verified["rebuilt"]
        assert verified["generation"] != name
        assert found("磁力泵") == [offer_id]
        assert generations.verify() == {
            "engine": engine().name,
            "generation": verified["generation"],
            "compared": 1,
            "missing": 0,
            "different": 0,
            "surplus": 0,
            "equal": True,
            "rebuilt": False,
        }


def test_an_offer_that_is_behind_the_cursor_is_no_difference(installation: Flask) -> None:
    with installation.app_context():
        publish("一种磁力泵的密封结构")
        generations.rebuild()
        late = publish("一种轴承套圈的淬火方法")
        assert found("轴承 淬火") == []
        assert generations.verify()["missing"] == 0
    work(installation)
    with installation.app_context():
        assert found("轴承 淬火") == [late]


def test_a_generation_left_unfinished_is_read_by_nobody_and_dropped_after_an_hour(
    installation: Flask,
) -> None:
    with installation.app_context():
        offer_id = publish("一种磁力泵的密封结构")
        live = generations.rebuild()["generation"]
        with unit_of_work():
            left = SearchGeneration(
                name="left", engine=engine().name, state="building", live=False,
                signature="1/1", created_at=clock.now() - dt.timedelta(minutes=59),
            )  # fmt: skip
            db.session.add(left)
            place(left.reader, 0)
        assert [reader.name for reader in generations.readers()] == [f"search:{live}"]
        generations.ensure()
        assert states_of_generations() == {live: "ready", "left": "building"}
        with clock.at(clock.now() + dt.timedelta(minutes=2)):
            generations.ensure()
        assert states_of_generations() == {live: "ready", "left": "dropped"}
        assert found("磁力泵") == [offer_id]


def test_an_index_that_was_deleted_is_built_again(installation: Flask) -> None:
    with installation.app_context():
        offer_id = publish("一种磁力泵的密封结构")
        name = generations.rebuild()["generation"]
        engine().drop(name)
        generations.ensure()
        assert found("磁力泵") == [offer_id]
        states = states_of_generations()
        assert states.pop(name) == "dropped"
        assert list(states.values()) == ["ready"]


def test_an_index_of_an_older_analysis_is_built_again_and_answers_until_then(installation: Flask) -> None:
    with installation.app_context():
        offer_id = publish("一种磁力泵的密封结构")
        name = generations.rebuild()["generation"]
        with unit_of_work():
            generation = db.session.scalar(sa.select(SearchGeneration).where(SearchGeneration.name == name))
            assert generation is not None
            generation.signature = "0/old"
        assert found("磁力泵") == [offer_id]
        generations.ensure()
        live = generations.live(engine().name)
        assert live is not None
        assert live.name != name
        generations.ensure()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SearchGeneration)) == 2


def test_without_any_generation_search_is_unavailable_and_verify_says_so(installation: Flask) -> None:
    with installation.app_context():
        with pytest.raises(Conflict) as refused:
            generations.verify()
        assert refused.value.code == "index-missing"
        with pytest.raises(EngineUnavailable):
            search({"q": "泵"})


def test_a_rebuild_longer_than_the_lease_of_its_task_is_done_once(
    installation: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LEASE", dt.timedelta(seconds=5))  # making an index takes a second or two
    monkeypatch.setattr(indexer, "BATCH", 1)
    with installation.app_context():
        for _ in range(8):
            publish("一种含镍废水的除镍装置")
        with unit_of_work():
            tasks.enqueue("search.rebuild", key="requested")
    load = indexer.documents

    def slowly(offer_ids: Iterable[int]) -> Iterator[OfferDocument]:
        for loaded in load(offer_ids):
            time.sleep(0.8)
            yield loaded

    monkeypatch.setattr(indexer, "documents", slowly)
    errors: list[BaseException] = []

    def take() -> None:
        try:
            left = 1
            while left:
                with installation.app_context():
                    tasks.run_next({"search.rebuild": generations.rebuild})
                    left = db.session.scalar(sa.select(sa.func.count()).select_from(tasks.Task)) or 0
                    db.session.rollback()
                time.sleep(0.05)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with installation.app_context():
        assert list(states_of_generations().values()) == ["ready"]
        assert generations.status()["counts"] == {"documents": 8, "live": 8}


def test_the_status_counts_without_reading_the_documents(
    installation: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation.app_context():
        for _ in range(3):
            publish("一种除镍树脂")
        with unit_of_work():
            offer = lock(Offer, 1)
            offer.status, offer.withdrawn_on = "withdrawn", clock.today()
            record("offer.withdrawn", offer)
        generations.rebuild()
        monkeypatch.setattr(type(engine()), "scan", None)
        assert generations.status()["counts"] == {"documents": 3, "live": 2}
