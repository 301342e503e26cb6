"""Loading the catalogue: two years are lived through again, day by day, through the product's own services.

The clock is set to each day on which something happened, so that journal, duties and figures have their
history. A catalogue that is there is left as it is.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts import mandates, services
from marketplace.accounts.models import Organisation
from marketplace.core import clock, importing
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.licences import expire_licences
from marketplace.deals.models import Licence, Notice
from marketplace.deals.notices import lapse_notices
from marketplace.listings import columns
from marketplace.listings.models import Offer
from marketplace.listings.services import act, draft_offer, find_patent
from marketplace.listings.work import review_offers
from marketplace.notifications import services as notifications
from marketplace.statistics.models import Activity

from . import accounts, activity, beside, demands, journeys, royalties, showcase, signals, stocktaking
from .catalogue import FIRST_DAY, LAST_DAY, Catalogue, Row, as_it_was, barred_now, digest

Tell = Callable[[int, int, str], None]
_MORNING: Final = dt.timedelta(hours=9)  # in Shanghai
# Steps of one day: facts come before declarations, declarations before licences, reviews last.
_FIRST, _EARLY, _MIDDLE, _LATE, _LAST = range(5)
_DRAFT_COLUMNS: Final = {column.name: column for column in columns.offers()}


@dataclass(frozen=True)
class Step:
    """Something that happened, at an instant; `rank` orders what happened at the same one."""

    at: dt.datetime
    rank: int
    title: str
    do: Callable[[], object]


def loaded() -> str | None:
    """The digest of the catalogue that was loaded whole, None if none was."""
    data: dict[str, Any] | None = db.session.scalar(
        sa.select(JournalEntry.data).where(JournalEntry.action == "demo.loaded").limit(1)
    )
    db.session.rollback()
    return None if data is None else str(data["digest"])


def interrupted() -> bool:
    """Whether an earlier load was cut off and nobody has put anything else into the database."""
    first = db.session.scalar(sa.select(JournalEntry.origin).order_by(JournalEntry.id).limit(1))
    others = db.session.scalar(sa.select(JournalEntry.id).where(JournalEntry.origin == "import").limit(1))
    db.session.rollback()
    return first == "demo" and others is None and loaded() is None


def load(tell: Tell | None = None) -> bool:
    """Load the catalogue into a migrated database (outside a unit of work); repeating changes nothing.

    Args:
        tell: called with (steps done, steps in all, the month or what is being done).

    Returns:
        Whether anything was loaded.

    Raises:
        Conflict: `demo-clock` when the clock shows a day before the catalogue's last; `demo-interrupted`
            when an earlier load did not come to its end, or the database holds something else.
    """
    if loaded() is not None:
        return False
    if clock.today() < LAST_DAY:
        raise Conflict(
            "demo-clock",
            "The clock must not be set before %(date)s: the demonstration's history ends there.",
            date=LAST_DAY.isoformat(),
        )
    if db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)):
        db.session.rollback()
        raise Conflict(
            "demo-interrupted",
            "The database already holds something else, or an earlier load was interrupted. "
            "Start over with RESET=1.",
        )
    db.session.rollback()
    present = clock.now()
    steps = sorted(_steps(Catalogue(), present), key=lambda step: (step.at, step.rank))
    for done, step in enumerate(steps):
        if tell is not None:
            tell(done, len(steps), step.title)
        with clock.at(step.at):
            step.do()
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        _invent_activity()
        _tell_recent_news(present)
        operator = services.user_by_email(accounts.OPERATOR.email)
        assert operator is not None  # noqa: S101 - made in the first step
        record("demo.loaded", operator, digest=digest())
    if tell is not None:
        tell(len(steps), len(steps), "")
    return True


# --- the calendar


def _morning(day: dt.date) -> dt.datetime:
    return clock.start_of_day_utc(day) + _MORNING


def _steps(catalogue: Catalogue, present: dt.datetime) -> Iterator[Step]:
    """All that happened, in no order."""
    first = _morning(FIRST_DAY)
    yield Step(first, _FIRST, "", partial(_import, "organisations", catalogue.organisations))
    yield Step(first, _EARLY, "", accounts.create_shown)
    yield Step(first, _EARLY, "", partial(accounts.create_offices, catalogue.organisations))
    yield Step(_morning(dt.date(2025, 1, 6)), _FIRST, "2025-01", _grant_mandates)
    yield from _register(catalogue)
    yield from _declarations(catalogue)
    yield from _licences(catalogue)
    for day, rows in groupby(sorted(catalogue.demands, key=_published), key=_published):
        do = partial(_import, "demands", list(rows))
        yield Step(_morning(dt.date.fromisoformat(day)), _MIDDLE, day[:7], do)
    yield from _deals(present)
    for on, done in (*royalties.dated(), *signals.dated()):
        yield Step(_morning(on), _MIDDLE, f"{on:%Y-%m}", done)
    recent = (
        *stocktaking.STEPS,
        *showcase.steps(),
        *demands.steps(),
        *beside.steps(),
        *royalties.recent(),
        *signals.steps(),
    )
    for days, later in recent:
        at = present - dt.timedelta(days=days)
        yield Step(at, _LAST, f"{clock.legal_date(at):%Y-%m}", later)


def _published(row: Row) -> str:
    return str(row["published_on"])


def _month_ends() -> Iterator[dt.date]:
    day = FIRST_DAY
    while day <= LAST_DAY:
        following = clock.add_months(day, 1)
        yield min(following - dt.timedelta(days=1), LAST_DAY)
        day = following


def _register(catalogue: Catalogue) -> Iterator[Step]:
    """Patents become known before they are declared; what hinders some of them comes later."""
    needed: dict[str, dt.date] = {}
    for row in catalogue.offers:
        needed.setdefault(row["patent_number"], dt.date.fromisoformat(row["announced_on"]))
    for row in catalogue.unannounced:
        needed.setdefault(row["patent_number"], dt.date(2026, 7, 31))
    for row in catalogue.licences:
        taken = dt.date.fromisoformat(row["effective_on"])
        needed[row["patent_number"]] = min(taken, needed.get(row["patent_number"], taken))
    for end in _month_ends():
        begin = end.replace(day=1)
        numbers = [number for number, day in needed.items() if begin <= day <= end]
        rows = [as_it_was(catalogue.patents[number], end) for number in numbers]
        yield Step(_morning(end), _FIRST, f"{end:%Y-%m}", partial(_import, "patents", rows))
        yield Step(_morning(end), _LAST, f"{end:%Y-%m}", _review)
    for number in needed:
        row = catalogue.patents[number]
        if barred_now(row):
            day = dt.date.fromisoformat(row["facts_as_of"])
            yield Step(_morning(day), _EARLY, f"{day:%Y-%m}", partial(_import, "patents", [row]))
    whole = list(catalogue.patents.values())
    yield Step(_morning(LAST_DAY), _EARLY, f"{LAST_DAY:%Y-%m}", partial(_import, "patents", whole))


def _review() -> None:
    """What the worker's schedules do: ends and duties of offers, licences and recordals."""
    review_offers()
    expire_licences()


