"""Invented licences that look like shams, one of each kind; there is an innocent explanation for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import sqlalchemy as sa

from marketplace.accounts import services
from marketplace.accounts.models import Organisation
from marketplace.accounts.services import NewAccount
from marketplace.core.actor import OPERATOR_COMMAND, SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.supervision import signals

from . import journeys

_UNUSED: Final = ("202019007717.1", "上海枫桁筑工程技术有限公司")
_BURST: Final = "202339007422.9"
_BOTH_WAYS: Final = (
    ("201929003341.X", "上海洇岚绡染整有限公司"),
    ("202229003415.1", "上海帛苇澹织造科技有限公司"),
)
_GROUP: Final = ("202239007076.X", "上海枫桁筑工程技术有限公司", "上海蕾川模板示例有限公司")
_NEWCOMERS: Final = (
    "上海蕾川模板示例有限公司",
    "上海砺舟夹具示例有限公司",
    "上海汀禾自动化示例有限公司",
    "上海澄梧伺服示例有限公司",
    "上海岚启机电示例有限公司",
)
_CONTACT: Final = "电话 000-00002011"


def dated() -> list[tuple[dt.date, Callable[[], object]]]:
    """A licence of the year before, which is recorded and of which nothing was heard since."""
    recorded = dt.date(2025, 7, 21)
    return [
        (dt.date(2025, 6, 10), partial(journeys.serve, *_UNUSED, "", _CONTACT)),
        (dt.date(2025, 7, 2), partial(journeys.file_recordal, *_UNUSED)),
        (recorded, partial(journeys.record_recordal, *_UNUSED, "DEMO-BA2025S001", recorded)),
    ]


def steps() -> Iterator[tuple[int, Callable[[], object]]]:
    """Days before today, and what was done then."""
    for days, (patent, licensee) in zip((48, 37), _BOTH_WAYS, strict=True):
        yield days, partial(journeys.serve, patent, licensee, "染整设备改造", _CONTACT)
    yield 27, _join
    for number, name in enumerate(_NEWCOMERS):
        yield 26 - number // 2, partial(journeys.serve, _BURST, name, "机床上下料单元试用", _CONTACT)
    patent, holder, firm = _GROUP
    yield 20, partial(_share_account, holder, firm)
    yield 19, partial(journeys.serve, patent, firm, "集团内部模板工程", _CONTACT)
    yield 1, signals.refresh


def _join() -> None:
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        for number, name in enumerate(_NEWCOMERS, start=1):
            services.create_account(
                NewAccount(
                    email=f"newcomer{number:02d}@demo.example",
                    role="firm",
                    organisation=name,
                    code=None,
                    name="许可办公室",
                )
            )


def _share_account(holder: str, firm: str) -> None:
    """A firm of the holder's group is paid into the account of the group."""
    with unit_of_work(SYSTEM, origin="demo"):
        own, other = (
            db.session.scalars(sa.select(Organisation).where(Organisation.name == name)).one()
            for name in (holder, firm)
        )
        other.bank_account_name, other.bank_name = own.bank_account_name, own.bank_name
        other.bank_account = own.bank_account
