"""Invented royalties, shares and disputes: stated and paid, corrected, late; divided; settled and open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import payments
from marketplace.deals.disputes import services as disputes
from marketplace.deals.models import Licence, Obligation, Payment, Receipt
from marketplace.deals.royalties import services, work
from marketplace.deals.royalties.models import RoyaltyPeriod
from marketplace.deals.royalties.services import Given, LineGiven
from marketplace.deals.shares import agreements, allocating, books, persons
from marketplace.deals.shares import services as shares
from marketplace.listings.services import find_patent

from . import journeys
from .accounts import HOLDER, actor_of

_RESIN: Final = "202019002157.0"  # co-owned; 2.5 per cent of net sales, settled by the year
_CASTING: Final = "202019002416.X"
_PRINTING: Final = "201919001158.0"
_JUNWUSU: Final = "上海钧梧塑新材料有限公司"
_HULAN: Final = "沪澜理工大学"
_JIAYUEHENG: Final = "上海嘉钺衡汽车零部件有限公司"
_FENGHENGZHU: Final = "上海枫桁筑工程技术有限公司"
_YITINGCHANG: Final = "上海熠汀昶智能装备股份有限公司"

_LINES: Final = {
    _JIAYUEHENG: [
        LineGiven("树脂基传动壳体", 182_450_000, 12_450_000, "3649", "件"),
        LineGiven("复合材料托盘", 46_800_000, 1_300_000, "2340", "件"),
    ],
    _YITINGCHANG: [LineGiven("可回收绝缘端子", 71_260_000, 2_260_000, "89075", "只")],
}


def dated() -> list[tuple[dt.date, Callable[[], object]]]:
    """What happened on given days: licences, statements and payments of the year before."""
    served = [
        (dt.date(2025, 3, 12), _JIAYUEHENG, "用于新能源汽车传动壳体", "DEMO-BA2025R001"),
        (dt.date(2025, 4, 21), _YITINGCHANG, "用于伺服电机绝缘端子", "DEMO-BA2025R002"),
        (dt.date(2025, 6, 9), _FENGHENGZHU, "用于可回收模板面板", "DEMO-BA2025R003"),
    ]
    found: list[tuple[dt.date, Callable[[], object]]] = []
    for day, firm, use, number in served:
        found += [
            (day, partial(_licensed, _RESIN, firm, use)),
            (day + dt.timedelta(days=40), partial(journeys.file_recordal, _RESIN, firm)),
            (
                day + dt.timedelta(days=58),
                partial(journeys.record_recordal, _RESIN, firm, number, day + dt.timedelta(days=58)),
            ),
        ]
    found += [
        (dt.date(2026, 1, 5), work.make_periods),
        (dt.date(2026, 1, 20), partial(_state, _JIAYUEHENG, None)),
        (dt.date(2026, 1, 27), partial(_state, _YITINGCHANG, None)),
        (dt.date(2026, 2, 9), partial(_pay, _JIAYUEHENG, dt.date(2026, 2, 9))),
        (dt.date(2026, 2, 12), partial(_pay, _YITINGCHANG, dt.date(2026, 2, 12))),
        (dt.date(2026, 2, 24), work.remind),
        (dt.date(2026, 3, 16), partial(_licensed, _CASTING, _JIAYUEHENG, "用于电驱壳体压铸")),
        (dt.date(2026, 3, 16), work.make_periods),
    ]
    return found


def recent() -> list[tuple[int, Callable[[], object]]]:
    """What happened so many days ago, so that it is still under way when one looks."""
    return [
        (40, _open_settled),
        (37, _answer_settled),
        (33, partial(_settle)),
        (26, _default),
        (18, partial(_state, _YITINGCHANG, "漏报一批出口产品的销售额")),
        (15, _divide_by_the_co_owner),
        (12, _divide_by_the_university),
        (5, _open_dispute),
    ]


def _licensed(patent: str, firm: str, use: str) -> None:
    journeys.serve(patent, firm, use, "电话 000-00002010")
    journeys.certify(patent, firm)


def _licence(patent: str, firm: str) -> Licence:
    return journeys.licence_between(patent, firm)


def _period(firm: str) -> RoyaltyPeriod:
    """The period of the year before of a licence on the resin."""
    query = sa.select(RoyaltyPeriod).where(RoyaltyPeriod.licence_id == _licence(_RESIN, firm).id)
    found = db.session.scalars(query.order_by(RoyaltyPeriod.begins).limit(1)).first()
    if found is None:
        raise LookupError(f"no period of {firm}")
    return found


def _state(firm: str, correction: str | None) -> None:
    """A statement; a correction adds another product."""
    actor, lines = actor_of(firm), list(_LINES[firm])
    if correction is not None:
        lines.append(LineGiven("出口型绝缘端子", 18_400_000, 400_000, "23000", "只"))
    with unit_of_work(actor, origin="demo"):
        services.submit(actor, _period(firm).id, Given(lines, reason=correction))


def _pay(firm: str, on: dt.date) -> None:
    statement = services.current(_period(firm))
    if statement is None or statement.obligation is None:
        raise LookupError(f"nothing is owed by {firm}")
    owed: Obligation = statement.obligation
    payer, payee = actor_of(firm), actor_of(_JUNWUSU)
    with unit_of_work(payer, origin="demo"):
        payment: Payment = payments.begin_payment(payer, owed.notice_id, "bank", owed.id)
    with unit_of_work(payee, origin="demo"):
        payments.confirm_payment(payee, payment.id, on, owed.amount_minor)


def _default() -> None:
    """The co-owner that declared the offer demands the statement that is missing."""
    actor, period = actor_of(_JUNWUSU), _period(_FENGHENGZHU)
    cure_by = services.shortest_cure(period, clock.today()).date + dt.timedelta(days=21)
    with unit_of_work(actor, origin="demo"):
        services.give_default(
            actor, period.id, text="贵司2025年度报表至今未提交，请在期限内补报并付清提成。", cure_by=cure_by
        )


# --- shares


def _enter_receipts(patent: str) -> int:
    """Enter what has come for a patent, as the worker does. Returns the patent's id."""
    key = find_patent(patent).id
    receipts = [
        one.id
        for one in db.session.scalars(sa.select(Receipt).order_by(Receipt.id)).unique()
        if one.payment.obligation.notice.offer.patent_id == key
    ]
    with unit_of_work(origin="demo"):
        for receipt in receipts:
            shares.enter_receipt(receipt)
    return key


