"""Actions on many patents: at once or by the worker, refusals one by one, and on after a killed worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Membership, Organisation
from marketplace.core import tasks
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import wall
from marketplace.core.unit_of_work import unit_of_work
from marketplace.core.worker import Worker
from marketplace.listings.models import Offer
from marketplace.listings.stocktaking import filters, jobs, setup, upkeep, work
from marketplace.listings.stocktaking.desk import desk_of
from marketplace.listings.stocktaking.filters import Filter
from marketplace.listings.stocktaking.models import Stock, StockJob
from tests import factories
from tests.conftest import NOW


class Office:
    """An organisation with many patents and one member who does everything."""

    def __init__(self, patents: int, **values: object) -> None:
        with unit_of_work():
            organisation = factories.organisation()
            self.actor: Actor = factories.actor(organisation)
            self.organisation_id = organisation.id
            upkeep.refresh([factories.patent(organisation, **values).id for _ in range(patents)])

    def start(self, action: str, values: dict[str, object], **chosen: object) -> StockJob:
        with unit_of_work(self.actor):
            desk = desk_of(self.actor, self.organisation_id)
            return jobs.start(desk, action, values, **chosen)  # type: ignore[arg-type]

    def grades(self) -> list[str]:
        query = sa.select(Stock.grade).where(Stock.organisation_id == self.organisation_id)
        return list(db.session.scalars(query.order_by(Stock.id)))

    def job(self, job_id: int) -> StockJob:
        return db.session.get_one(StockJob, job_id, populate_existing=True)


@pytest.mark.usefixtures("context")
def test_few_are_done_at_once_and_each_refusal_is_told_for_itself() -> None:
    office = Office(3)
    with unit_of_work(office.actor):
        unit = setup.add_unit(desk_of(office.actor, office.organisation_id), "材料学院")
    ids = filters.page(Filter(), desk_of(office.actor, office.organisation_id))
    job = office.start("set_grade", {"grade": "G1"}, ids=ids[:2])
    assert (job.state, job.total, job.changed, job.unchanged, job.refused) == ("done", 2, 2, 0, 0)
    job = office.start("set_grade", {"grade": "G1"}, wanted=Filter())
    assert (job.changed, job.unchanged) == (1, 2)
    office.start("set_wish", {"wish": ["licence", "own_use"]}, wanted=Filter())
    office.start("set_unit", {"unit_id": unit.id}, ids=ids[:1])
    job = office.start("submit", {}, wanted=Filter())
    assert (job.changed, job.refused) == (1, 2)
    told = jobs.refusals(job)
    assert [row.code for row, _stock in told] == ["stock-incomplete"] * 2
    assert {stock.id for _row, stock in told} == set(ids[1:])
    assert {row.message for row, _stock in told} == {"Say to which unit it belongs."}


@pytest.mark.usefixtures("context")
def test_declarations_are_drafted_for_all_chosen_but_those_that_are_barred_or_declared() -> None:
    office = Office(2)
    with unit_of_work():
        owner = db.session.get_one(Organisation, office.organisation_id)
        barred = factories.patent(owner, facts={"pledged": "without_consent"})
        live = factories.live_offer(owner)
        upkeep.refresh([barred.id, live.patent_id])
    job = office.start("draft_offers", {}, wanted=Filter())
    assert (job.changed, job.refused) == (2, 2)
    assert sorted(row.code for row, _stock in jobs.refusals(job)) == ["stock-barred", "stock-declared"]
    drafts = db.session.scalar(
        sa.select(sa.func.count()).where(Offer.holder_id == office.organisation_id, Offer.status == "draft")
    )
    assert drafts == 2


@pytest.mark.usefixtures("context")
def test_many_are_done_by_the_worker_in_batches_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 20)
    office = Office(65)
    job = office.start("set_grade", {"grade": "G2"}, wanted=Filter(grade=("none",)))
    assert (job.state, job.total, job.done) == ("waiting", 65, 0)
    with unit_of_work():
        assert not jobs.carry_on(job.id)
    assert office.grades().count("G2") == 20
    work.run_job(job.id)
    job = office.job(job.id)
    assert (job.state, job.changed, job.done, job.total) == ("done", 65, 65, 65)
    entries = db.session.scalars(
        sa.select(JournalEntry).where(
            JournalEntry.subject_type == "stock", JournalEntry.action == "stock.edited"
        )
    ).all()
    assert {entry.actor_id for entry in entries} == {office.actor.user_id}
    work.run_job(job.id)
    assert office.job(job.id).done == 65


@pytest.mark.usefixtures("context")
def test_who_is_a_member_no_more_does_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 20)
    office = Office(55)
    job = office.start("set_grade", {"grade": "G2"}, wanted=Filter())
    with unit_of_work():
        db.session.execute(sa.delete(Membership).where(Membership.user_id == office.actor.user_id))
    db.session.expire_all()
    work.run_job(job.id)
    assert office.job(job.id).state == "done"
    assert set(office.grades()) == {""}


@pytest.mark.usefixtures("context")
def test_nothing_is_begun_without_patents_without_a_reason_or_by_others() -> None:
    office = Office(1)
    with pytest.raises(Conflict, match="nothing-chosen"):
        office.start("submit", {}, wanted=Filter(q="没有这样的专利"))
    with pytest.raises(Invalid, match="comment-missing"):
        office.start("return", {"comment": " "}, wanted=Filter())
    with pytest.raises(Invalid, match="bulk-action-unknown"):
        office.start("erase", {}, wanted=Filter())
    job = office.start("set_grade", {"grade": "G1"}, wanted=Filter())
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        jobs.get_job(desk_of(stranger, office.organisation_id), job.id)
    with pytest.raises(NotFound), unit_of_work(stranger):
        jobs.start(desk_of(stranger, office.organisation_id), "set_grade", {"grade": "G2"}, wanted=Filter())


_SLOW_WORKER = """
import os, sys, time
import config
from marketplace.app import create_app
from marketplace.core.worker import Worker
from marketplace.listings.stocktaking import jobs
app = create_app(config.Settings.from_environment())
jobs.BATCH = 10
do = jobs._apply
def slowly(case, action, values, job_id):
    time.sleep(0.03)
    return do(case, action, values, job_id)
