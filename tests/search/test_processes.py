"""The embedded engine under several processes, some of which die."""

import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import EngineUnavailable, GenerationMissing
from marketplace.search.query import parse
from tests.search.corpus import offer

WRITER = """
import pathlib, sys
from marketplace.search.embedded import EmbeddedEngine
from tests.search.corpus import offer
engine = EmbeddedEngine(pathlib.Path(sys.argv[1]))
first, step, batches = map(int, sys.argv[2:])
for batch in range(batches):
    serials = range(first + batch * step * 10, first + (batch + 1) * step * 10, step)
    engine.write("g", [offer(serial, live=True, version=batch) for serial in serials])
    print(batch, flush=True)
"""


def writer(folder: pathlib.Path, first: int, step: int, batches: int) -> subprocess.Popen[str]:
    root = pathlib.Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(step), str(batches)]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def total(engine: EmbeddedEngine) -> int:
    return engine.search("g", parse({})).total


def test_what_another_process_wrote_is_found_by_the_next_search(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    assert total(engine) == 0
    with writer(folder, 0, 1, 1) as process:
        assert process.stdout.readline() == "0\n"
        assert total(engine) == 10


def test_several_writing_processes_wait_for_each_other_and_lose_nothing(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    processes = [writer(folder, first, 3, 8) for first in range(3)]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert total(engine) == 240
    assert len({scanned.id for scanned in engine.scan("g")}) == 240


def test_killed_writers_leave_every_acknowledged_batch_and_no_partial_one(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    expected = 0
    for turn in range(6):
        with writer(folder, turn * 100_000, 1, 10_000) as process:
            acknowledged = 0
            while acknowledged <= turn * 2:
                assert process.stdout.readline()
                acknowledged += 1
            os.kill(process.pid, signal.SIGKILL)
            acknowledged += len(process.stdout.read().splitlines())
        held = total(engine) - expected
        assert held in (acknowledged * 10, (acknowledged + 1) * 10)  # one may be committed but not yet said
        expected += held
        assert len(list(engine.scan("g"))) == expected
    assert engine.write("g", [offer(1, live=True, version=9)]).written == 1


def test_a_closed_engine_opened_again_holds_what_was_written(folder):
    first = EmbeddedEngine(folder)
    first.create("g")
    first.write("g", [offer(serial, live=True) for serial in range(5)])
    first.close()
    assert total(EmbeddedEngine(folder)) == 5


def test_a_process_forked_after_the_index_was_opened_sees_later_writes(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    assert total(engine) == 0
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()

    def child():
        theirs.send(total(engine))
        theirs.recv()
        theirs.send(total(engine))

    process = fork.Process(target=child)
    process.start()
    try:
        assert ours.poll(20)
        assert ours.recv() == 0
        engine.write("g", [offer(1)])
        ours.send("look again")
        assert ours.poll(20)
        assert ours.recv() == 1
    finally:
        process.join(20)
        process.kill()


def test_a_generation_dropped_and_made_again_by_another_process_is_the_new_one(folder):
    reader, other = EmbeddedEngine(folder), EmbeddedEngine(folder)
    other.create("g")
    other.write("g", [offer(1)])
    assert total(reader) == 1
    other.drop("g")
    with pytest.raises(GenerationMissing):
        total(reader)
    other.create("g")
    assert total(reader) == 0


def test_a_generation_of_another_schema_is_not_asked(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    (folder / "g" / "schema-version").write_text("0")
    with pytest.raises(GenerationMissing, match="schema"):
        total(engine)


def test_a_damaged_index_is_an_engine_that_is_not_available(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")
    engine.close()
    (folder / "g" / "meta.json").write_text("{")
    with pytest.raises(EngineUnavailable):
        total(engine)


def test_a_source_of_documents_that_fails_leaves_the_index_as_it_was_and_unlocked(folder):
    engine = EmbeddedEngine(folder)
    engine.create("g")

    def failing():
        for serial in range(1500):
            yield offer(serial)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.write("g", failing())
    assert list(engine.scan("g")) == []
    assert engine.write("g", [offer(1)]).written == 1
