"""The OpenAPI document is valid and complete, and its page asks nobody for anything."""

from __future__ import annotations

import re

from flask import Flask
from openapi_spec_validator import validate

CONTRACT = {
    "get /offers", "get /offers/{offer_id}", "post /offers",
    *(
        f"post /offers/{{offer_id}}/actions/{action}"
        for action in (
            "submit_review", "approve", "start_price_notice", "ready", "file", "announce", "verify", "refuse",
            "file_withdrawal", "withdraw", "revoke",
        )
    ),
    "get /patents/{number}/eligibility", "post /demands", "get /demands/{demand_id}",
    "get /demands/{demand_id}/matches", "post /match", "post /offers/{offer_id}/notices",
    "get /notices/{notice_id}", "post /notices/{notice_id}/payments",
    "post /payments/{payment_id}/actions/slip", "post /payments/{payment_id}/actions/confirm",
    "post /webhooks/stripe", "get /quarantine", "get /licences/{licence_id}", "get /licences",
    "get /certificates/{code}", "get /statistics/{figure}", "get /open-data/offers.jsonl",
    "get /open-data/offers.csv",
}  # fmt: skip


def test_the_document_is_openapi_3_1_and_has_every_call_of_the_contract(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    calls = {
        f"{method} {path.removeprefix('/api/v1')}"
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "delete")
    }
    assert calls >= CONTRACT
    assert app.test_client().get("/api/v1/openapi.json").get_json() == document


def test_every_call_says_who_may_make_it_and_writes_take_a_key(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    names = set()
    for path, item in document["paths"].items():
        for method, call in item.items():
            if method == "parameters":
                continue
            assert "security" in call, path
            assert call["summary"].endswith("."), path
            names.add(call["operationId"])
            keys = [one for one in call.get("parameters", ()) if one.get("name") == "Idempotency-Key"]
            writes = method == "post" and path not in ("/api/v1/match", "/api/v1/webhooks/stripe")
            assert bool(keys) == writes, path
    methods = {"get", "post", "delete"}
    assert len(names) == sum(len(set(item) & methods) for item in document["paths"].values())


def test_the_page_shows_every_call_in_both_languages_and_loads_nothing_foreign(app: Flask) -> None:
    client = app.test_client()
    document = client.get("/openapi.json").get_json()
    for language, title in (("zh", "程序接口"), ("en", "Interface for programs")):
        page = client.get("/docs", headers={"Accept-Language": language})
        text = page.get_data(as_text=True)
        assert page.status_code == 200
        assert title in text
        assert all(path.replace("<", "&lt;") in text for path in document["paths"])
        # The document is in English alone: what is not, is the frame of the Chinese page.
        said = re.findall(r'<p lang="en">(.*?)</p>', text)
        assert said
        assert not re.search("[\u4e00-\u9fff]", "".join(said))
        loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"', text)
        assert loaded
        assert all(address.startswith("/") for address in loaded)
        assert "<script>" not in text
        assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].split("style-src-attr")[0]
    assert client.get("/api/v1/docs").headers["Location"].endswith("/docs")
