"""Readers and tasks: once, in order, retried, put aside after five failures, paused while a part is away."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Mapping, Sequence

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.core import idempotency, readers, tasks, worker
from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.idempotency import IdempotencyKey
from marketplace.core.readers import DeadLetter, JournalCursor, Reader
from marketplace.core.tasks import Schedule, Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Work, Worker
from tests import factories
from tests.statements import statements


def write_entries(count: int) -> None:
    for _ in range(count):
        with unit_of_work():
            record("organisation.created", factories.organisation())


def forget_back_off() -> None:
    with unit_of_work():
        db.session.execute(sa.update(JournalCursor).values(retry_at=None))
        db.session.execute(sa.update(Task).values(due_at=readers.wall()))


def effects() -> list[str]:
    query = sa.select(Organisation.name).where(Organisation.type == "agency").order_by(Organisation.id)
    return list(db.session.scalars(query))


@pytest.mark.usefixtures("context")
class TestReaders:
    def test_a_reader_takes_every_entry_once_in_batches(self) -> None:
        write_entries(5)
        batches: list[list[int]] = []
        reader = Reader("r", inside=lambda entries: batches.append([e.id for e in entries]), batch=2)
        while readers.step(reader, "me"):
            pass
        assert batches == [[1, 2], [3, 4], [5]]
        assert readers.lag("r") == 0

    def test_a_reader_that_starts_now_does_not_repeat_history(self) -> None:
        write_entries(3)
        seen: list[int] = []
        reader = Reader("late", inside=lambda entries: seen.extend(e.id for e in entries), start="now")
        readers.step(reader, "me")
        write_entries(1)
        readers.step(reader, "me")
        assert seen == [4]

    def test_between_two_batches_any_worker_may_go_on(self) -> None:
        write_entries(3)
        seen: list[int] = []
        reader = Reader("r", inside=lambda entries: seen.extend(e.id for e in entries), batch=1)
        assert [readers.step(reader, worker) for worker in ("me", "other", "me")] == [1, 1, 1]
        assert seen == [1, 2, 3]

    def test_a_reader_whose_cursor_is_placed_reads_nothing_without_one(self) -> None:
        write_entries(3)
        seen: list[int] = []
        reader = Reader("p", inside=lambda entries: seen.extend(e.id for e in entries), start="placed")
        assert readers.step(reader, "me") == 0
        assert readers.position("p") is None
        with unit_of_work():
            readers.place("p", 2)
        assert readers.step(reader, "me") == 1
        assert seen == [3]

    def test_an_entry_that_fails_five_times_is_put_aside_and_the_rest_goes_on(self) -> None:
        write_entries(3)

        def take(entries: list[readers.JournalEntry]) -> None:
            for entry in entries:
                if entry.id == 2:
                    raise ValueError("broken")
                factories.organisation(f"effect of {entry.id}", type="agency")

        reader = Reader("r", inside=take)
        for _ in range(12):
            readers.step(reader, "me")
            forget_back_off()
        [letter] = db.session.scalars(sa.select(DeadLetter))
        assert (letter.source, letter.entry_id) == ("reader:r", 2)
        assert "broken" in letter.error
        # Entry 4 is the dead letter's own.
        assert effects() == ["effect of 1", "effect of 3", "effect of 4"]

    def test_effects_of_a_failed_batch_are_rolled_back_with_the_cursor(self) -> None:
        write_entries(2)

        def take(entries: list[readers.JournalEntry]) -> None:
            for entry in entries:
                factories.organisation(f"effect of {entry.id}", type="agency")
            if len(entries) > 1:
                raise ValueError

        while readers.step(Reader("r", inside=take), "me"):
            pass
        assert effects() == ["effect of 1", "effect of 2"]

    def test_a_part_that_is_away_pauses_the_reader_and_loses_nothing(self) -> None:
        write_entries(2)
        away = True
        seen: list[int] = []

        def outside(entries: list[readers.JournalEntry]) -> None:
            if away:
                raise Unavailable("search-unavailable", "away")
            seen.extend(e.id for e in entries)

        reader = Reader("r", outside=outside)
        for _ in range(10):
            assert readers.step(reader, "me") == 0
            forget_back_off()
        away = False
        assert readers.step(reader, "me") == 2
        assert seen == [1, 2]
        assert db.session.scalars(sa.select(DeadLetter)).all() == []

    def test_the_entries_of_a_batch_are_loaded_at_once(self) -> None:
        write_entries(20)
        reader = Reader("r", inside=lambda entries: [entry.action for entry in entries])
        with statements() as seen:
            assert readers.step(reader, "me") == 20
        assert len([text for text in seen if "FROM journal" in text and "journal_" not in text]) == 1

    def test_a_failure_that_is_told_after_the_lease_was_lost_moves_nothing(self) -> None:
        write_entries(2)

        def overtaken(_entries: list[readers.JournalEntry]) -> None:
            with unit_of_work():
                cursor = db.session.get_one(JournalCursor, "r")
                cursor.lease_owner, cursor.position, cursor.failures = "other", 2, 4
            raise ValueError("too late")

        assert readers.step(Reader("r", outside=overtaken, batch=1), "me") == 0
        cursor = db.session.get_one(JournalCursor, "r", populate_existing=True)
        assert (cursor.position, cursor.failures) == (2, 4)
        assert db.session.scalars(sa.select(DeadLetter)).all() == []


@pytest.mark.usefixtures("context")
class TestTasks:
    def test_a_task_is_done_once_and_gone(self) -> None:
        done: list[int] = []
        with unit_of_work():
            tasks.enqueue("add", number=3)
        assert tasks.run_next({"add": lambda number: done.append(number)}) is True
        assert tasks.run_next({}) is None
        assert done == [3]

    def test_the_same_key_is_not_added_twice_while_it_waits(self) -> None:
        with unit_of_work():
            tasks.enqueue("add", key="k", number=1)
            tasks.enqueue("add", key="k", number=2)
        assert db.session.scalars(sa.select(Task.arguments)).all() == [{"number": 1}]

    def test_what_is_asked_for_while_the_task_runs_is_done_afterwards(self) -> None:
        done: list[int] = []

        def work(number: int) -> None:
            done.append(number)
            if number == 1:  # it has read the old state, and somebody changes it now
                with unit_of_work():
                    tasks.enqueue("work", key="k", number=2)

        with unit_of_work():
            tasks.enqueue("work", key="k", number=1)
        for _ in range(3):
            tasks.run_next({"work": work})
        assert done == [1, 2]
        assert db.session.scalars(sa.select(Task)).all() == []

    def test_a_task_of_a_rolled_back_unit_never_runs(self) -> None:
        with pytest.raises(ZeroDivisionError), unit_of_work():
            tasks.enqueue("add", number=1)
            raise ZeroDivisionError
        assert not tasks.due()

    def test_a_task_that_fails_five_times_becomes_a_dead_letter(self) -> None:
        def fail() -> None:
            raise ValueError("no")

        with unit_of_work():
            tasks.enqueue("fail")
        outcomes = []
        for _ in range(5):
            outcomes.append(tasks.run_next({"fail": fail}))
            forget_back_off()
        assert outcomes == [None, None, None, None, False]
        [letter] = db.session.scalars(sa.select(DeadLetter))
        assert letter.task is not None
        assert letter.task["name"] == "fail"

    def test_tasks_that_are_done_together_are_tried_one_by_one_when_one_of_them_fails(self) -> None:
        calls: list[list[int]] = []

        def work(asked: Sequence[Mapping[str, int]]) -> None:
            calls.append([one["number"] for one in asked])
            if 2 in calls[-1]:
                raise ValueError("no")
            if 9 in calls[-1] and len(calls) < 6:  # somebody changes what it has read
                with unit_of_work():
                    tasks.enqueue("work", key="9", number=10)

        handlers = {"work": tasks.Together(work, most=3), "other": lambda: calls.append([])}
        with unit_of_work():
            tasks.enqueue_all("work", [(str(number), {"number": number}) for number in (1, 2, 3, 9)])
            tasks.enqueue("other")
        while tasks.run_next(handlers) is not None:
            pass
        assert calls == [[1, 2, 3], [1], [2], [3], [9], [], [10]]
        [left] = db.session.scalars(sa.select(Task).execution_options(populate_existing=True))
        assert (left.key, left.lease, left.attempts) == ("2", None, 1)

    def test_tasks_that_are_done_together_all_wait_when_a_part_is_away(self) -> None:
        calls: list[int] = []

        def work(asked: Sequence[Mapping[str, int]]) -> None:
            calls.append(len(asked))
            raise Unavailable("away", "Away.")

        with unit_of_work():
            tasks.enqueue_all("work", [(str(number), {}) for number in range(3)])
        assert tasks.run_next({"work": tasks.Together(work, most=3)}) is None
        assert calls == [3]
        rows = db.session.scalars(sa.select(Task).execution_options(populate_existing=True)).all()
        assert [(one.lease, one.attempts) for one in rows] == [(None, 0)] * 3
        assert not tasks.due()

    def test_a_task_whose_worker_died_is_taken_over_after_its_lease(self) -> None:
        done: list[int] = []
        with unit_of_work():
            tasks.enqueue("add", number=1)
            db.session.execute(
                sa.update(Task).values(lease="dead", lease_until=readers.wall() + dt.timedelta(minutes=1))
            )
        assert tasks.run_next({"add": lambda number: done.append(number)}) is None
        with unit_of_work():
            db.session.execute(sa.update(Task).values(lease_until=readers.wall() - dt.timedelta(seconds=1)))
        assert tasks.run_next({"add": lambda number: done.append(number)}) is True
        assert done == [1]

    def test_a_schedule_asks_for_its_task_once_per_interval(self) -> None:
        schedule = (Schedule("tick", dt.timedelta(hours=1)),)
        assert tasks.start_due(schedule) == 1
        assert tasks.start_due(schedule) == 0
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Task)) == 1


@pytest.mark.usefixtures("context")
def test_renewing_outside_a_task_does_nothing() -> None:
    with statements() as seen:
        tasks.renew()
    assert seen == []


@pytest.mark.usefixtures("context")
def test_the_lease_is_not_written_while_most_of_it_is_left() -> None:
    with unit_of_work():
        tasks.enqueue("work")
    with statements() as seen:
        tasks.run_next({"work": lambda: [tasks.renew() for _ in range(100)]})
    assert len([text for text in seen if "UPDATE tasks" in text]) == 2  # claimed, and given back


@pytest.mark.usefixtures("context")
def test_whoever_has_lost_the_lease_stops_and_leaves_the_task_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "LEASE", dt.timedelta(0))
    went_on: list[bool] = []

    def overtaken() -> None:
        with unit_of_work():
            db.session.execute(sa.update(Task).values(lease="other"))
        tasks.renew()
        went_on.append(True)

    with unit_of_work():
        tasks.enqueue("work")
    assert tasks.run_next({"work": overtaken}) is None
    assert went_on == []
    [left] = db.session.scalars(sa.select(Task).execution_options(populate_existing=True))
    assert (left.lease, left.attempts) == ("other", 0)


def compete(app: Flask, work: tasks.Handler, seconds: float) -> None:
    """Let two workers look for tasks for so many seconds."""
    until = time.monotonic() + seconds
    errors: list[BaseException] = []

    def take() -> None:
        try:
            while time.monotonic() < until:
                with app.app_context():
                    tasks.run_next({"work": work})
                time.sleep(0.05)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("renews", [True, False])
def test_a_task_longer_than_its_lease_runs_once_if_it_renews(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch, renews: bool
) -> None:
    monkeypatch.setattr(tasks, "LEASE", dt.timedelta(seconds=1.5))
    begun: list[float] = []

    def work() -> None:
        begun.append(time.monotonic())
        for _ in range(40):
            time.sleep(0.1)
            if renews:
                tasks.renew()

    with committed_app.app_context(), unit_of_work():
        tasks.enqueue("work")
    compete(committed_app, work, 3.5)
    assert (len(begun) == 1) is renews
    with committed_app.app_context():
        assert db.session.scalars(sa.select(Task.id)).all() == []


def test_the_worker_forgets_answers_that_were_kept_longer_than_promised(committed_app: Flask) -> None:
    with committed_app.app_context(), unit_of_work():
        for key, age in (("old", dt.timedelta(days=8)), ("young", dt.timedelta(days=6))):
            idempotency.remember(1, key, "digest", 201, {})
            db.session.execute(
                sa.update(IdempotencyKey)
                .where(IdempotencyKey.key == key)
                .values(created_at=readers.wall() - age)
            )
    Worker(committed_app).drain()
    with committed_app.app_context():
        assert db.session.scalars(sa.select(IdempotencyKey.key)).all() == ["young"]


def test_the_worker_drains_everything_that_is_due(committed_app: Flask) -> None:
    work = committed_app.extensions["marketplace.work"]
    seen: list[int] = []
    work.readers.append(lambda: [Reader("seen", inside=lambda entries: seen.extend(e.id for e in entries))])
    work.tasks["note"] = lambda number: seen.append(number)
    with committed_app.app_context():
        write_entries(2)
        with unit_of_work():
            tasks.enqueue("note", number=100)
    assert Worker(committed_app).drain() == 0
    assert {1, 2, 100} <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_prompt_reader_has_its_turn_after_everything_else_that_takes_a_while(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TURN", 0.0)
    monkeypatch.setattr(worker, "PROMPT", 0.0)
    work: Work = committed_app.extensions["marketplace.work"]
    turns: list[object] = []
    with committed_app.app_context():
        write_entries(1)

    def write(_entries: object) -> None:
        turns.append("other")
        record("account.created", factories.user())

    work.readers = [
        lambda: [
            Reader("prompt", inside=lambda entries: turns.append([e.id for e in entries]), prompt=True),
            Reader("other", inside=write, batch=1),
            Reader("third", inside=lambda _: turns.append("third")),
        ]
    ]
    Worker(committed_app).round()
    assert turns[:4] == [[1], "other", [2], "third"]  # tasks follow


def test_a_worker_that_ends_leaves_its_leases_to_the_next_one(committed_app: Flask) -> None:
    seen: list[int] = []
    reader = Reader("r", inside=lambda entries: seen.extend(e.id for e in entries))
    committed_app.extensions["marketplace.work"].readers.append(lambda: [reader])
    for count in (1, 2, 3):
        with committed_app.app_context():
            write_entries(1)
        Worker(committed_app).drain()
        with committed_app.app_context():
            assert readers.lag("r") == 0
        assert len(seen) >= count
