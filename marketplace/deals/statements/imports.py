"""A bank statement as banks give it out: CSV or a spreadsheet with one line for each booking."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, Literal

from flask_babel import gettext

from marketplace.accounts.imports import owner_of
from marketplace.core import clock, convert
from marketplace.core.actor import Actor
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.tables import Column

from .services import Credit, take

DIRECTION: Final = {
    "credit": ("贷", "收", "收入", "转入", "C"),
    "debit": ("借", "支", "支出", "转出", "D"),
}
_yuan: Final = convert.yuan()


def _credited(cell: object) -> Any:
    """The sum in 分; a sum with a minus sign went out and counts as nothing. Codes: as `convert.yuan`."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell < 0:
        return 0
    if isinstance(cell, str) and cell.strip().startswith(("-", "－", "−")):
        return 0
    return _yuan(cell)


class StatementImport(RowImporter):
    """Credits of a holder's account; what is no money for a licence here is passed over and not kept."""

    permission = "bank_line.import"
    columns = (
        Column(
            "serial",
            "交易流水号",
            convert.text(64),
            required=True,
            aliases=("流水号", "核心流水号", "账务流水号", "交易序号", "凭证号"),
        ),
        Column(
            "booked_on",
            "交易日期",
            convert.date(),
            required=True,
            aliases=("记账日期", "入账日期", "交易时间", "日期"),
        ),
        Column(
            "amount",
            "贷方发生额",
            _credited,
            aliases=("收入金额", "收入", "贷方金额", "贷方", "转入金额", "存入金额", "交易金额", "发生额"),
        ),
        Column("direction", "借贷标志", convert.choice(DIRECTION), aliases=("借贷", "收支", "收/支")),
        Column(
            "payer",
            "对方户名",
            convert.text(200),
            aliases=("对方名称", "对方账户名称", "付款方名称", "付款人名称", "交易对手"),
        ),
        Column("remark", "附言", convert.text(500), aliases=("摘要", "用途", "备注", "交易附言")),
    )

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.organisation_id: int | None = actor.organisation_id

    def prepare(self) -> None:
        """Find whose account it is; a member may name only an organisation that it acts for."""
        if self.owner:
            self.organisation_id = owner_of(self.owner).id
        if self.organisation_id is None:
            raise NotFound("owner-unknown", "No organisation has this code or name: %(owner)s", owner="")
        if not (self.actor.is_operator or self.organisation_id in self.actor.holders):
            raise Forbidden("not-your-organisation", "You do not act for this organisation.")

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values["serial"]]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        if "amount" not in values:
            reason = gettext("The statement needs a column with the sums that came in.")
            return [Problem("amount", "required", reason)]
        if values["booked_on"] > clock.today():
            return [Problem("booked_on", "date-in-future", gettext("This day lies in the future."))]
        return []

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        assert self.organisation_id is not None  # noqa: S101 - `prepare` has found it
        if not values["amount"] or values.get("direction") == "debit":
            return "unchanged"  # money that went out
        credit = Credit(
            serial=values["serial"],
            booked_on=values["booked_on"],
            amount_minor=values["amount"],
            payer=values.get("payer"),
            remark=values.get("remark"),
        )
        line = take(self.actor, self.organisation_id, credit)
        if line is None:
            return "unchanged"
        self.details[line.state] += 1
        return "created"


IMPORTS: dict[str, type[Importer]] = {"bank-statement": StatementImport}
