"""Demands with a confidential part, demands posted for others, and what holders answer to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Final

import sqlalchemy as sa

from marketplace.accounts import services as accounts_services
from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.identifiers import PatentNumber
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import accesses, answers, reminders, services
from marketplace.demands.models import Demand, DemandAccess, DemandAnswer
from marketplace.listings.models import IN_FORCE, Offer, Patent

from .accounts import BUREAU, FIRM, HOLDER, MANAGER, PRINCIPALS, actor_of

STATEMENT: Final = (
    "一、本单位仅为判断能否答复本需求以及作出答复而使用其保密内容。\n"
    "二、本单位仅向为此确有必要知悉的本单位人员提供，不公开其任何内容，也不就其申请专利。\n"
    "三、保密义务自今日起三年（民法典第五百零一条、反不正当竞争法第十条）。"
)
_OTHER_HOLDER: Final = "浦川工程大学"
_HOUSING: Final = {
    "title": "电驱动壳体压铸件散热不足，希望减重两成",
    "title_en": "Die-cast e-drive housings run too hot and should be a fifth lighter",
    "description": (
        "我们为两家整车厂供应电驱动壳体，现用 ADC12 铝合金压铸，导热率约 96 W/(m·K)，持续爬坡工况下"
        "绕组端部温度超过 165 ℃。加厚散热筋后重量超标，改用 A356 低压铸造节拍太慢。希望找到能在现有 1600 吨"
        "冷室压铸机上生产、导热率不低于 110 W/(m·K)、屈服强度不低于 140 MPa、"
        "单件减重 20% 以上的合金及热处理工艺。"
    ),
    "confidential": (
        "客户工况：峰值 150 kW、持续 70 kW，冷却液入口 65 ℃、流量 10 L/min。\n"
        "壳体现重 7.8 kg，目标 6.2 kg；年用量 2027 年 6 万件、2028 年 11 万件。\n"
        "目标到厂价：每件不高于 418 元（含机加工）；盐雾 720 小时为放行条件。"
    ),
    "ipc": ("C22C23/04", "B22D17/00"),
    "budget": 60_000_000,
    "district": "310114",
}
_WALL: Final = {
    "title": "带砂软土地层地下连续墙接头渗漏",
    "title_en": "Leaking joints of diaphragm walls in sandy soft soil",
    "description": (
        "基坑深 24 米，地下连续墙采用锁口管接头，开挖到第三道支撑后接头处连续出现线流，夹泥厚度 3 至 6 厘米。"
        "试过接头刷壁二十次和坑外高压旋喷，渗漏点仍有四成复发。需要能在成槽设备不变的条件下减少接头夹泥、"
        "接头渗漏量小于 0.1 L/(m²·d) 的接头构造或施工方法，首个工点计划明年三月开工。"
    ),
    "ipc": ("E02D5/18",),
    "budget": 35_000_000,
    "district": "310115",
}
_COLD: Final = {
    "organisation": "上海沁砚舱冷链仓储有限公司",
    "named": False,
    "described_as": "浦东新区一家中型冷链仓储企业",
    "title": "低温穿堂冷风机夜间频繁化霜，库温波动大",
    "title_en": "Evaporators of a cold-store corridor defrost too often at night",
    "description": (
        "零下 22 ℃ 冻品库共 18 台冷风机，定时化霜每日六次，每次库温回升 4 至 6 ℃，电化霜占全库用电 11%。"
        "试过按累计运行时间化霜，湿度高的出入库时段仍然结霜堵风。希望找到能判断真实霜层厚度再化霜、"
        "可加装在现有控制柜上的方法，单台改造费用控制在 3000 元以内。"
    ),
    "confidential": (
        "库区平面：A、B 两区共 9200 m²；日均出入库 41 车次，集中在 22 时至次日 3 时。控制柜品牌与点表可提供。"
    ),
    "ipc": ("F25B47/02",),
    "budget": 8_000_000,
    "district": "310115",
}
_RADIO: Final = {
    "organisation": "上海岚桁控自动化设备有限公司",
    "title": "产线无线改造后运动控制指令偶发超时",
    "title_en": "Occasional time-outs of motion commands on a wireless production line",
    "description": (
        "三条装配线共 140 个无线节点，2.4 GHz 与车间 AGV 共用频段。周期 8 ms 的轴同步指令"
        "平均每小时丢失两到三次，触发急停。更换信道和加定向天线后有所缓解但不能消除。需要在多节点竞争下给运动控制预留时隙、"
        "最大时延 4 ms 以内的调度方法，可在现有网关上升级固件。"
    ),
    "ipc": ("H04W74/04",),
    "budget": 12_000_000,
    "district": "310112",
}


def steps() -> Iterator[tuple[int, Callable[[], None]]]:
    """Days before today, and what was done then."""
    yield 26, _post
    yield 19, _ask
    yield 17, _decide
    yield 12, _answer
    yield 8, _judge


def bureau() -> Actor:
    """The bureau's account of the demonstration."""
    user = db.session.scalars(sa.select(User).where(User.email == BUREAU.email)).one()
    return accounts_services.actor_for(user, None)


