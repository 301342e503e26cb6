"""The text that a member of an organisation confirms for a list of patents, in Chinese and in English.

What is confirmed is kept word for word, so these sentences are no translations of one another at run time:
each language has its own text. Change them freely; what was signed before does not change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FACTS: Final = {
    "zh": {
        "pledged": "所列专利均未出质（登记簿上没有质押登记）。",
        "exclusive_licence_until": "所列专利均不存在仍在有效期限内的独占实施许可或者排他实施许可。",
        "preserved_until": "所列专利均未处于因权属纠纷的中止程序中，也未被人民法院采取财产保全措施。",
        "other_hindrance": "所列专利均不存在其他妨碍专利权有效实施的情形。",
        "ownership": "专利登记簿记载的专利权人与本平台登记的专利权人一致，且没有正在办理的专利权转移。",
        "legal_status": "所列专利权均维持有效，未终止，也未被宣告全部无效。",
    },
    "en": {
        "pledged": "None of the listed patents is pledged; the register shows no pledge.",
        "exclusive_licence_until": "No exclusive or sole licence of any of the listed patents is in force.",
        "preserved_until": "None of the listed patents is suspended for an ownership dispute or under court "
        "preservation.",
        "other_hindrance": "Nothing else hinders the effective exploitation of any of the listed patents.",
        "ownership": "The register names as patentees those who are entered on this platform, and no "
        "transfer is under way.",
        "legal_status": "Each of the listed patents is in force: it has not ended and was not declared "
        "wholly invalid.",
    },
}
WARNING: Final = {
    "zh": "本人知悉：依据《专利法实施细则》第八十八条，不得以提供虚假材料、隐瞒事实等手段作出专利开放许可声明"
    "或者在开放许可实施期间获得专利年费减缴；违反的，依据该细则第一百条，由县级以上负责专利执法的部门予以警告，"
    "可以处10万元以下的罚款。",
    "en": "I know that under Rule 88 of the Implementing Regulations nobody may make a declaration of open "
    "licensing, or obtain the reduction of annuities, by false material or by hiding facts, and that under "
    "Rule 100 the department enforcing patents at county level or above gives a warning and may impose a "
    "fine of up to CNY 100,000.",
}


@dataclass(frozen=True)
class Signatory:
    """Who confirms, as the text names them."""

    name: str
    email: str
    organisation: str
    code: str | None


def compose(
    locale: str,
    who: Signatory,
    facts: Sequence[str],
    as_of: dt.date,
    patents: int,
    list_sha256: str,
) -> str:
    """The whole text.

    Args:
        locale: `zh` or `en`.
        facts: keys of `FACTS`, in the order in which they are to stand.
        as_of: the day on which it was so.
        patents: how many patents are on the list.
        list_sha256: over their numbers, one a line in ascending order.
    """
    lines = [FACTS[locale][name] for name in facts]
    if locale == "en":
        code = f" (unified social credit code {who.code})" if who.code else ""
        head = (
            f"I, {who.name} <{who.email}>, a member of {who.organisation}{code} and authorised by it, state "
            f"on its behalf that on {as_of.isoformat()} the following was so for the {patents} patents on "
            f"the attached list (SHA-256 of the list: {list_sha256}):"
        )
        tail = "This is true and complete, and no fact is hidden."
    else:
        code = f"（统一社会信用代码{who.code}）" if who.code else ""
        head = (
            f"本人{who.name}（{who.email}）系{who.organisation}{code}的成员，经其授权，代表该单位声明：截至"
            f"{as_of.year}年{as_of.month}月{as_of.day}日，就所附清单中的{patents}件专利（清单的SHA-256为"
            f"{list_sha256}），情况如下："
        )
        tail = "以上内容真实、完整，没有隐瞒任何事实。"
    numbered = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return "\n".join([head, *numbered, tail, WARNING[locale]])
