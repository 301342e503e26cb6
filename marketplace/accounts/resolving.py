"""Finding or making the organisations that lists name, many at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.importing import WrittenRow
from marketplace.core.unit_of_work import current, lock, record

from .confirming import confirm_by, note_clashes, note_namesakes
from .lifecycle import IDENTITY
from .models import Organisation, OrganisationPast

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


def known(named: Iterable[Named], *, own: Collection[int] = ()) -> dict[Named, int]:
    """The organisations that are known of those named: by code, else by exact name. Reads only.

    Args:
        own: ids of those for which the asking person acts: they may name themselves, confirmed or not.
    """
    return _look_up(list(dict.fromkeys(named)), trusted=False, own=own).found


def resolve(named: Iterable[Named], *, trusted: bool) -> dict[Named, int]:
    """The organisation of each: by code, else by exact or former name, else a new one without a member yet.

    A namesake with another code is another organisation; one without a code is taken to be the same. Neither
    a code nor a name that an organisation with members only states of itself matches anything (decisions
    0012, 0014), except that people may name their own: where a list names such an organisation, a new one is
    made and the operator gets a task for the two. Writes in the present unit of work; the caller keeps other
    imports out meanwhile.

    Args:
        trusted: an operator's list: it confirms whom it names and gives a namesake its code; a holder's
            list tells nobody who others are.
    """
    wanted = list(dict.fromkeys(named))
    actor = current().actor
    own = actor.own | actor.principals
    looked = _look_up(wanted, trusted=trusted, own=own)
    found, codes = looked.found, looked.codes
    if trusted:
        _give_codes(codes)
    missing = [party for party in wanted if party not in found]
    new = _create(missing, trusted=trusted) if missing else {}
    if trusted:
        coded = {id_ for party, id_ in (found | new).items() if party.code}
        fresh = _confirm(coded - set(new.values()))
        note_clashes([*fresh, *(coded & set(new.values())), *codes])
    note_namesakes({new[party]: looked.namesakes[party] for party in new if party in looked.namesakes})
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
    again = _look_up(missing, trusted=trusted).found
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


@dataclass(frozen=True)
class _Looked:
    """What was found.

    Attributes:
        found: the organisation of each that is known.
        codes: what the list says of some that have no code yet.
        namesakes: of each that was not found, an organisation that only states this name of itself.
    """

    found: dict[Named, int]
    codes: dict[int, str]
    namesakes: dict[Named, int]


@dataclass(frozen=True, slots=True)
class _Namesake:
    id: int
    code: str | None
    self_stated: bool


def _look_up(wanted: list[Named], *, trusted: bool, own: Collection[int] = ()) -> _Looked:
    codes = {party.code for party in wanted if party.code}
    stated = Organisation.identity == IDENTITY.initial
    vouched = [~stated] if trusted else [sa.or_(~stated, Organisation.claimed_at.is_(None))]
    # What is confirmed comes last here, and so wins.
    by_code: dict[str | None, int] = {
        code: id_
        for id_, code in db.session.execute(
            sa.select(Organisation.id, Organisation.code)
            .where(Organisation.code.in_(codes), Organisation.merged_into_id.is_(None), *vouched)
            .order_by(sa.case((stated, 0), else_=1), Organisation.id.desc())
        )
    }
    by_name = _by_name({party.name for party in wanted})
    looked = _Looked({}, {}, {})
    for party in wanted:
        if party.id is not None:
            looked.found[party] = party.id
            continue
        if party.code and party.code in by_code:
            looked.found[party] = by_code[party.code]
            continue
        for one in by_name.get(party.name, ()):
            code = looked.codes.get(one.id, one.code or "") or None
            if party.code is not None and code is not None and code != party.code:
                continue
            # Whoever typed the name first has not become the one that lists name by it.
            if one.self_stated and (one.id not in own or (trusted and party.code)):
                looked.namesakes.setdefault(party, one.id)
                continue
            looked.found[party] = one.id
            if party.code and code is None:
                looked.codes[one.id] = party.code
                by_code[party.code] = one.id
            break
    return looked


def _by_name(names: set[str]) -> dict[str, list[_Namesake]]:
    """Those that have each name, what is only stated last; else those that had it.

    Duplicates that were merged lead to the organisation that stays.
    """
    target = sa.orm.aliased(Organisation)
    typed = sa.and_(
        Organisation.identity == IDENTITY.initial,
        Organisation.claimed_at.is_not(None),
        # An operator has said whose duplicate it is.
        Organisation.merged_into_id.is_(None),
    )
    columns = (
        sa.func.coalesce(target.id, Organisation.id),
        sa.case((target.id.is_not(None), target.code), else_=Organisation.code),
        sa.case((typed, 1), else_=0),
    )
    # What stands for itself goes before duplicates that were merged.
    order = (
        sa.case((typed, 1), else_=0),
        sa.case((Organisation.merged_into_id.is_(None), 0), else_=1),
        Organisation.id,
    )
    found: dict[str, list[_Namesake]] = {}
    now = (
        sa.select(Organisation.name, *columns)
        .outerjoin(target, target.id == Organisation.merged_into_id)
        .where(Organisation.name.in_(names))
    )
    for name, id_, code, self_stated in db.session.execute(now.order_by(*order)):
        found.setdefault(name, []).append(_Namesake(id_, code, bool(self_stated)))
    formerly = (
        sa.select(OrganisationPast.value, *columns)
        .join(Organisation, Organisation.id == OrganisationPast.organisation_id)
        .outerjoin(target, target.id == Organisation.merged_into_id)
        .where(OrganisationPast.field == "name", OrganisationPast.value.in_(names - set(found)))
    )
    for name, id_, code, self_stated in db.session.execute(formerly.order_by(*order)):
        found.setdefault(str(name), []).append(_Namesake(id_, code, bool(self_stated)))
    return found


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