def _declarations(catalogue: Catalogue) -> Iterator[Step]:
    """Announcements and withdrawals are imported month by month, as gazette lists."""
    for end in _month_ends():
        month = f"{end:%Y-%m}"
        offers = [row for row in catalogue.offers if row["announced_on"].startswith(month)]
        yield Step(_morning(end), _MIDDLE, month, partial(_import, "offers", offers))
        gone = [row for row in catalogue.withdrawals if row["withdrawn_on"].startswith(month)]
        if gone:
            yield Step(_morning(end), _LATE, month, partial(_import, "withdrawals", gone))
    for row in catalogue.offers:
        number = row["declaration_number"]
        for column, action, reason in (
            ("withdrawal_filed_on", "file_withdrawal", "withdrawal_reason"),
            ("revoked_on", "revoke", "revoke_reason"),
        ):
            if column in row:
                day = dt.date.fromisoformat(row[column])
                do = partial(_end_offer, number, action, row[reason])
                yield Step(_morning(day), _LATE, f"{day:%Y-%m}", do)
    for row in catalogue.unannounced:
        yield from _unannounced(row)


def _licences(catalogue: Catalogue) -> Iterator[Step]:
    """Licences taken elsewhere become known with the month of their effect; later their recordal and end."""
    for end in _month_ends():
        month = f"{end:%Y-%m}"
        rows = []
        for row in catalogue.licences:
            known = dict(row)
            if row["recorded_on"] > end.isoformat():
                known["recorded_on"] = known["recordal_number"] = ""
            if row["ended_on"] > end.isoformat():
                known["ended_on"] = ""
            news = (row["effective_on"], row["recorded_on"], row["ended_on"])
            if any(day.startswith(month) for day in news):
                rows.append(known)
        if rows:
            yield Step(_morning(end), _LATE, month, partial(_import, "licences", rows))


