"""Offers of other platforms: lists of them, and one market that mirrors another, both of them running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.app import create_app
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, Unavailable
from marketplace.core.identifiers import PatentNumber
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.listings import services as listings
from marketplace.listings.mirrored import services
from marketplace.listings.mirrored.models import MirroredOffer, MirrorSource
from marketplace.listings.mirrored.pull import pull
from marketplace.listings.models import Offer
from tests import factories
from tests.conftest import Databases, settings_for
from tests.imports.conftest import Importing, counts
from tests.services.process import free_ports

HEADER = "来源编号,链接,专利号,名称,专利权人,支付方式,固定费用,已结束\n"


def line(reference: str, **cells: str) -> str:
    values = {
        "reference": reference,
        "address": f"https://other.example.org/offers/{reference}",
        "number": "2019109600001",
        "title": "一种示例电池",
        "owners": "外省大学",
        "form": "固定费用",
        "fee": "2万",
        "ended": "",
    } | cells
    return ",".join(values.values()) + "\n"


def number(serial: int) -> str:
    from marketplace.core.identifiers import check_digit

    digits = f"20191{serial:07d}"
    return f"{digits}.{check_digit(digits)}"


def test_a_platforms_list_is_taken_changed_and_ended_and_repeating_changes_nothing(
    imported: Importing,
) -> None:
    options = {"options": {"source": "示例省平台"}}
    text = (
        HEADER + line("A1", number=number(9600001)) + line("A2", number=number(9600002), form="免费", fee="")
    )
    assert imported(text, "mirrored", **options) == counts(read=2, created=2)
    assert imported(text, "mirrored", **options) == counts(read=2, unchanged=2)
    [found] = services.find(words=f"ZL{number(9600001)}")
    assert (found.title, found.fee_minor, found.source.name) == ("一种示例电池", 2_000_000, "示例省平台")
    assert len(services.find(words="外省 电池")) == 2
    assert services.find(words="没有") == []
    [count] = services.counts()
    assert (count.source.name, count.offers, count.free) == ("示例省平台", 2, 1)
    ended = HEADER + line("A1", number=number(9600001), ended="是")
    assert imported(ended, "mirrored", **options) == counts(read=1, updated=1)
    assert imported(ended, "mirrored", **options) == counts(read=1, unchanged=1)
    assert [one.reference for one in services.find()] == ["A2"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Offer)) == 0


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x.example.org/1", "//x.example.org", "x"])
def test_a_link_that_is_no_web_address_is_refused(imported: Importing, address: str) -> None:
    text = HEADER + line("A1", number=number(9600001), address=address)
    assert imported(text, "mirrored", options={"source": "示例省平台"}) == counts(read=1, rejected=1)


def test_what_a_whole_list_leaves_out_has_ended_and_a_list_that_was_cut_off_ends_nothing(
    imported: Importing,
) -> None:
    def take(*serials: int, tail: str = "", header: str = HEADER, **options: object) -> dict[str, int]:
        text = header + "".join(line(f"A{n}", number=number(9600000 + n)) for n in serials) + tail
        dry_run = bool(options.pop("dry_run", False))
        return imported(text, "mirrored", dry_run=dry_run, options={"source": "示例省平台", **options})

    def kept() -> int:
        return len(services.find(size=100))

    take(*range(10), complete=True)
    assert kept() == 10
    take(*range(1, 11))
    assert kept() == 11, "a list that does not call itself whole ends nothing"
    for few in ((), (1, 2), range(20, 40)):
        with pytest.raises(Conflict) as caught:
            take(*few, complete=True, dry_run=True)
        assert caught.value.code == "mirror-list-short"
        assert kept() == 11
    assert take(*range(1, 9), tail="A9,https://oth", complete=True) == counts(read=9, unchanged=8, rejected=1)
    assert kept() == 11, "the last row was cut off"
    take(*range(1, 9), complete=True, dry_run=True)
    assert kept() == 11
    assert take(*range(1, 9), complete=True) == counts(read=8, unchanged=8)
    assert kept() == 8
    take(1, complete=True, confirmed=True)
    assert [one.reference for one in services.find()] == ["A1"]
    with unit_of_work():
        other = services.source_named("别的平台")
        services.take(
            OPERATOR_COMMAND,
            other,
            {"reference": "B1", "address": "https://x.example.org", "title": "一种阀门",
             "patent_number": PatentNumber.parse(number(9600050))},
            "0" * 64,
        )  # fmt: skip
    take(1, complete=True)
    assert kept() == 2, "another platform's offers are not touched"


def test_a_list_needs_its_source_and_an_operator(imported: Importing) -> None:
    text = HEADER + line("A1", number=number(9600001))
    with pytest.raises(Invalid):
        imported(text, "mirrored")
    with unit_of_work():
        holder = factories.actor(factories.organisation())
    with pytest.raises(Forbidden):
        imported(text, "mirrored", actor=holder, options={"source": "示例省平台"})


# --- market to market


class Market:
    """A market with offers, served by its own process."""

    def __init__(self, app: Flask, address: str) -> None:
        self.app, self.address = app, address

    def offers(self, how_many: int) -> list[int]:
        with self.app.app_context():
            with unit_of_work():
                holder = factories.organisation("甲地大学")
                made = [
                    factories.live_offer(holder, fee_form="free", fee_minor=None)
                    if n % 2
                    else factories.live_offer(holder)
                    for n in range(how_many)
                ]
                for offer in made:
                    record("offer.verified", offer, organisation_id=holder.id)
                ids = [offer.id for offer in made]
            db.session.remove()
        return ids

    def withdraw(self, offer_id: int) -> None:
        with self.app.app_context():
            with unit_of_work():
                actor = factories.operator()
            with unit_of_work(actor):
                listings.act(actor, offer_id, "withdraw", {})
            db.session.remove()


@contextmanager
def served(database: str, folder: Path) -> Iterator[str]:
    [port] = free_ports(1)
    environment = os.environ | {
        "DATABASE_URL": database, "INSTANCE_DIR": str(folder), "FILES_URL": str(folder / "files"),
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi:app", "run", "--port", str(port), "--no-reload"]
    log = (folder / "served.log").open("w")
    process = subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def test_one_running_market_mirrors_another_goes_on_and_forgets_what_ended(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    their_database, our_database = databases.copy(), databases.copy()
    their_app = create_app(settings_for(their_database, theirs))
    our_app = create_app(settings_for(our_database, ours))
    with served(their_database, theirs) as address, served(our_database, ours) as own:
        market = Market(their_app, address)
        ids = market.offers(5)
        monkeypatch.setattr("marketplace.listings.mirrored.pull.SIZE", 2)
        with our_app.app_context():

            def stop(read: int) -> None:
                if read == 2:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                pull(OPERATOR_COMMAND, address, "甲地市场", progress=stop)
            db.session.remove()
            done = pull(OPERATOR_COMMAND, address, "甲地市场")
            assert (done["read"], done["created"], done["rejected"]) == (3, 3, 0)
            found = services.find(size=10)
            assert {one.reference for one in found} == {str(one) for one in ids}
            assert {one.fee_form for one in found} == {"free", "fixed"}
            assert found[0].address == f"{address}/offers/{found[0].reference}"
            db.session.remove()
            nothing = pull(OPERATOR_COMMAND, address, "甲地市场")
            assert nothing == dict.fromkeys(nothing, 0)
            market.withdraw(ids[0])
            assert pull(OPERATOR_COMMAND, address, "甲地市场")["deleted"] == 1
            assert pull(OPERATOR_COMMAND, address, "甲地市场", anew=True)["unchanged"] == 5
            assert db.session.scalar(sa.select(sa.func.count()).select_from(MirroredOffer)) == 4
            assert db.session.scalars(sa.select(MirrorSource.address)).one() == address
            db.session.remove()
        page = urllib.request.urlopen(f"{own}/mirrored", timeout=20).read().decode()
        assert "甲地市场" in page
        assert f'href="{address}/offers/{ids[1]}"' in page
    for app in (their_app, our_app):
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def test_a_market_that_is_away_or_none_is_told_apart(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        [port] = free_ports(1)
        with pytest.raises(Unavailable):
            pull(OPERATOR_COMMAND, f"http://127.0.0.1:{port}", "别处", pauses=(0.01,))
        db.session.remove()
        with pytest.raises(Invalid):
            pull(OPERATOR_COMMAND, "file:///etc/passwd", "别处")


def test_what_is_no_market_is_told_as_such(tmp_path: Path, app: Flask) -> None:
    (tmp_path / "api" / "v1" / "harvest").mkdir(parents=True)
    (tmp_path / "api" / "v1" / "harvest" / "offers").write_text("<html>hello</html>")
    [port] = free_ports(1)
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with app.app_context(), pytest.raises(Conflict):
            pull(OPERATOR_COMMAND, f"http://127.0.0.1:{port}", "别处", pauses=(0.5, 1, 2))
    finally:
        server.terminate()
        server.wait(10)