def _actor(organisation: str | None) -> Actor:
    return actor_of(organisation or "")


def _post() -> None:
    firm, manager, official = _actor(FIRM.organisation), _actor(MANAGER.organisation), bureau()
    principal = db.session.scalars(
        sa.select(Organisation.id).where(Organisation.name == PRINCIPALS[1][0])
    ).one()
    soon = clock.today() + dt.timedelta(days=60)
    for actor, values in (
        (firm, {**_HOUSING, "answer_by": soon}),
        (manager, {**_WALL, "organisation_id": principal, "answer_by": soon}),
        (official, _COLD),
        (official, {**_RADIO, "answer_by": soon}),
    ):
        with unit_of_work(actor, origin="demo"):
            services.publish_demand(actor, values)


def _demand(values: dict[str, object]) -> int:
    return db.session.scalars(sa.select(Demand.id).where(Demand.title == values["title"])).one()


def _ask() -> None:
    for organisation, purpose in (
        (_OTHER_HOLDER, "本校车辆学院有轴向磁通电机浸油散热的样机，想核对热流量后再判断是否适用。"),
        (MANAGER.organisation, "代理两家轻合金材料单位，需了解用量和价格目标后推荐。"),
    ):
        actor, demand_id = _actor(organisation), _demand(_HOUSING)
        with unit_of_work(actor, origin="demo"):
            reminders.note_opening(actor, demand_id)
        with unit_of_work(actor, origin="demo"):
            accesses.ask(actor, demand_id, purpose=purpose, statement=STATEMENT, accepted=True)


def _decide() -> None:
    firm, holder = _actor(FIRM.organisation), _actor(_OTHER_HOLDER)
    demand_id = _demand(_HOUSING)
    access = db.session.scalars(
        sa.select(DemandAccess).where(DemandAccess.organisation_id == holder.organisation_id)
    ).one()
    with unit_of_work(firm, origin="demo"):
        accesses.decide(firm, access.id, "grant")
    with unit_of_work(holder, origin="demo"):
        accesses.read(holder, demand_id)


def _offer(number: str) -> int:
    found = db.session.scalar(
        sa.select(Offer.id)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(
            Patent.number == PatentNumber.parse(number).canonical,
            Offer.status.in_(IN_FORCE),
            Offer.evidence == "verified",
        )
    )
    if found is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    return found


def _answer() -> None:
    holder, other = _actor(HOLDER.organisation), _actor(_OTHER_HOLDER)
    patent_id = db.session.scalars(
        sa.select(Patent.id).where(Patent.number == PatentNumber.parse("201919005173.2").canonical)
    ).one()
    with unit_of_work(holder, origin="demo"):
        answers.answer_demand(
            holder,
            _demand(_HOUSING),
            _offer("202019002416.X"),
            "该镁合金压铸态导热率 118 W/(m·K)，时效后屈服强度 152 MPa，"
            "已在 1250 吨压铸机上试制电控壳体 300 件。"
            "与铝合金相比减重约三成；耐蚀需配合微弧氧化，可提供盐雾数据。",
        )
    with unit_of_work(other, origin="demo"):
        answers.answer_with_message(
            other,
            _demand(_HOUSING),
            "看过工况后，我们认为先改浸油散热、再换材料，绕组端部温度可再降 15 ℃ 左右，可安排台架对比。",
        )
    with unit_of_work(other, origin="demo"):
        answers.answer_demand(other, _demand(_WALL), _offer("201819009274.2"))
    with unit_of_work(holder, origin="demo"):
        answers.answer_with_patent(
            holder,
            _demand(_RADIO),
            patent_id,
            "该专利尚未声明开放许可。贵司若有意，我校可在一个月内提出声明，固件样例已在两类网关上跑通。",
        )


def _judge() -> None:
    firm, manager = _actor(FIRM.organisation), _actor(MANAGER.organisation)
    holder = _actor(HOLDER.organisation)

    def given(values: dict[str, object], kind: str) -> int:
        return db.session.scalars(
            sa.select(DemandAnswer.id).where(
                DemandAnswer.demand_id == _demand(values), DemandAnswer.kind == kind
            )
        ).one()

    first = given(_HOUSING, "offer")
    with unit_of_work(firm, origin="demo"):
        answers.reply(firm, first, "请问 720 小时盐雾后的单边腐蚀深度是多少？微弧氧化的单件成本大致多少？")
    with unit_of_work(holder, origin="demo"):
        answers.reply(holder, first, "最大 0.03 mm；按年 6 万件估算，微弧氧化约 38 元每件。报告可当面提供。")
    with unit_of_work(firm, origin="demo"):
        answers.judge(firm, first, "helpful")
    with unit_of_work(manager, origin="demo"):
        answers.judge(
            manager,
            given(_WALL, "offer"),
            "pass",
            reason="off_topic",
            note="该方案用于盾构管片接缝，我们的渗漏在地下连续墙锁口管接头处。",
        )
