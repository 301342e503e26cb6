"""Finding or making the organisations that lists name, many at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.importing import WrittenRow
from marketplace.core.unit_of_work import current, lock, record

from .confirming import confirm_by, note_clashes
from .lifecycle import IDENTITY
from .models import Organisation

_TYPE_WORDS = (
    ("hospital", re.compile("医院|卫生院|疾病预防控制中心")),
    ("university", re.compile("大学|学院$|学校$|university|college", re.IGNORECASE)),
    ("institute", re.compile("研究院|研究所|科学院|设计院|实验室$|institute", re.IGNORECASE)),
    ("enterprise", re.compile("公司|厂$|集团|企业|合作社|中心|有限|[局站社行店]$|[A-Za-z]{3}")),
)
_PERSON = re.compile(r"[\u3400-\u9fff]{2,4}|[\u3400-\u9fff]{1,12}·[\u3400-\u9fff·]{1,20}")


@dataclass(frozen=True, slots=True)
class Named:
    """An organisation as a list names it: name, credit code and region if they are known.

    `id` where it is known already which one is meant: names are shared.
    """

    name: str
    code: str | None = None
    region: str | None = None
    id: int | None = None


def guess_type(name: str) -> str:
    """The type that a name suggests: of units by their words, else a person if it looks like one."""
    for type_, words in _TYPE_WORDS:
        if words.search(name):
            return type_
    return "individual" if _PERSON.fullmatch(name) else "enterprise"


def known(named: Iterable[Named]) -> dict[Named, int]:
    """The organisations that are known of those named: by code, else by exact name. Reads only."""
    return _look_up(list(dict.fromkeys(named)), trusted=False)[0]


def resolve(named: Iterable[Named], *, trusted: bool) -> dict[Named, int]:
    """The organisation of each: by code, else by exact name, else a new one that has no member yet.

    A namesake with another code is another organisation; one without a code is taken to be the same. A code
    that an organisation with members only states of itself matches nothing (decision 0012). Writes in the
    present unit of work; the caller keeps other imports out meanwhile.

    Args:
        trusted: an operator's list: it confirms whom it names and gives a namesake its code; a holder's
            list tells nobody who others are.
    """
    wanted = list(dict.fromkeys(named))
    found, codes = _look_up(wanted, trusted=trusted)
    if trusted:
        _give_codes(codes)
    missing = [party for party in wanted if party not in found]
    new = _create(missing, trusted=trusted) if missing else {}
    if trusted:
        coded = {id_ for party, id_ in (found | new).items() if party.code}
        fresh = _confirm(coded - set(new.values()))
        note_clashes([*fresh, *(coded & set(new.values())), *codes])
    return found | new


def _create(missing: list[Named], *, trusted: bool) -> dict[Named, int]:
    new: dict[str, Named] = {}
    for party in missing:
        if party.code is not None:
            new.setdefault(party.code, party)
    coded = {party.name for party in new.values()}
    for party in missing:
        # The same new name with and without its code is one organisation.
        if party.code is None and party.name not in coded:
            new.setdefault(party.name, party)
    now = clock.now()
    identity: dict[str, object] = {"identity": IDENTITY.initial}
    if trusted:
        identity = {
            "identity": "confirmed",
            "confirmed_at": now,
            "confirmed_by": current().actor.user_id,
            "confirmed_how": "import",
        }
    db.session.execute(
        sa.insert(Organisation.__table__),  # type: ignore[arg-type]
        [
            {
                "name": party.name,
                "code": party.code,
                "type": guess_type(party.name),
                "region": party.region,
                "created_at": now,
                "version": 1,
                **identity,
            }
            for party in new.values()
        ],
    )
    again, _ = _look_up(missing, trusted=trusted)
    for organisation_id in sorted(set(again.values())):
        row = WrittenRow("organisations", organisation_id)
        record("organisation.created", row, organisation_id=organisation_id)
    return again


def _confirm(ids: set[int]) -> list[int]:
    """Confirm those of the organisations of an operator's list that are not. Returns their ids."""
    query = sa.select(Organisation.id).where(
        Organisation.id.in_(ids), Organisation.identity == IDENTITY.initial, Organisation.claimed_at.is_(None)
    )
    fresh = sorted(db.session.scalars(query)) if ids else []
    for id_ in fresh:
        confirm_by(lock(Organisation, id_), "import")
    return fresh


def _look_up(wanted: list[Named], *, trusted: bool) -> tuple[dict[Named, int], dict[int, str]]:
    """The organisations that are known, and the codes that the list says of some without one."""
    codes = {party.code for party in wanted if party.code}
    names = {party.name for party in wanted}
    stated = Organisation.identity == IDENTITY.initial
    columns = (Organisation.id, Organisation.name, Organisation.code)
    vouched = [~stated] if trusted else [sa.or_(~stated, Organisation.claimed_at.is_(None))]
    # What is confirmed comes last here, and so wins.
    by_code = {
        code: id_
        for id_, _, code in db.session.execute(
            sa.select(*columns)
            .where(Organisation.code.in_(codes), *vouched)
            .order_by(sa.case((stated, 0), else_=1), Organisation.id.desc())
        )
    }
    typed = sa.and_(stated, Organisation.claimed_at.is_not(None))
    by_name: dict[str, list[tuple[int, str | None, bool]]] = {}
    for id_, name, code, self_stated in db.session.execute(
        sa.select(*columns, sa.case((typed, 1), else_=0))
        .where(Organisation.name.in_(names))
        .order_by(sa.case((typed, 1), else_=0), Organisation.id)
    ):
        by_name.setdefault(name, []).append((id_, code, bool(self_stated)))
    found: dict[Named, int] = {}
    given: dict[int, str] = {}
    for party in wanted:
        if party.id is not None:
            found[party] = party.id
            continue
        if party.code and party.code in by_code:
            found[party] = by_code[party.code]
            continue
        for id_, code, self_stated in by_name.get(party.name, ()):
            if trusted and party.code and self_stated:
                continue
            code = given.get(id_, code or "") or None
            if party.code is None or code is None or code == party.code:
                found[party] = id_
                if party.code and code is None:
                    given[id_] = party.code
                    by_code[party.code] = id_
                break
    return found, given


def _give_codes(given: dict[int, str]) -> None:
    for id_, code in given.items():
        version = 1 + (db.session.scalar(sa.select(Organisation.version).where(Organisation.id == id_)) or 0)
        db.session.execute(
            sa.update(Organisation)
            .where(Organisation.id == id_)
            .values(code=code, version=version)
            .execution_options(synchronize_session=False)
        )
        record("organisation.changed", WrittenRow("organisations", id_, version), organisation_id=id_)
