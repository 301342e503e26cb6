"""Wording that would limit who may take the licence, where, or only after somebody's approval.

An open licence is for any unit or person within China (Patent Law Art. 50 and 51; Guidelines 2023 Part V
Chapter 11 §1), and notice with payment makes it: a declaration that says otherwise is not one of open
licensing. Patterns find the usual wordings; what they miss, the office will not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from marketplace.core.errors import N_

# The territory that the law itself names is no limit.
_CHINA: Final = re.compile(
    r"(?:中华人民共和国|中国|我国)(?:大陆|内地)?(?:地区|境内|范围内|领域内|领土内)?|"
    r"\b(?:the\s+)?(?:territory\s+of\s+)?(?:the\s+people'?s\s+republic\s+of\s+)?(?:mainland\s+)?china\b",
    re.IGNORECASE,
)
# Clauses about money, courts, mail and sublicences speak of places and parties without limiting the licence.
_OTHER_MATTERS: Final = re.compile(
    r"账户|帐户|账号|帐号|开户|银行|支行|汇款|转账|汇入|发票|法院|仲裁|管辖|电话|邮箱|来访|工作日|"
    r"再许可|分许可|转许可|转让|转授权|第三方|他人|支付[给至到]|付款[给至到]|[向由][^，]{0,10}(?:支付|付款|缴)|通知|"
    r"\b(?:account|bank|transfer|invoice|court|arbitrat\w+|jurisdiction|e-?mail|telephone|sublicen[cs]\w*|"
    r"third\s+part(?:y|ies)|assign\w*)\b",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[^。；;，,！!？?\n]+(?:[。；;，,！!？?\n]|$)")

_PARTIES: Final = (
    r"(?:企业|单位|公司|个人|自然人|机构|高校|院校|院所|会员|成员|法人|厂商|厂家|组织|主体|合作伙伴|客户)"
)
_LIMITED: Final = r"(?:仅限于|只限于|仅限|只限|限于|仅面向|只面向|(?<![有无时])限(?![期额制公度量时]))"
_GIVE: Final = r"(?:许可给?|授权给?|提供给?|开放给|面向|针对|适用于|供|允许|对|向|给|由)"
_ENGLISH_PARTIES: Final = (
    r"\b(?:compan(?:y|ies)|enterprises?|smes?|firms?|universit(?:y|ies)|institut(?:e|ion)s?|individuals?|"
    r"members?|entit(?:y|ies)|persons?|business(?:es)?|customers?|partners?|competitors?)\b"
)
_PLACES: Final = (
    r"(?:上海|北京|天津|重庆|江苏|浙江|安徽|福建|江西|山东|河北|山西|河南|湖北|湖南|广东|广西|海南|四川|贵州|"
    r"云南|陕西|甘肃|青海|宁夏|新疆|西藏|内蒙古|辽宁|吉林|黑龙江|香港|澳门|台湾|江浙沪|长三角|珠三角|京津冀|"
    r"本市|本省|本区|本县|本地|当地|[\u4e00-\u9fff]{1,8}?(?:省|自治区|新区|开发区|高新区|园区|市|县|区域|地区))"
)
_ENGLISH_PLACES: Final = (
    r"\b(?:shanghai|beijing|tianjin|chongqing|jiangsu|zhejiang|guangdong|shenzhen|yangtze|delta|provinces?|"
    r"cit(?:y|ies)|municipalit(?:y|ies)|districts?|regions?|count(?:y|ies)|park|zone)\b"
)

_RULES: Final = {
    "who": (
        rf"(?:{_LIMITED}|(?:仅|只|专门){_GIVE})[^。；;，,]{{0,16}}?{_PARTIES}",
        rf"(?:不|不予|拒绝|暂不){_GIVE}[^。；;，,]{{0,16}}?(?:{_PARTIES}|竞争对手|同行|外资|境外|外国)",
        (
            r"(?:外资|外国|国外|境外|竞争对手|同行|竞争企业|关联企业|国有企业|民营企业|个人|自然人)[^。；;，,]{0,8}"
            r"(?:除外|不得申请|不得获得|不得实施|不能获得|不在许可范围)"
        ),
        (
            rf"\b(?:only|exclusively|solely)\s+(?:available\s+|open\s+|licensed\s+|granted\s+|offered\s+)?"
            rf"(?:to|for)\s+[^.;,]{{0,40}}?{_ENGLISH_PARTIES}"
        ),
        rf"\b(?:limited|restricted|reserved|confined)\s+(?:to|for)\s+[^.;,]{{0,40}}?{_ENGLISH_PARTIES}",
        (
            rf"\b(?:not|never)\s+(?:be\s+)?(?:available|open|licensed|granted|offered)\s+to\s+"
            rf"[^.;,]{{0,40}}?{_ENGLISH_PARTIES}"
        ),
        rf"\b(?:except|excluding)\s+(?:for\s+)?[^.;,]{{0,20}}?{_ENGLISH_PARTIES}",
    ),
    "where": (
        rf"(?:仅限|只限|限于|限在|仅面向|只面向|仅在|只在|只能在|仅可在|仅能在|(?<![有无时])限(?![期额制公度量时]))(?:于|在)?[^。；;，,]{{0,6}}?{_PLACES}",
        rf"{_PLACES}(?:以外|之外)[^。；;，,]{{0,10}}(?:除外|不得|不许可|不能)",
        rf"(?:不得|不能|不许|不可)在[^。；;，,]{{0,8}}?{_PLACES}",
        r"(?:不包括|不含|不适用于)[^。；;，,]{0,8}?(?:省|市|地区|区域)(?:$|[。；;，,内的])",
        rf"\bonly\s+(?:with)?in\s+[^.;,]{{0,30}}?{_ENGLISH_PLACES}",
        rf"\b(?:limited|restricted|confined)\s+to\s+[^.;,]{{0,30}}?{_ENGLISH_PLACES}",
        rf"\b(?:outside|except\s+in|excluding)\s+[^.;,]{{0,20}}?{_ENGLISH_PLACES}",
    ),
    "approval": (
        (
            r"(?:须|需|应|应当|必须|要)(?:先|事先|另行)?(?:经过?|征得|取得|获得|由)(?:专利权人|许可人|我方|我司|我校|我院|"
            r"我所|本单位|本公司|本校|本院|我公司|我单位)[^。；;，,]{0,8}(?:同意|批准|审核|审批|许可|认可)"
        ),
        r"(?:专利权人|许可人|我方|我司|我校|本单位|本公司|我公司|我单位)(?:有权|可以?)(?:拒绝|不予许可|选择被许可人)",
        (
            r"\b(?:subject\s+to|requires?|upon|after)\s+(?:the\s+)?(?:prior\s+)?(?:written\s+)?"
            r"(?:approval|consent|permission)\s+(?:of|by|from)\s+(?:the\s+)?"
            r"(?:patentees?|licensor|holder|owner|us|our)\b"
        ),
    ),
}
_COMPILED: Final = {
    kind: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for kind, patterns in _RULES.items()
}

REASONS: Final = {
    "who": N_(
        "An open licence is for any unit or person in China: it may not be limited to certain takers "
        "(“%(words)s”)."
    ),
    "where": N_("An open licence holds in all of China: it may not be limited to a region (“%(words)s”)."),
    "approval": N_(
        "Written notice and payment as announced make the licence: it may not depend on an approval "
        "(“%(words)s”)."
    ),
}


class Limit(NamedTuple):
    """One limiting wording: `who`, `where` or `approval`, and the words as they stand in the text."""

    kind: str
    words: str


def limits(text: str) -> list[Limit]:
    """The wordings of a text that limit an open licence, at most one of each kind in a clause."""
    plain = _CHINA.sub("", unicodedata.normalize("NFKC", text))
    found = []
    for clause in _CLAUSE.findall(plain):
        if _OTHER_MATTERS.search(clause):
            continue
        for kind, patterns in _COMPILED.items():
            match = next((m for pattern in patterns if (m := pattern.search(clause))), None)
            if match is not None:
                found.append(Limit(kind, match.group().strip(" 。；;，,\n")))
    return found
