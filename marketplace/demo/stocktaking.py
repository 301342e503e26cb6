"""One university takes stock: colleges, inventors, grades and reviews at every stage, for the workbench."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import sqlalchemy as sa

from marketplace.accounts import services as accounts
from marketplace.accounts.models import Organisation, User
from marketplace.accounts.services import NewAccount
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Patent
from marketplace.listings.stocktaking import services, setup, upkeep
from marketplace.listings.stocktaking.desk import Case, desk_of
from marketplace.listings.stocktaking.filters import Filter

from .accounts import HOLDER, actor_of

_UNIVERSITY: Final = HOLDER.organisation or ""
# Name, English name, and the unit above.
_UNITS: Final = (
    ("材料科学与工程学院", "School of Materials Science and Engineering", None),
    ("先进制造研究所", "Institute of Advanced Manufacturing", "材料科学与工程学院"),
    ("机械与能源工程学院", "School of Mechanical and Energy Engineering", None),
    ("电子与信息工程学院", "School of Electronics and Information Engineering", None),
    ("土木与环境工程学院", "School of Civil and Environmental Engineering", None),
)
_PEOPLE: Final = (
    ("inventor1", "沈例青", "inventor", "材料科学与工程学院"),
    ("inventor2", "陆示川", "inventor", "机械与能源工程学院"),
    ("inventor3", "周例宁", "inventor", "电子与信息工程学院"),
    ("inventor4", "许示岸", "inventor", "土木与环境工程学院"),
    ("college1", "高例琳", "unit_reviewer", "材料科学与工程学院"),
    ("college2", "施示衡", "unit_reviewer", "机械与能源工程学院"),
    ("college3", "严例舟", "unit_reviewer", "电子与信息工程学院"),
    ("review", "方示岚", "institution_reviewer", None),
)


@dataclass(frozen=True)
class _Entry:
    """What is said of a patent, by whom, and how far its review has come."""

    number: str
    unit: str
    inventor: str
    grade: str
    wish: tuple[str, ...]
    reached: str = "approved"
    practice: str = "none"
    by: str | None = None
    how: str | None = None
    since: dt.date | None = None
    note: str | None = None
    returned: str | None = None


_MATERIALS, _MAKING, _ENERGY, _ELECTRONICS, _CIVIL = (name for name, _english, _above in _UNITS)
_ENTRIES: Final = (
    _Entry(
        "201919001158.0", _MAKING, "沈例青", "G1", ("licence",), practice="licensed",
        by="上海嘉钺衡汽车零部件有限公司", how="轻量化支架样件的增材制造", since=dt.date(2026, 9, 21),
        note="悬垂结构成形已在两种粉末上验证，可对外许可。",
    ),
    _Entry("201619001269.8", _MATERIALS, "沈例青", "G2", ("licence", "transfer"), "unit_approved"),
    _Entry("202019002157.0", _MATERIALS, "沈例青", "G1", ("licence", "transfer"), "unit_approved",
           note="可降解环氧已做到公斤级试制，缺大批量试用方。"),
    _Entry("202019002416.X", _MATERIALS, "沈例青", "G2", ("licence",), "submitted"),
    _Entry("202019002786.3", _MAKING, "沈例青", "G2", ("own_use",), "submitted", practice="own",
           by="先进制造研究所中试线", how="批量制备过滤膜", since=dt.date(2024, 5, 6)),
    _Entry("201819003045.X", _MATERIALS, "沈例青", "G3", ("transfer",), "entered",
           returned="分级依据不足，请补充阻燃整理剂的成本数据。"),
    _Entry("201819006696.4", _ENERGY, "陆示川", "G1", ("licence",)),
    _Entry("201919008080.5", _ENERGY, "陆示川", "G1", ("licence", "own_use"), practice="own",
           by="校内数据中心", how="二期机房冷却改造", since=dt.date(2025, 6, 1)),
    _Entry("202019008253.6", _ENERGY, "陆示川", "G2", ("licence",), "submitted"),
    _Entry("201919005675.5", _ENERGY, "陆示川", "G2", ("transfer",), "entered"),
    _Entry("201819009481.8", _ELECTRONICS, "周例宁", "G1", ("licence",)),
    _Entry("201919005173.2", _ELECTRONICS, "周例宁", "G1", ("licence", "transfer"), "unit_approved"),
    _Entry("202219005865.9", _ELECTRONICS, "周例宁", "G2", ("licence",), "submitted"),
    _Entry("201919009464.9", _ELECTRONICS, "周例宁", "G2", ("licence",), practice="licensed",
           by="环境监测企业", how="排放口在线监测样机", since=dt.date(2026, 9, 15)),
    _Entry("201819007371.8", _CIVIL, "许示岸", "G2", ("licence",), "submitted"),
    _Entry("201719009101.6", _CIVIL, "许示岸", "G4", (), "entered", practice="none"),
)  # fmt: skip
_HEAD: Final = "方示岚"
_ORDER: Final = ("entered", "submitted", "unit_approved", "approved")


def set_up() -> None:
    """Give the university its units and people, and say to which unit each patent belongs."""
    office = actor_of(_UNIVERSITY)
    organisation_id = office.organisation_id or 0
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        upkeep.refresh(db.session.scalars(sa.select(Patent.id)).all())
        for address, name, _role, _unit in _PEOPLE:
            person, _ = accounts.create_account(
                NewAccount(
                    email=f"{address}@demo.example",
                    role="holder",
                    organisation=_UNIVERSITY,
                    code=db.session.get_one(Organisation, organisation_id).code,
                    name=name,
                )
            )
            person.memberships[0].level = "editor"
    units = _units(office, organisation_id)
    people = _people()
    for address, _name, role, unit in _PEOPLE:
        with unit_of_work(office, origin="demo"):
            desk = desk_of(office, organisation_id)
            setup.give_role(desk, people[address], role, units[unit] if unit else None)
    for entry in _ENTRIES:
        place = {"unit_id": units[entry.unit], "inventor_id": _person(entry.inventor).user_id}
        _do(office, entry, partial(services.place, values=place))
    with unit_of_work(office, origin="demo"):
        desk = desk_of(office, organisation_id)
        wanted = Filter(grade=("G1",), wish=("licence",))
        setup.save_view(desk, "可对外许可的优先项", wanted, shared=True)
        setup.save_view(desk, "等待单位审核", Filter(state=("unit_approved",)), shared=False)


def enter() -> None:
    """The inventors say what they know and wish."""
    for entry in _ENTRIES:
        said = {
            "grade": entry.grade,
            "wish": entry.wish,
            "practice": entry.practice,
            "practised_by": entry.by,
            "practised_how": entry.how,
            "practised_since": entry.since,
            "note": entry.note,
        }
        _do(_person(entry.inventor), entry, partial(services.edit, values=said))


def submit() -> None:
    """The inventors submit what is complete."""
    for entry in _ENTRIES:
        if _ORDER.index(entry.reached) >= 1 or entry.returned:
            _do(_person(entry.inventor), entry, partial(services.act, action="submit"))


def review() -> None:
    """The colleges approve, or return an entry with the reason."""
    for entry in _ENTRIES:
        if entry.returned:
            back = partial(services.act, action="return", comment=entry.returned)
            _do(_reviewer(entry), entry, back)
        if _ORDER.index(entry.reached) >= 2:
            _do(_reviewer(entry), entry, partial(services.act, action="approve"))


def approve() -> None:
    """The institution approves; every standing is worked out anew, since offers were announced meanwhile."""
    for entry in _ENTRIES:
        if _ORDER.index(entry.reached) >= 3:
            _do(_person(_HEAD), entry, partial(services.act, action="approve"))
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        upkeep.refresh(db.session.scalars(sa.select(Patent.id)).all())


# Days before today, and what was done then.
STEPS: Final = ((33, set_up), (26, enter), (19, submit), (11, review), (4, approve))


def _person(name: str) -> Actor:
    address = next(address for address, called, *_rest in _PEOPLE if called == name)
    user = db.session.scalars(sa.select(User).where(User.email == f"{address}@demo.example")).one()
    return accounts.actor_for(user, actor_of(_UNIVERSITY).organisation_id)


def _reviewer(entry: _Entry) -> Actor:
    """A reviewer of the entry's unit or of the one above; the office where there is none."""
    above = next((parent for name, _english, parent in _UNITS if name == entry.unit), None)
    for _address, name, role, unit in _PEOPLE:
        if role == "unit_reviewer" and unit in {entry.unit, above}:
            return _person(name)
    return actor_of(_UNIVERSITY)


def _do(actor: Actor, entry: _Entry, change: Callable[[Case], object]) -> None:
    with unit_of_work(actor, origin="demo"):
        change(services.case_with_number(desk_of(actor, actor.organisation_id or 0), entry.number))


def _units(office: Actor, organisation_id: int) -> dict[str, int]:
    made: dict[str, int] = {}
    for name, english, above in _UNITS:
        with unit_of_work(office, origin="demo"):
            desk = desk_of(office, organisation_id)
            parent = made[above] if above else None
            made[name] = setup.add_unit(desk, name, name_en=english, parent_id=parent).id
    return made


def _people() -> dict[str, int]:
    """Address without its host → id of the person."""
    addresses = {f"{address}@demo.example": address for address, *_rest in _PEOPLE}
    query = sa.select(User.email, User.id).where(User.email.in_(addresses))
    return {addresses[row.email]: row.id for row in db.session.execute(query)}
