"""Accounts that a newcomer signs in with: one for each role, and their tokens for the API.

Passwords and tokens of the demonstration are no secrets; the file that holds the tokens is readable by its
owner only all the same, and there is none of this in production.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts import passwords, services
from marketplace.accounts.models import Membership, Organisation, User
from marketplace.accounts.services import NewAccount
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound, Unauthenticated
from marketplace.core.unit_of_work import unit_of_work

from .catalogue import Row

PASSWORD: Final = "open-licence-demo"  # noqa: S105 - shown on purpose; the demonstration only
FILE: Final = "demo-accounts.json"


@dataclass(frozen=True)
class DemoAccount:
    """One of the accounts that are shown: role, address, person and organisation (None for staff)."""

    role: str
    email: str
    name: str
    organisation: str | None = None


HOLDER: Final = DemoAccount("holder", "holder@demo.example", "苏例文", "沪澜理工大学")
FIRM: Final = DemoAccount("firm", "firm@demo.example", "钱示远", "上海嘉钺衡汽车零部件有限公司")
INDIVIDUAL: Final = DemoAccount("individual", "individual@demo.example", "顾试之", "顾试之")
MANAGER: Final = DemoAccount("manager", "manager@demo.example", "何拟桥", "上海澜桥桁知识产权服务有限公司")
BUREAU: Final = DemoAccount("bureau", "bureau@demo.example", "演示管理员（局）")
OPERATOR: Final = DemoAccount("operator", "operator@demo.example", "演示运营员")
SHOWN: Final = (HOLDER, FIRM, INDIVIDUAL, MANAGER, BUREAU, OPERATOR)

# For whom the technology manager's agency holds powers of attorney: a holder and a firm.
PRINCIPALS: Final = (("浦川工程大学", "holder"), ("上海枫桁筑工程技术有限公司", "licensee"))
# Everybody else has joined too, so that notices arrive at once; to these they have to be sent.
NOT_JOINED: Final = frozenset(
    {
        "吴澜科技大学",
        "周范成",
        "杭州漪笺禾纸业科技有限公司",
        "南通湑舫重工有限公司",
        "宁波漪帆澳船舶配件有限公司",
    }
)
_ROLE_OF_TYPE: Final = {"individual": "individual", "agency": "manager"}


def create_shown() -> None:
    """Make the accounts that are shown (outside a unit of work)."""
    password_hash = passwords.hash_password(PASSWORD)
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        for account in SHOWN:
            services.create_account(
                NewAccount(
                    email=account.email,
                    role=account.role,
                    organisation=account.organisation,
                    name=account.name,
                    password_hash=password_hash,
                )
            )


def create_offices(organisations: list[Row]) -> None:
    """Let the other organisations join, with accounts that nobody can sign in to (no password)."""
    taken = {account.organisation for account in SHOWN}
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        for number, row in enumerate(organisations, start=1):
            if row["name"] in taken or row["name"] in NOT_JOINED:
                continue
            services.create_account(
                NewAccount(
                    email=f"office{number:02d}@demo.example",
                    role=_ROLE_OF_TYPE.get(row["type"], "holder"),
                    organisation=row["name"],
                    code=row["code"] or None,
                    name="许可办公室",
                )
            )


def actor_of(organisation: str) -> Actor:
    """Somebody who acts for an organisation that has joined.

    Raises:
        NotFound: `account-not-found`: nobody does.
    """
    user = db.session.scalar(
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Membership.organisation_id == Organisation.id)
        .where(Organisation.name == organisation)
        .order_by(Membership.id)
        .limit(1)
    )
    found = services.find_organisation(organisation, None)
    if user is None or found is None:
        raise NotFound("account-not-found", "There is no account with this address.")
    return services.actor_for(user, found.id)


def listed() -> list[dict[str, Any]]:
    """The accounts with their passwords and tokens; tokens are made when missing or no longer valid.

    Raises:
        Conflict: `demo-only` in production, `demo-not-loaded` before `make demo`.
    """
    if current_app.config["SETTINGS"].production:
        raise Conflict("demo-only", "There are no demonstration accounts in production.")
    path = _file()
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tokens: dict[str, str] = {}
    for account in SHOWN:
        user = services.user_by_email(account.email)
        if user is None:
            raise Conflict("demo-not-loaded", "The demonstration is not loaded yet: run make demo.")
        token = kept.get(account.email)
        if token is None or not _valid(token):
            with unit_of_work(OPERATOR_COMMAND, origin="demo"):
                token = services.create_token(user, frozenset({"read", "write"}), label="demo")
        tokens[account.email] = token
    if tokens != kept:
        _write(path, tokens)
    return [
        {
            "role": account.role,
            "email": account.email,
            "password": PASSWORD,
            "organisation": account.organisation,
            "token": tokens[account.email],
        }
        for account in SHOWN
    ]


def _valid(token: str) -> bool:
    try:
        services.actor_of_token(token)
    except Unauthenticated:
        return False
    return True


def _file() -> Path:
    folder: Path = current_app.config["SETTINGS"].instance_dir
    return folder / FILE


def _write(path: Path, tokens: dict[str, str]) -> None:
    """Replace the file by one that only its owner can read, also while it is written."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(tokens, file, ensure_ascii=False, indent=1)
    draft.replace(path)