# --- declarations that are not announced


def _unannounced(row: Row) -> Iterator[Step]:
    """The days on which such a declaration took its steps."""
    state = row["state"]
    drafted = dt.date(2026, 11, 3)
    if "filed_on" in row:
        drafted = dt.date.fromisoformat(row["filed_on"]) - dt.timedelta(days=1)
    elif "announced_on" in row:
        drafted = dt.date.fromisoformat(row["announced_on"]) - dt.timedelta(days=20)
    number = row["patent_number"]
    yield _holder_step(drafted, partial(_draft, row))
    if state in ("filed", "refused"):
        filed = dt.date.fromisoformat(row["filed_on"])
        yield _holder_step(filed, partial(_own_step, number, "file", {"filed_on": filed}))
    if state == "refused":
        refused = dt.date.fromisoformat(row["refused_on"])
        yield _holder_step(refused, partial(_own_step, number, "refuse", {"reason": row["refused_reason"]}))
    if state == "price_notice":
        yield _holder_step(dt.date(2026, 11, 13), partial(_own_step, number, "start_price_notice", {}))
    if state == "holder_stated":
        announced = dt.date.fromisoformat(row["announced_on"])
        filed = announced - dt.timedelta(days=18)
        yield _holder_step(filed, partial(_own_step, number, "file", {"filed_on": filed}))
        values = {"declaration_number": row["declaration_number"], "announced_on": announced}
        yield _holder_step(announced, partial(_own_step, number, "announce", values))


def _holder_step(day: dt.date, do: Callable[[], object]) -> Step:
    return Step(_morning(day), _MIDDLE, f"{day:%Y-%m}", do)


def _draft(row: Row) -> None:
    patent = find_patent(row["patent_number"])
    actor = accounts.actor_of(patent.parties[0].organisation.name)
    values = {
        name: column.convert(row[name])
        for name, column in _DRAFT_COLUMNS.items()
        if name in row and name not in ("patent_number", "declaration_number", "announced_on")
    }
    with unit_of_work(actor, origin="demo"):
        draft_offer(actor, patent, values)


def _own_step(patent_number: str, action: str, values: dict[str, Any]) -> None:
    patent = find_patent(patent_number)
    actor = accounts.actor_of(patent.parties[0].organisation.name)
    offer_id = db.session.scalars(sa.select(Offer.id).where(Offer.patent_id == patent.id)).one()
    with unit_of_work(actor, origin="demo"):
        if action == "file" and len(patent.parties) > 1:
            act(actor, offer_id, "ready")
        act(actor, offer_id, action, values)


def _end_offer(declaration_number: str, action: str, reason: str) -> None:
    offer_id = db.session.scalars(
        sa.select(Offer.id).where(Offer.declaration_number == declaration_number)
    ).one()
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        act(OPERATOR_COMMAND, offer_id, action, {"reason": reason})


# --- accounts and deals


def _grant_mandates() -> None:
    agency = accounts.MANAGER.organisation
    with unit_of_work(OPERATOR_COMMAND, origin="demo"):
        for name, scope in accounts.PRINCIPALS:
            principal = services.find_organisation(name, None)
            agent = services.find_organisation(agency, None)
            assert principal is not None  # noqa: S101 - in the catalogue
            assert agent is not None  # noqa: S101 - in the catalogue
            mandates.grant_mandate(principal, agent, scope=scope, until=dt.date(2030, 12, 31))


