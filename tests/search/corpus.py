"""An invented catalogue: a few hundred offers put together from lists of words, the same on every run."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

from marketplace.core.identifiers import PatentNumber
from marketplace.search.document import FEE_FORMS, KINDS, OWNER_TYPES, OfferDocument

THINGS = (
    ("锂离子电池", "lithium-ion battery"),
    ("固态电解质", "solid electrolyte"),
    ("气凝胶隔热毡", "aerogel insulation felt"),
    ("数控机床主轴", "machine tool spindle"),
    ("谐波减速器", "harmonic reducer"),
    ("污水处理曝气池", "wastewater aeration tank"),
    ("太阳能电池板", "solar panels"),
    ("光纤压力传感器", "fibre pressure sensor"),
    ("可降解支架", "degradable stent"),
    ("联合收割机割台", "combine harvester header"),
    ("LiFePO4正极材料", "LiFePO4 cathode material"),
    ("CRISPR-Cas9基因编辑", "CRISPR-Cas9 gene editing"),
    ("超高性能混凝土", "ultra-high performance concrete"),
    ("无人机机翼", "drone wing"),
    ("3D打印喷头", "3D printing nozzle"),
)
MAKINGS = (
    ("制备方法", "Method for preparing"),
    ("检测装置", "Device for testing"),
    ("控制系统", "Control system of"),
    ("回收工艺", "Recycling of"),
    ("散热结构", "Heat dissipation of"),
)
GAINS = (
    "提高循环寿命",
    "降低能耗",
    "结构简单，成本低",
    "抗震性能好",
    "避免热失控",
    "减少污泥膨胀",
    "检测精度达0.5mm",
)
FIELDS = ("电动汽车", "建筑节能", "市政污水", "精密加工", "医疗器械", "现代农业", "航空航天")
PLACES = ("310104", "310115", "310112", None)
OWNERS = (
    ("虚构理工大学", "university"),
    ("假想材料研究所", "institute"),
    ("示例精密机械有限公司", "enterprise"),
    ("杜撰医院", "hospital"),
    ("张虚构", "individual"),
)
SYMBOLS = (
    "H01M10/0525",
    "H01M 4/36",
    "C04B 28/00",
    "B23B 19/02",
    "F16H 49/00",
    "C02F 3/20",
    "A61F 2/82",
    "G01L 1/24",
)


def offer(serial: int, **changed: Any) -> OfferDocument:
    """The offer with this serial; the same number gives the same offer, fields may be replaced."""
    pick = random.Random(serial)
    (thing, thing_en), (making, making_en) = pick.choice(THINGS), pick.choice(MAKINGS)
    kind = pick.choice(KINDS)
    form = pick.choice(FEE_FORMS)
    owners = pick.sample(OWNERS, pick.choice((1, 1, 2)))
    number = PatentNumber.parse(f"2019{KINDS.index(kind) + 1}{9000000 + serial}")
    values: dict[str, Any] = {
        "id": f"offer-{serial:05}",
        "version": 1,
        "live": True,
        "patent_number": number.canonical,
        "publication_number": f"CN{109000000 + serial}B" if kind == "invention" else None,
        "declaration_number": f"KFXK2024{serial:06}",
        "kind": kind,
        "title": f"一种{thing}的{making}",
        "title_en": f"{making_en} {thing_en}" if serial % 3 else "",
        "abstract": f"本发明公开了一种{thing}的{making}，用于{pick.choice(FIELDS)}，"
        f"包括{pick.choice(THINGS)[0]}；{pick.choice(GAINS)}，{pick.choice(GAINS)}。"
        * pick.choice((1, 1, 2)),
        "abstract_en": f"The {thing_en} is used in tests & trials <only>." if serial % 4 == 0 else "",
        "application": pick.choice(FIELDS),
        "problem": f"现有{thing}寿命短" if serial % 2 else "",
        "advantage": pick.choice(GAINS),
        "ipc": ("09-03",) if kind == "design" else tuple(pick.sample(SYMBOLS, pick.choice((1, 2)))),
        "owners": tuple(name for name, _ in owners),
        "owner_types": tuple(of for _, of in owners),
        "district": pick.choice(PLACES),
        "fee_form": form,
        "fee_minor": pick.choice((100_000, 500_000, 5_000_000))
        if form in ("fixed", "entry_plus_royalty")
        else None,
        "rate_percent": Decimal(pick.randint(1, 40)) / 10 if "royalty" in form else None,
        "rate_base": "net_sales" if "royalty" in form else None,
        "announced_on": dt.date(2024, 1, 1) + dt.timedelta(days=pick.randint(0, 60)),
        "term_to": dt.date(2030, 12, 31),
        "licences": pick.randint(0, 4),
        "status": "announced",
    }
    if serial % 10 == 0:
        values |= {"live": False, "status": "withdrawn"}
    return OfferDocument(**values | changed)


OFFERS = tuple(offer(serial) for serial in range(400))
assert set(OWNER_TYPES) > {kind for _, kind in OWNERS}
