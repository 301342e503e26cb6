"""Offers of other platforms, as an operator brings them and readers see them."""

from __future__ import annotations

import io
import re

from marketplace.core.identifiers import check_digit
from tests.web.conftest import SignIn

DIGITS = "201919600777"
LIST = (
    "来源编号,链接,专利号,名称,支付方式,已结束\n"
    f"A1,https://other.example.org/1,{DIGITS}.{check_digit(DIGITS)},一种示例电池,免费,\n"
)


def test_an_operator_previews_and_takes_a_platforms_list_and_readers_follow_its_links(
    sign_in: SignIn,
) -> None:
    operator = sign_in(staff_role="operator")
    path = "/operator/lists/mirrored"
    nameless = operator.post(path, data={"file": (io.BytesIO(LIST.encode()), "list.csv")})
    assert nameless.status_code == 422
    page = operator.post(
        path, data={"file": (io.BytesIO(LIST.encode()), "list.csv"), "owner": "示例省平台"}
    ).get_data(as_text=True)
    fields = dict(re.findall(r'name="(file|owner)" value="([^"]*)"', page))
    assert fields["owner"] == "示例省平台"
    assert "一种示例电池" not in operator.get("/mirrored").get_data(as_text=True)
    assert operator.post(f"{path}/import", data=fields).status_code == 200
    shown = sign_in().get("/mirrored?q=电池").get_data(as_text=True)
    assert 'href="https://other.example.org/1"' in shown
    assert "示例省平台" in shown
    assert "一种示例电池" not in operator.get("/mirrored?q=水泵").get_data(as_text=True)
