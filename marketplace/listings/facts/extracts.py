"""Extracts of the patent register, or lists kept by an agency, with the register's usual columns.

Only facts change, and only of patents that are known here. The day of each row is the register's; a page
may give it for a file that does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.core import clock, convert
from marketplace.core.actor import Actor
from marketplace.core.convert import KNOWN_NONE
from marketplace.core.database import db
from marketplace.core.importing import Checked, Importer, Outcome, Problem
from marketplace.core.tables import Column
from marketplace.listings import columns, register
from marketplace.listings.models import Patent, PatentParty

from . import writing
from .models import ALL_FACTS

_LEGAL_STATUS: Final = {
    **columns.LEGAL_STATUS,
    "in_force": (*columns.LEGAL_STATUS["in_force"], "专利权有效", "授权有效", "已授权", "维持有效", "有权"),
    "late_annuity": ("等年费滞纳金", "等待年费滞纳金"),
    "terminated": (
        *columns.LEGAL_STATUS["terminated"], "未缴年费专利权终止", "未缴年费终止失效", "主动放弃专利权",
        "放弃专利权", "无权",
    ),
    "invalidated": (*columns.LEGAL_STATUS["invalidated"], "专利权全部无效", "全部撤销专利权"),
    "expired": (*columns.LEGAL_STATUS["expired"], "届满终止失效", "期限届满专利权终止"),
    "pending": (*columns.LEGAL_STATUS["pending"], "等待实审请求", "一通出案待答复", "等待颁证公告"),
}  # fmt: skip
_PLEDGE: Final = {
    "no": (*columns.PLEDGED["no"], "无质押", "已注销", "质押注销", "质押已解除"),
    "yes": ("有", "是", "质押", "已质押", "质押生效", "质押登记生效", "在押"),
    "with_consent": columns.PLEDGED["with_consent"],
    "without_consent": columns.PLEDGED["without_consent"],
}
_LICENCE: Final = {
    "none": ("无", "无备案", "否", "未备案", "已注销", "备案注销", "普通", "普通许可", "开放", "开放许可"),
    "exclusive": ("独占", "独占许可", "排他", "排他许可", "独占排他", "sole"),
}
_PRESERVATION: Final = {
    "none": ("无", "否", "未保全", "已解除", "保全解除", "中止解除"),
    "yes": ("有", "是", "保全", "中止", "保全中", "中止中", "财产保全"),
}

COLUMNS: Final = (
    Column(
        "number",
        "专利号",
        convert.patent_number(),
        required=True,
        aliases=("application_number", "app_no", "申请号", "申请号/专利号", "专利申请号", "公开（公告）号"),
    ),
    Column(
        "legal_status",
        "法律状态",
        convert.choice(_LEGAL_STATUS),
        aliases=("案件状态", "当前法律状态", "专利状态", "权利状态"),
    ),
    Column(
        "annuity_paid_until",
        "年费缴纳至",
        convert.date(none=KNOWN_NONE),
        aliases=("年费缴至", "年费有效期至", "年费缴费至", "年费缴纳截止日", "已缴年费至"),
    ),
    Column(
        "evaluation_report",
        "评价报告",
        convert.choice(columns.EVALUATION_REPORT),
        aliases=("专利权评价报告",),
    ),
    Column(
        "pledged",
        "质押",
        convert.choice(_PLEDGE),
        aliases=("质押情况", "质押登记", "质押状态", "专利权质押"),
    ),
    Column("pledgee_consent", "质权人同意", convert.boolean(), aliases=("质权人书面同意",)),
    Column(
        "licence",
        "许可备案",
        convert.choice(_LICENCE),
        aliases=("许可种类", "实施许可备案", "许可合同备案", "许可类型"),
    ),
    Column(
        "exclusive_licence_until",
        "独占排他许可至",
        convert.date(none=KNOWN_NONE),
        aliases=("独占许可至", "排他许可至"),
    ),
    Column(
        "licence_until",
        "许可期限止",
        convert.date(),
        aliases=("许可合同终止日", "许可期限至", "许可至"),
    ),
    Column(
        "preservation",
        "保全",
        convert.choice(_PRESERVATION),
        aliases=("保全情况", "中止", "保全/中止", "中止保全", "保全状态"),
    ),
    Column(
        "preserved_until",
        "保全至",
        convert.date(none=KNOWN_NONE),
        aliases=("保全期限止", "中止期限止", "保全期限届满日"),
    ),
    Column("other_hindrance", "其他情形", convert.text(500, none=KNOWN_NONE)),
    Column(
        "ownership",
        "权属",
        convert.choice(columns.OWNERSHIP),
        aliases=("权属状态", "权属一致", "专利权人是否一致"),
    ),
    Column(
        "as_of",
        "状态日期",
        convert.date(),
        aliases=("facts_as_of", "查询日期", "登记簿副本日期", "副本出具日期", "查询时间", "数据日期"),
    ),
)  # fmt: skip


def facts_in(values: Mapping[str, Any]) -> dict[str, str]:
    """What a row says, fact by fact, as it is stored; `pledged` may still be `yes` (see `FactImport.write`).

    A licence that is recorded as exclusive or sole needs its last day, and so does a preservation.
    """
    found = {name: values[name] for name in ALL_FACTS if values.get(name) is not None}
    if found.get("legal_status") == "late_annuity":
        # Within the months of grace the right lives on (IR 115); the annuity's own date tells it is late.
        found["legal_status"] = "in_force"
    if values.get("licence") == "none":
        found["exclusive_licence_until"] = KNOWN_NONE
    elif values.get("licence") == "exclusive" and values.get("licence_until") is not None:
        # The last day of a recorded licence of unknown kind says nothing: ordinary ones are no bar.
        found.setdefault("exclusive_licence_until", values["licence_until"])
    if values.get("preservation") == "none":
        found["preserved_until"] = KNOWN_NONE
    if values.get("pledgee_consent") is not None and found.get("pledged") in ("yes", "without_consent"):
        found["pledged"] = "with_consent" if values["pledgee_consent"] else "without_consent"
    return {name: writing.text_of(value) for name, value in found.items()}


class FactImport(Importer):
    """Facts of known patents by number; nothing else of the patent changes."""

    permission = "patent.import"
    columns = COLUMNS

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.today = clock.today()

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [str(values["number"])]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        found = []
        as_of = values.get("as_of") or self.options.get("as_of")
        if as_of is None:
            reason = gettext("Say on which day this was so.")
            found.append(Problem("as_of", "required", reason))
        elif as_of > self.today:
            found.append(Problem("as_of", "date-in-future", gettext("This day lies in the future.")))
        until = values.get("exclusive_licence_until") or values.get("licence_until")
        if values.get("licence") == "exclusive" and not isinstance(until, dt.date):
            reason = gettext("Give the last day of the exclusive or sole licence.")
            found.append(Problem("exclusive_licence_until", "required", reason))
        until = values.get("preserved_until")
        if values.get("preservation") == "yes" and not isinstance(until, dt.date):
            reason = gettext("Give the last day of the suspension or preservation.")
            found.append(Problem("preserved_until", "required", reason))
        if values.get("legal_status") == "late_annuity" and values.get("annuity_paid_until") is None:
            reason = gettext("The register waits for a late annuity: give the day until which it is paid.")
            found.append(Problem("annuity_paid_until", "required", reason))
        if not found and not facts_in(values):
            found.append(Problem("", "fact-missing", gettext("This row states no fact.")))
        return found

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """Write the facts in bulk; rows on patents that are unknown or not the actor's are refused."""
        ids = self._patents(rows)
        pledged = {str(row.values["number"]) for row in rows if row.values.get("pledged") == "yes"}
        present = writing.stored_facts(
            [id_ for number, id_ in ids.items() if id_ is not None and number in pledged]
        )
        outcomes: list[Outcome] = [[] for _ in rows]
        statements: list[tuple[int, writing.Statement]] = []
        seen: dict[int, str] = {}
        for index, row in enumerate(rows):
            number = str(row.values["number"])
            if number not in ids:
                reason = gettext("No patent with this number is known here.")
                outcomes[index] = [Problem("number", "patent-not-found", reason)]
                continue
            patent_id = ids[number]
            if patent_id is None:
                reason = gettext("You act for none of the patentees of this patent.")
                outcomes[index] = [Problem("number", "not-your-patent", reason)]
                continue
            if patent_id in seen:
                if seen[patent_id] == row.digest:
                    outcomes[index] = "unchanged"
                else:
                    reason = gettext("An earlier row of this file says something else about the same.")
                    outcomes[index] = [Problem("number", "row-twice", reason)]
                continue
            seen[patent_id] = row.digest
            given: dict[str, str | None] = dict(facts_in(row.values))
            if given.get("pledged") == "yes":
                # The register shows the pledge, not the pledgee's consent: one that was stated before stands.
                known = present.get(patent_id, {}).get("pledged")
                consents = known is not None and known.value == "with_consent"
                given["pledged"] = "with_consent" if consents else "without_consent"
            as_of = row.values.get("as_of") or self.options["as_of"]
            statements.append((index, writing.Statement(patent_id, given, as_of)))
        changed = writing.state([statement for _, statement in statements], source="extract")
        for (index, _), names in zip(statements, changed, strict=True):
            outcomes[index] = "updated" if names else "unchanged"
        return outcomes

    def _patents(self, rows: Sequence[Checked]) -> dict[str, int | None]:
        """Number → id of the known patents that rows speak of; None for those that are not the actor's."""
        wanted = {name for row in rows for name in register.names(row.values)}
        query = sa.select(Patent.id, Patent.number, Patent.publication_number).where(
            sa.or_(Patent.number.in_(wanted), Patent.publication_number.in_(wanted))
        )
        found = db.session.execute(query).all()
        mine = {row.id for row in found}
        if not self.actor.is_operator:
            parties = sa.select(PatentParty.patent_id).where(
                PatentParty.patent_id.in_(mine), PatentParty.organisation_id.in_(self.actor.holders)
            )
            mine = set(db.session.scalars(parties))
        by_name = {
            name: row.id if row.id in mine else None
            for row in found
            for name in (row.number, row.publication_number)
            if name
        }
        return {
            str(row.values["number"]): by_name[name]
            for row in rows
            for name in register.names(row.values)
            if name in by_name
        }
