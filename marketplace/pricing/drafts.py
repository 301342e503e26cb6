"""The explanation of a fee (计算依据说明) drafted from one basis, in Chinese: the declaration goes to CNIPA.

At most 2,000 characters and without promotional words (GL V-11 §3.3, IR 85). A draft states figures, their
sample and source, and the simple arithmetic; the holder reads and changes it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from marketplace.listings.industries import industry_name
from marketplace.listings.rules import EXPLANATION_LIMIT

from . import figures
from .services import Basis, FeeEstimate, Figure

_KINDS: Final = {"invention": "发明专利", "utility_model": "实用新型专利", "design": "外观设计专利"}
_FORMS: Final = {
    "fixed": "固定费用",
    "royalty_net_sales": "净销售额提成比例",
    "royalty_profit": "利润额提成比例",
}
_GUIDANCE: Final = "参考《专利开放许可使用费估算指引（试行）》（国知办发运字〔2022〕56号）"
_SOURCE_LIMIT: Final = 200


def explanation(estimate: FeeEstimate, basis: Basis, payment_text: str | None = None) -> str:
    """The drafted explanation.

    Args:
        basis: one of the estimate's, and usable.
        payment_text: how the fee is paid and its standard, where the declaration says it already; left out
            where the explanation would become too long with it.
    """
    parts = [f"{_GUIDANCE}，本专利的许可使用费按“{_TITLES[basis.code]}”估算。", *_body(estimate, basis)]
    closing = "以上为估算参考，不构成资产评估结论。"
    if payment_text:
        stated = f"据此，并结合本专利的剩余保护期，确定许可使用费为：{payment_text}"
        if len("\n".join((*parts, stated, closing))) <= EXPLANATION_LIMIT:
            parts.append(stated)
    return "\n".join((*parts, closing))


_TITLES: Final = {
    "comparable_offers": "同行业专利实施许可统计数据（本平台可比开放许可声明）",
    "comparable_licences": "同行业专利实施许可统计数据（本平台可比许可的实收费用）",
    "reference": "同行业专利实施许可统计数据（已公布的行业统计）",
    "published": "专利实施许可统计数据（已公布的全国年度总量）",
    "past_licences": "本专利已有的许可使用费",
    "own_income": "专利权人自行实施的收益",
    "international": "国际一般许可费率",
    "valuation": "资产评估",
}


_SENTENCES: Final = {
    "compared": (
        "{form}：本平台{years}{rung}的{what}共{n}项，涉及{holders}个专利权人，"
        "下四分位数{low}，中位数{middle}，上四分位数{high}。"
    ),
    "reference": (
        "国民经济行业“{industry}”（{code}）{year}年备案的专利实施许可合同，样本{n}份，{said}。"
        "来源：{source}。"
    ),
    "published": (
        "全国{year}年备案的专利实施许可合同共{contracts:,}份，其中以固定金额支付的{fixed:,}份，平均每份{mean}，"
        "平均许可期{term}年；免费许可{free:,}份，提成支付{royalty:,}份。每份合同平均涉及两件以上专利，"
        "且为全部备案许可，不限于开放许可。来源：{source}。"
    ),
    "past": "本专利{years}已有许可{n}项，一次性支付的费用最低{low}，中位数{middle}，最高{high}。",
    "own": (
        "专利权人自行实施本专利的年收益为{income}，被许可人应付的份额按{share}计，"
        "许可期按{years}年计（未折现），合计{middle}。"
    ),
    "international": "同类技术的国际一般许可费率为净销售额的{low}至{high}，来源：{source}。",
    "valuation": "本专利的评估价值为{middle}，依据：{source}。",
}


def _body(estimate: FeeEstimate, basis: Basis) -> list[str]:
    first, own = basis.figures[0], estimate.own
    values = {
        "low": _value(first, first.low),
        "middle": _value(first, first.middle),
        "high": _value(first, first.high),
    }
    match basis.code:
        case "comparable_offers" | "comparable_licences":
            return [_compared(estimate, basis, figure) for figure in basis.figures]
        case "reference":
            return [_reference(estimate, basis)]
        case "published":
            return [_published()]
        case "past_licences":
            return [_SENTENCES["past"].format(years=_years(first), n=basis.n, **values)]
        case "own_income":
            income, share = _yuan(Decimal(own.income_minor or 0)), _rate(own.share)
            return [_SENTENCES["own"].format(income=income, share=share, years=estimate.years, **values)]
        case "international":
            return [_SENTENCES["international"].format(source=_short(own.rate_source), **values)]
        case _:
            return [_SENTENCES["valuation"].format(source=_short(own.value_source), **values)]


def _compared(estimate: FeeEstimate, basis: Basis, figure: Figure) -> str:
    return _SENTENCES["compared"].format(
        form=_FORMS[figure.form],
        years=_years(figure),
        rung=_rung(estimate, figure),
        what="开放许可声明" if basis.code == "comparable_offers" else "许可",
        n=figure.sample.n,
        holders=figure.sample.holders,
        low=_value(figure, figure.low),
        middle=_value(figure, figure.middle),
        high=_value(figure, figure.high),
    )


def _reference(estimate: FeeEstimate, basis: Basis) -> str:
    year = basis.figures[0].sample.first_year
    row = next(each for each in estimate.references if each.year == year)
    said = [
        f"{_FORMS[figure.form]}{'平均值' if figure.mean else '中位数'}{_value(figure, figure.middle)}"
        for figure in basis.figures
    ]
    return _SENTENCES["reference"].format(
        industry=industry_name(row.industry, english=False),
        code=row.industry,
        year=row.year,
        n=row.sample_size,
        said="，".join(said),
        source=_short(row.source),
    )


def _published() -> str:
    newest = figures.published_years()[0]
    return _SENTENCES["published"].format(
        year=newest.year,
        contracts=newest.contracts,
        fixed=newest.fixed_contracts,
        mean=_yuan(Decimal(newest.fixed_mean_minor)),
        term=newest.fixed_mean_years,
        free=newest.free_contracts,
        royalty=newest.royalty_contracts,
        source=newest.source,
    )


def _rung(estimate: FeeEstimate, figure: Figure) -> str:
    subject = estimate.subject
    match figure.rung:
        case "subclass_kind_age":
            return f"主分类号同属{subject.subclass}、同为{_KINDS[subject.kind]}且申请年限相近"
        case "subclass":
            return f"主分类号同属{subject.subclass}"
        case "class":
            return f"主分类号同属{subject.main_class}大类"
        case "industry":
            return f"同属“{industry_name(subject.industry or '', english=False)}”行业"
        case "section":
            return f"主分类号同属{subject.section}部"
        case _:
            return "全部领域"


def _years(figure: Figure) -> str:
    first, last = figure.sample.first_year, figure.sample.last_year
    if first is None:
        return ""
    return f"{first}年" if first == last else f"{first}年至{last}年"


def _value(figure: Figure, value: Decimal | None) -> str:
    return _yuan(value or Decimal(0)) if figure.form == "fixed" else _rate(value)


def _yuan(minor: Decimal) -> str:
    yuan = (minor / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{yuan:,.0f}元" if yuan == yuan.to_integral_value() else f"{yuan:,.2f}元"


def _rate(percent: Decimal | None) -> str:
    return f"{(percent or Decimal(0)).normalize():f}%"


def _short(text: str | None) -> str:
    return (text or "")[:_SOURCE_LIMIT]
