"""What stands beside the open licences: negotiated ordinary ones, and orders of know-how and services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.deals.negotiated import services as negotiated
from marketplace.deals.negotiated.models import NegotiatedRecord
from marketplace.deals.negotiated.services import Contract
from marketplace.deals.orders import services as orders
from marketplace.deals.orders.models import ServiceOrder
from marketplace.listings.models import Offer, Patent
from marketplace.listings.services.patents import find_patent
from marketplace.listings.showcase.models import ListingDetails, SideOffer

from .accounts import FIRM, HOLDER, actor_of
from .catalogue import DATA

_UNIVERSITY: Final = HOLDER.organisation or ""
_FIRM: Final = FIRM.organisation or ""
_OTHER_FIRM: Final = "上海枫桁筑工程技术有限公司"


def steps() -> Iterator[tuple[int, Callable[[], None]]]:
    """Days before today, and what was done then. They come after the side offers are described."""
    # Negotiated: confirmed by both; contested; one that waits for the firm, one for the university.
    yield 30, partial(_state, _UNIVERSITY, _FIRM, ["202019002416.X", "201919005675.5"], 180_000_00, 40)
    yield 27, partial(_confirm, _FIRM, "202019002416.X")
    yield 20, partial(_state, _OTHER_FIRM, None, ["201919005173.2"], None, 60)
    yield 16, partial(_contest, _UNIVERSITY, "201919005173.2", "合同尚未盖章，双方仍在商谈使用费。")
    yield 6, partial(_state, _FIRM, None, ["202019008253.6"], 60_000_00, 12)
    # Orders: one to its end, one under way, one that waits for the holder, one declined.
    tuning = "两台设备的工艺参数整定，在嘉定工厂。"
    yield 31, partial(_place, _FIRM, "201919001158.0", "technical_service", tuning, 25)
    yield 29, partial(_accept, _UNIVERSITY, "201919001158.0", None, "两名工程师，现场三天。")
    yield 15, partial(_finish, _UNIVERSITY, "201919001158.0")
    yield 8, partial(_pay, _UNIVERSITY, "201919001158.0")
    yield 12, partial(_place, _FIRM, "202019002786.3", "know_how", "批量纺丝的工艺包，用于过滤材料样品。", 45)
    yield 9, partial(_accept, _UNIVERSITY, "202019002786.3", 80_000_00, "保密协议签署后两周内交付。")
    yield 5, partial(_place, _OTHER_FIRM, "201819007371.8", "technical_service", None, None)
    yield 4, partial(_decline, _UNIVERSITY, "201819007371.8", "今年的现场任务已满，欢迎明年再约。")
    yield 3, partial(_place, _FIRM, "201919001158.0", "further_development", "希望扩展到钛合金粉末。", 90)


def _state(by: str, licensee: str | None, numbers: list[str], fee: int | None, ago: int) -> None:
    actor = actor_of(by)
    patents = [find_patent(one) for one in numbers]
    day = clock.today() - dt.timedelta(days=ago)
    contract = Contract(
        signed_on=day, effective_on=day, term_to=clock.add_months(day, 36), fee_minor=fee, licensee=licensee
    )
    with unit_of_work(actor, origin="demo"):
        negotiated.state(
            actor, patents, contract, file=("普通许可合同（示例）.pdf", (DATA / "slip.pdf").read_bytes())
        )


def _statement(number: str) -> int:
    query = (
        sa.select(NegotiatedRecord.id)
        .join(Licence, Licence.id == NegotiatedRecord.licence_id)
        .where(Licence.patent_id == find_patent(number).id)
    )
    return db.session.scalars(query).one()


def _confirm(by: str, number: str) -> None:
    actor, key = actor_of(by), _statement(number)
    with unit_of_work(actor, origin="demo"):
        negotiated.confirm(actor, [key])


def _contest(by: str, number: str, reason: str) -> None:
    actor, key = actor_of(by), _statement(number)
    with unit_of_work(actor, origin="demo"):
        negotiated.contest(actor, key, reason=reason)


def _place(by: str, number: str, kind: str, wish: str | None, within: int | None) -> None:
    actor = actor_of(by)
    line = db.session.execute(
        sa.select(ListingDetails.offer_id, SideOffer.id)
        .join(SideOffer, SideOffer.details_id == ListingDetails.id)
        .join(Offer, Offer.id == ListingDetails.offer_id)
        .where(Offer.patent_id == find_patent(number).id, SideOffer.kind == kind)
    ).one()
    day = None if within is None else clock.today() + dt.timedelta(days=within)
    with unit_of_work(actor, origin="demo"):
        orders.place(actor, line.offer_id, line.id, wish=wish, wanted_by=day)


def _order(number: str) -> int:
    """The last order beside an offer of that patent."""
    query = (
        sa.select(ServiceOrder.id)
        .join(Offer, Offer.id == ServiceOrder.offer_id)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(Patent.id == find_patent(number).id)
        .order_by(ServiceOrder.id.desc())
    )
    return db.session.scalars(query.limit(1)).one()


def _accept(by: str, number: str, price: int | None, answer: str) -> None:
    actor, key = actor_of(by), _order(number)
    with unit_of_work(actor, origin="demo"):
        orders.accept(actor, key, price_minor=price, answer=answer)


def _decline(by: str, number: str, answer: str) -> None:
    actor, key = actor_of(by), _order(number)
    with unit_of_work(actor, origin="demo"):
        orders.decline(actor, key, answer=answer)


def _finish(by: str, number: str) -> None:
    actor, key = actor_of(by), _order(number)
    with unit_of_work(actor, origin="demo"):
        orders.finish(actor, key)


def _pay(by: str, number: str) -> None:
    actor, key = actor_of(by), _order(number)
    with unit_of_work(actor, origin="demo"):
        orders.pay(actor, key)