_HULAN: Final = "沪澜理工大学"
_JIAYUEHENG: Final = "上海嘉钺衡汽车零部件有限公司"
_FENGHENGZHU: Final = "上海枫桁筑工程技术有限公司"
_YITINGCHANG: Final = "上海熠汀昶智能装备股份有限公司"
_YUHESHENG: Final = "上海隅禾笙餐饮管理有限公司"
_GU: Final = "顾试之"

# Further clauses of holders: the patent, what it is about, the text in Chinese and in English.
_CLAUSES: Final = (
    (
        "201819008945.3",
        "use_reports",
        "被许可人每年 3 月底前以书面说明上一年度的实施情况，许可人对此保密。",
        "By the end of March the licensee writes how it used the patent the year before, in confidence.",
    ),
    (
        "201929008599.9",
        "support",
        "许可人在许可生效后三个月内提供两次远程技术答疑，每次不超过两小时，不另收费。",
        "The holder answers technical questions twice, remotely, within three months, two hours each, free.",
    ),
    (
        "201929008599.9",
        "marking",
        "被许可人可以在产品说明书中注明专利号，不得标注许可人的名称或者徽标。",
        "The manual of a product may name the patent's number, but not the holder's name or logo.",
    ),
)


def _deals(present: dt.datetime) -> Iterator[Step]:
    """Deals made here. What is under way is dated from today, so that it is still open when one looks."""

    def on(month: int, day: int, do: Callable[[], object], *, hour: int = 10) -> Step:
        at = clock.start_of_day_utc(dt.date(2026, month, day)) + dt.timedelta(hours=hour, minutes=20)
        return Step(at, _MIDDLE, f"2026-{month:02d}", do)

    def ago(days: int, do: Callable[[], object]) -> Step:
        at = present - dt.timedelta(days=days)
        return Step(at, _MIDDLE, f"{clock.legal_date(at):%Y-%m}", do)

    call = "电话 000-00002001，邮箱 firm@demo.example"

    # A fixed fee by transfer, from notice to recordal.
    seal = ("201819009274.2", _FENGHENGZHU)
    yield on(6, 10, partial(journeys.serve, *seal, "用于在建隧道区间的管片接缝防水", "电话 000-00002002"))
    yield on(6, 18, partial(journeys.transfer, *seal))
    yield on(6, 19, partial(journeys.confirm, *seal, "浦川工程大学", dt.date(2026, 6, 18)))
    yield on(7, 10, partial(journeys.file_recordal, *seal))
    yield on(8, 5, partial(journeys.record_recordal, *seal, "DEMO-BA2026P001", dt.date(2026, 8, 5)))
    printing = ("201919001158.0", _JIAYUEHENG)
    yield on(9, 15, partial(journeys.serve, *printing, "用于轻量化支架样件的增材制造", call))
    yield on(9, 21, partial(journeys.transfer, *printing))
    yield on(9, 22, partial(journeys.confirm, *printing, _HULAN, dt.date(2026, 9, 21)))
    yield on(10, 9, partial(journeys.file_recordal, *printing))
    yield on(10, 28, partial(journeys.record_recordal, *printing, "DEMO-BA2026P002", dt.date(2026, 10, 28)))
    # A free licence: in effect with the notice.
    gripper = ("202119001343.7", _GU)
    yield on(10, 20, partial(journeys.serve, *gripper, "制作采摘夹爪样机，供合作社试用", "电话 000-00002003"))
    yield on(10, 20, partial(journeys.certify, *gripper), hour=11)
    # Not paid in time, and given up.
    spindle = ("201819006696.4", _YITINGCHANG)
    yield on(8, 5, partial(journeys.serve, *spindle, "高速电主轴选型评估", "电话 000-00002004"))
    yield on(9, 7, lapse_notices)
    sealing = ("202429001676.9", _YUHESHENG)
    yield on(10, 8, partial(journeys.serve, *sealing, "熟食真空包装线改造", "电话 000-00002005"))
    yield on(10, 12, partial(journeys.abandon, *sealing))
    # Under way: a slip that waits for the holder, a notice that waits for money, one that is on its way.
    metals = ("201919009464.9", _JIAYUEHENG)
    yield ago(8, partial(journeys.serve, *metals, "电镀废水排放口重金属在线监测", call))
    yield ago(3, partial(journeys.transfer, *metals))
    rotor = ("202019000973.8", _JIAYUEHENG)
    yield ago(6, partial(journeys.serve, *rotor, "喷涂车间废气治理改造", call))
    solar = ("202229009308.X", _JIAYUEHENG)
    yield ago(2, partial(journeys.serve, *solar, "厂房屋顶光伏支架改造", call))
    # Several in one go: a free one, two to pay to one payee, and one that is licensed already. Then a basket
    # with two that can be taken up, and an offer of the firm's own that cannot.
    several = ["201819008945.3", "202029009810.1", "202029007042.6", "201919001158.0"]
    for number, *clause in _CLAUSES:
        yield ago(9, partial(journeys.add_clause, number, *clause))
    yield ago(5, partial(journeys.take_up, several, _JIAYUEHENG, "总装线螺栓预紧与振动在线检测改造", call))
    yield ago(1, partial(journeys.pay_together, _JIAYUEHENG))
    aside = ["201929008599.9", "202239006557.9", "202229001639.9"]
    yield ago(1, partial(journeys.lay_aside, aside, _JIAYUEHENG))


