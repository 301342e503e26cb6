"""Recordals: one form of the number, and statements that can be taken back until the gazette says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask_babel import gettext
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock, importing
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.convert import recordal_number
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve

NUMBER = "X2026310000001"


@pytest.fixture
def free(context: None) -> Deal:
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free: Deal) -> Licence:
    found = licence_of(serve(free.firm_actor, free.offer))
    assert found is not None
    return found


def do(verb: Any, actor: Actor, licence: Licence, **values: Any) -> Licence:
    with unit_of_work(actor):
        return verb(actor, licence.id, **values)


def recorded(actor: Actor, licence: Licence, number: str = NUMBER) -> Licence:
    return do(licences.record_recordal, actor, licence, number=number, on=clock.today())


def last_entry() -> JournalEntry:
    return db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id.desc()).limit(1)).one()


# --- the number


def test_a_number_is_kept_and_journalled_in_one_form(free: Deal, licence: Licence) -> None:
    recorded(free.firm_actor, licence, " ｘ2026 3100-00001 ")
    assert licence.recordal_number == "X20263100-00001"
    assert last_entry().data["number"] == "X20263100-00001"


@pytest.mark.parametrize("number", ["X01", "X" * 41, "备2026310000001", "X2026（01）", "X2026/01", "X_2026"])
def test_what_cannot_be_a_number_is_refused_with_what_it_may_hold(
    free: Deal, licence: Licence, number: str
) -> None:
    with pytest.raises(Invalid, match="recordal-number-form") as refused:
        recorded(free.firm_actor, licence, number)
    [reason] = refused.value.fields["number"]
    assert str(reason) == gettext(str(refused.value.message))
    assert db.session.get_one(Licence, licence.id).recordal_state == "to_do"


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{4,39}", fullmatch=True), st.data())
def test_the_form_does_not_depend_on_case_width_and_spaces(number: str, data: st.DataObject) -> None:
    wide = "".join(
        chr(ord(sign) + 0xFEE0) if data.draw(st.booleans()) else sign + data.draw(st.sampled_from(["", " "]))
        for sign in number
    )
    assert recordal_number()(wide) == number.upper()


# --- corrections


def test_what_a_side_stated_it_can_take_back_step_by_step(free: Deal, licence: Licence) -> None:
    do(licences.file_recordal, free.holder_actor, licence)
    recorded(free.firm_actor, licence)
    with pytest.raises(Forbidden):
        do(licences.correct_recordal, free.holder_actor, licence, reason="typing_error")
    do(licences.correct_recordal, free.firm_actor, licence, reason="typing_error")
    assert (licence.recordal_state, licence.recordal_number, licence.recorded_on) == ("filed", None, None)
    entry = last_entry()
    assert (entry.action, entry.data["reason"], entry.data["number"], entry.data["stated_on"]) == (
        "licence.recordal_corrected",
        "typing_error",
        NUMBER,
        clock.today().isoformat(),
    )
    with pytest.raises(Forbidden):
        do(licences.correct_recordal, free.firm_actor, licence, reason="not_done")
    do(licences.correct_recordal, free.holder_actor, licence, reason="not_done")
    assert (licence.recordal_state, licence.recordal_filed_on) == ("to_do", None)
    recorded(free.holder_actor, licence, "X2026310000002")
    assert licence.recordal_number == "X2026310000002"


def test_a_recordal_that_was_never_filed_here_goes_back_to_the_beginning(
    free: Deal, licence: Licence
) -> None:
    recorded(free.firm_actor, licence)
    assert licences.check_certificate(licence.certificate_code or "").licensee == free.firm.name
    do(licences.correct_recordal, free.firm_actor, licence, reason="wrong_licence")
    assert licence.recordal_state == "to_do"
    # The licensee is public by the gazette's entry only.
    assert licences.check_certificate(licence.certificate_code or "").licensee is None


def test_an_operator_takes_back_what_anybody_stated_and_strangers_see_nothing(
    free: Deal, licence: Licence
) -> None:
    with unit_of_work():
        operator, stranger = factories.operator(), factories.actor(factories.organisation())
    with pytest.raises(Conflict, match="illegal-transition"):
        do(licences.correct_recordal, operator, licence, reason="not_done")
    do(licences.file_recordal, free.holder_actor, licence)
    with pytest.raises(NotFound):
        do(licences.correct_recordal, stranger, licence, reason="not_done")
    with pytest.raises(Invalid, match="correction-reason-unknown"):
        do(licences.correct_recordal, operator, licence, reason="because")
    assert do(licences.correct_recordal, operator, licence, reason="not_done").recordal_state == "to_do"


def listed(folder: Path, licence: Licence, actor: Actor = OPERATOR_COMMAND) -> dict[str, int]:
    """A list of licences brings the recordal of this one."""
    cells = {
        "专利号": licence.patent.number,
        "被许可人": licence.licensee.name,
        "被许可人统一社会信用代码": licence.licensee.code,
        "许可种类": "开放",
        "生效日": licence.effective_on.isoformat(),
        "备案号": NUMBER.lower(),
        "备案日": clock.today().isoformat(),
    }
    path = folder / "licences.csv"
    path.write_text(",".join(cells) + "\n" + ",".join(str(cell) for cell in cells.values()) + "\n", "utf-8")
    return importing.run("licences", path, actor=actor).as_json()


def test_what_the_gazettes_list_says_too_stands_for_good(
    free: Deal, licence: Licence, tmp_path: Path
) -> None:
    recorded(free.firm_actor, licence)
    assert listed(tmp_path, licence)["updated"] == 1
    assert last_entry().action == "licence.recordal_verified"
    assert listed(tmp_path, licence)["unchanged"] == 1
    with unit_of_work():
        operator = factories.operator()
    with pytest.raises(Forbidden):
        do(licences.correct_recordal, free.firm_actor, licence, reason="not_done")
    with pytest.raises(Conflict, match="recordal-verified"):
        do(licences.correct_recordal, operator, licence, reason="not_done")
    assert db.session.get_one(Licence, licence.id).recordal_number == NUMBER


def test_what_a_partys_own_list_says_can_be_taken_back(free: Deal, licence: Licence, tmp_path: Path) -> None:
    assert listed(tmp_path, licence, free.holder_actor)["updated"] == 1
    assert licence.recordal_number == NUMBER
    do(licences.correct_recordal, free.holder_actor, licence, reason="typing_error")
    assert db.session.get_one(Licence, licence.id).recordal_state == "to_do"
    assert listed(tmp_path, licence)["updated"] == 1
    assert db.session.get_one(Licence, licence.id).recorded_side == "gazette"