def _divide_by_the_co_owner() -> None:
    """The owner that received the royalties divides them and pays the other one its part."""
    patent, actor, other = _enter_receipts(_RESIN), actor_of(_JUNWUSU), actor_of(_HULAN)
    book, theirs, today = actor.organisation_id or 0, other.organisation_id or 0, clock.today()
    with unit_of_work(actor, origin="demo"):
        parts = {book: Decimal(60), theirs: Decimal(40)}
        agreements.agree_split(actor, book, patent, parts, since=dt.date(2025, 1, 17))
        shares.add_cost(actor, book, patent, "annuity", 200_000, on=today, reference="第七年年费")
        allocating.allocate(actor, book, patent)
        due = books.account(book, "owner", "CNY", party_id=theirs)
        amount = -books.balances([due.id])[due.id]
        paid = shares.pay_out(actor, due.id, amount, on=today, reference="共有人分配款")
    with unit_of_work(origin="demo"):
        shares.enter_shares(paid.id)


def _divide_by_the_university() -> None:
    """The university divides its own share and a fixed fee among its inventors."""
    actor, today = actor_of(_HULAN), clock.today()
    book, printing = actor.organisation_id or 0, _enter_receipts(_PRINTING)
    resin = find_patent(_RESIN).id
    with unit_of_work(actor, origin="demo"):
        first = persons.add_person(actor, book, HOLDER.name, "H0107")
        second = persons.add_person(actor, book, "陆示宁", "H0233")
        third = persons.add_person(actor, book, "沈例航", "H0415")
        persons.link_account(actor, first.id, HOLDER.email)
        parts = {first.id: Decimal(50), second.id: Decimal(30), third.id: Decimal(20)}
        for patent, percent in ((resin, Decimal(70)), (printing, Decimal(80))):
            agreements.set_inventor_rule(actor, book, patent, percent, parts, since=dt.date(2025, 1, 1))
        shares.add_cost(actor, book, printing, "agency_fee", 300_000, on=today, reference="备案代理服务费")
        for patent in (resin, printing):
            allocating.allocate(actor, book, patent)
        due = books.account(book, "inventor", "CNY", person_id=second.id)
        amount = -books.balances([due.id])[due.id]
        shares.pay_out(actor, due.id, amount, on=today, reference="工资代发")


# --- disputes


def _dispute_over(patent: str, firm: str) -> int:
    return disputes.over(actor_of(firm), "licence", _licence(patent, firm).id)[0].id


def _open_settled() -> None:
    actor = actor_of(_JIAYUEHENG)
    with unit_of_work(actor, origin="demo"):
        disputes.open_dispute(
            actor,
            "licence",
            _licence(_PRINTING, _JIAYUEHENG).id,
            topic="scope",
            title="样件打印能否委托外协单位",
            statement="我方打印设备不足，拟委托外协单位按我方图纸打印样件，请明确是否属于我方自己实施。",
        )


def _answer_settled() -> None:
    actor = actor_of(_HULAN)
    with unit_of_work(actor, origin="demo"):
        key = _dispute_over(_PRINTING, _JIAYUEHENG)
        disputes.answer(actor, key, text="外协单位只为贵司加工、不自行销售的，我校不持异议。")
        disputes.propose_settlement(
            actor,
            key,
            text="被许可人可委托一家外协单位按其图纸加工样件并全部交回；外协单位不得自行实施。",
        )


def _settle() -> None:
    actor = actor_of(_JIAYUEHENG)
    with unit_of_work(actor, origin="demo"):
        disputes.agree(actor, _dispute_over(_PRINTING, _JIAYUEHENG))


def _open_dispute() -> None:
    actor = actor_of(_JIAYUEHENG)
    with unit_of_work(actor, origin="demo"):
        disputes.open_dispute(
            actor,
            "licence",
            _licence(_RESIN, _JIAYUEHENG).id,
            topic="fee",
            title="售后备件是否计入净销售额",
            statement="我方认为免费更换的售后备件没有销售收入，不应计入提成基数，请权利人答复。",
        )