# --- inboxes

_NEWS_FROM, _UNREAD_FROM = dt.timedelta(days=90), dt.timedelta(days=18, hours=1)


def _tell_recent_news(present: dt.datetime) -> None:
    """Fill the inboxes from the journal, as the worker does; what is older has been read. No mail is sent."""
    recent = sa.select(JournalEntry).where(JournalEntry.recorded_at >= present - _NEWS_FROM)
    for entry in db.session.scalars(recent.order_by(JournalEntry.id)).all():
        for told in notifications.tell(entry, by_mail=False):
            if told.created_at < present - _UNREAD_FROM:
                told.read_at = told.created_at + dt.timedelta(hours=5)


# --- activity


def _invent_activity() -> None:
    """Fill `activity` for every offer that was in force, in the present unit of work."""
    today = clock.today()
    served: dict[int, list[dt.date]] = {}
    for offer_id, written_at in db.session.execute(sa.select(Notice.offer_id, Notice.written_at)):
        served.setdefault(offer_id, []).append(clock.legal_date(written_at))
    for taken, day in db.session.execute(
        sa.select(Licence.offer_id, sa.func.coalesce(Licence.notice_on, Licence.effective_on)).where(
            Licence.kind == "open"
        )
    ):
        served.setdefault(taken or 0, []).append(day)
    rows: list[dict[str, Any]] = []
    offers = sa.select(Offer).where(Offer.evidence == "verified", Offer.announced_on.is_not(None))
    for offer in db.session.scalars(offers.order_by(Offer.announced_on, Offer.id)):
        assert offer.announced_on is not None  # noqa: S101 - asked for above
        ends = [offer.withdrawn_on, offer.revoked_on, offer.lapsed_on, today]
        shelf = activity.Shelf(
            offer_id=offer.id,
            declaration=offer.declaration_number or "",
            first=offer.announced_on,
            last=min(day for day in ends if day is not None),
            notices=tuple(sorted(served.get(offer.id, ()))),
            free=offer.fee_form == "free",
        )
        rows += activity.rows_of(shelf)
    db.session.execute(sa.insert(Activity.__table__), rows)  # type: ignore[arg-type]


# --- imports


def _import(kind: str, rows: Iterable[Row]) -> None:
    """Import rows as a list that the operator brings."""
    with _list(rows) as path:
        summary = importing.run(kind, path, actor=OPERATOR_COMMAND, origin="demo")
    if summary.rejected:
        faults = "; ".join(f"{error.field} {error.value}: {error.reason}" for error in summary.errors[:3])
        raise Conflict(
            "demo-broken", "The catalogue is broken (%(kind)s): %(faults)s", kind=kind, faults=faults
        )


@contextmanager
def _list(rows: Iterable[Row]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        yield path
