"""A trace follows a licence, a change of the chain shows, and an export proves itself without us."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from marketplace.audit import anchors, exports, merkle, traces
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import lookup, notices
from marketplace.deals.models import Licence
from tests import factories


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_every_value_of_a_tree_climbs_to_its_root_and_no_other_does(values: list[bytes]) -> None:
    root = merkle.root(values)
    paths = merkle.paths(values, range(len(values)))
    for at, value in enumerate(values):
        assert merkle.climbed(value, paths[at]) == root
        assert merkle.climbed(value + b"x", paths[at]) != root


def _licence() -> tuple[Actor, Actor, int]:
    """A free licence, taken by a notice: the holder, the firm, and the licence's id."""
    with unit_of_work():
        holder, firm = factories.organisation(), factories.organisation()
        offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
        sides = factories.actor(holder), factories.actor(firm)
        offer_id = offer.id
    prepared = notices.prepare_notice(sides[1], offer_id, None, "a@example.org")
    with unit_of_work(sides[1]):
        notice = notices.serve_notice(sides[1], prepared)
    licence = lookup.licence_of(notice)
    assert licence is not None
    return *sides, licence.id


@pytest.mark.usefixtures("context")
def test_a_licence_is_traced_and_its_export_checks_itself_until_a_byte_is_changed(tmp_path: Path) -> None:
    holder, firm, licence_id = _licence()
    with unit_of_work():
        staff = factories.operator()
    found = traces.trace(staff, "licence", licence_id)
    told = traces.lines(staff, found.numbers())
    assert {"notice.written", "notice.served", "licence.in_effect"} <= {one.action for one in told}
    assert all(one.holds for one in told)
    seen = set(traces.trace(firm, "licence", licence_id).numbers())
    assert seen <= set(found.numbers())
    assert {one.number for one in told if one.action == "notice.served"} <= seen
    assert traces.trace(holder, "licence", licence_id).keys
    with unit_of_work():
        other = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        traces.trace(other, "licence", licence_id)
    number = db.session.get_one(Licence, licence_id).number
    assert traces.find(staff, number) == ("licence", licence_id)

    content = exports.export(staff, "licence", licence_id, "案号 1")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(tmp_path)
    assert (tmp_path / "trace.pdf").read_bytes().startswith(b"%PDF")
    assert _checked(tmp_path) == (0, "Everything holds.")
    entries = tmp_path / "entries.jsonl"
    lines = entries.read_text("utf-8").splitlines()
    assert len(lines) >= len(told)
    one = json.loads(lines[0])
    entries.write_text("\n".join([json.dumps(one | {"occurred_on": "2020-01-01"}), *lines[1:]]), "utf-8")
    code, said = _checked(tmp_path)
    assert code == 1
    assert f"entry {one['number']}: changed" in said


def _checked(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "check.py")], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.strip()


@pytest.mark.usefixtures("context")
def test_anchors_follow_each_other_and_nothing_is_anchored_twice() -> None:
    with unit_of_work():
        factories.organisation()
    _licence()
    first = anchors.anchor()
    assert first[-1].last
    assert anchors.anchor() == []
    _licence()
    second = anchors.anchor()
    assert second[0].id == first[-1].id + 1
    start, seals = anchors.seals_of(second[0])
    assert start == first[-1].last + 1
    assert merkle.root(seals) == second[0].root
    with pytest.raises(anchors.ChainBroken):
        anchors.checked(start - 1, b"\0" * 32)


def test_pages_show_a_trace_to_staff_and_parties_and_to_nobody_else(app: Flask) -> None:
    with app.app_context():
        holder, firm, licence_id = _licence()
        with unit_of_work():
            staff = factories.user(staff_role="operator")
            number = db.session.get_one(Licence, licence_id).number
            patent = db.session.get_one(Licence, licence_id).patent
            patent_id, patent_number = patent.id, patent.number
            other = factories.user(factories.organisation())
            party = factories.user(db.session.get_one(Licence, licence_id).licensee)
            logins = {"staff": staff.get_id(), "other": other.get_id(), "party": party.get_id()}
    del holder, firm
    address = f"/traces/licence/{licence_id}"
    answers = {}
    for name, login in logins.items():
        client = app.test_client()
        with client.session_transaction() as session:
            session.update(_user_id=login, _fresh=True)
        answers[name] = client.get(address).status_code
        if name == "staff":
            assert client.get(f"/bureau/trace?q={number}").headers["Location"] == address
            assert client.get(f"/bureau/trace?q={patent_number}").location == f"/traces/patent/{patent_id}"
            assert client.get("/bureau/trace?q=nothing").status_code == 404
            assert client.get("/bureau/trace").status_code == 200
            assert client.get(f"/traces/patent/{patent_id}?only=offer&page=999999999").status_code == 200
            assert client.get(f"/traces/patent/{10**20}").status_code == 404
            assert client.post(f"{address}/export", data={"reason": ""}).status_code == 422
            packed = client.post(f"{address}/export", data={"reason": "A-1"})
            assert packed.status_code == 200
            assert packed.data.startswith(b"PK")
            assert client.get("/bureau/looks?person=x&by=-1&what=none").status_code == 200
        else:
            assert client.get("/bureau/trace").status_code == 403
            assert client.post(f"{address}/export", data={"reason": "A-1"}).status_code == 403
        assert client.get("/account/looks").status_code == 200
    assert answers == {"staff": 200, "other": 404, "party": 200}