jobs._apply = slowly
Worker(app).drain()
"""


def test_a_job_goes_on_after_its_worker_was_killed_and_nothing_is_done_twice(
    committed_app: Flask, tmp_path: Path
) -> None:
    settings = committed_app.config["SETTINGS"]
    with committed_app.app_context():
        office = Office(120)
        job_id = office.start("set_grade", {"grade": "G3"}, wanted=Filter()).id
        db.session.remove()
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "INSTANCE_DIR": str(tmp_path),
        "MARKETPLACE_NOW": NOW.isoformat(),
    }
    process = subprocess.Popen([sys.executable, "-c", _SLOW_WORKER], env=environment)
    try:
        deadline, done = time.monotonic() + 90, 0
        while not done >= 10 and time.monotonic() < deadline:
            time.sleep(0.05)
            with committed_app.app_context():
                done = office.job(job_id).done
                db.session.remove()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with committed_app.app_context():
        job = office.job(job_id)
        assert 10 <= job.done < 120
        assert job.state == "running"
        assert office.grades().count("G3") == job.done
        task = db.session.scalars(sa.select(tasks.Task).where(tasks.Task.name == jobs.TASK)).one()
        assert task.lease is not None
        assert jobs.left_behind() == []
        with unit_of_work():
            # A minute later nobody has moved it.
            db.session.execute(sa.update(StockJob).values(touched_at=wall() - 2 * jobs.STILL))
        assert jobs.left_behind() == [job_id]
        work.resume()
        db.session.remove()
    assert Worker(committed_app).drain() == 0
    with committed_app.app_context():
        job = office.job(job_id)
        assert (job.state, job.changed, job.unchanged, job.refused) == ("done", 120, 0, 0)
        edited = db.session.scalars(
            sa.select(JournalEntry.subject_id).where(JournalEntry.action == "stock.edited")
        ).all()
        assert len(edited) == len(set(edited)) == 120
        assert db.session.scalars(sa.select(tasks.Task).where(tasks.Task.name == jobs.TASK)).all() == []
