"""Whatever is typed into the search or stands in its address: a page or a problem document, and soon."""

from __future__ import annotations

import statistics
import time
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marketplace.search.query import PARAMETERS

PATHS = ("/offers", "/api/v1/offers", "/api/v1/suggest")
NASTY = (
    "a" * 100_000,
    "电" * 100_000,
    "“" * 999,
    '"电池',
    "-“",
    '- -- -"',
    "\x00电池\x1f\x7f",
    "(a+)+$",
    '{"query":{"match_all":{}}}',
    "title:* AND NOT (live:false) OR *:*",
    "' OR 1=1; --",
    "<script>alert(1)</script>",
    "\u202e电池\u200b",
    "🔋" * 500,
    "ZL" * 300,
    "/" * 900,
    "1" * 900,
    "锂离子电池 " * 160,
    "-锂 " * 300,
    "“锂离子电池” " * 100,
    "H01M 10/0525 " * 70,
    "CN109000000B " * 70,
)


@pytest.fixture(scope="module")
def client(market: Flask) -> FlaskClient:
    market.config["API_RATE_LIMIT"] = "1000000 per minute"
    market.config["RATELIMIT_ENABLED"] = False
    return market.test_client()


def asked(client: FlaskClient, address: str) -> int:
    return client.get(address).status_code


bytes_ = st.binary(max_size=40).map(quote_from_bytes)
typed = st.one_of(st.text(max_size=60).map(lambda text: quote(text.encode("utf-8", "replace"))), bytes_)
name = st.one_of(st.sampled_from(sorted(PARAMETERS)), bytes_)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@example("/offers", [("page", "1000000000")])
@example("/api/v1/offers", [("page", "1000000000"), ("size", "10000")])
@example("/offers", [("announced_from", "0000-00-00")])
@example("/offers", [("announced_from", "9999-12-31"), ("announced_to", "0001-01-01")])
@example("/offers", [("fee_min", "999999999999"), ("fee_max", "0.001")])
@given(st.sampled_from(PATHS), st.lists(st.tuples(name, typed), max_size=4))
def test_any_address_gets_an_answer(client: FlaskClient, path: str, given_: list[tuple[str, str]]) -> None:
    query = "&".join(f"{key}={value}" for key, value in given_)
    assert asked(client, f"{path}?{query}") in (200, 422)


def test_no_text_is_refused_otherwise_or_takes_long(client: FlaskClient) -> None:
    def seconds(address: str) -> float:
        start = time.process_time()
        assert asked(client, address) in (200, 422), address[:200]
        return time.process_time() - start

    for path in PATHS:
        usual = statistics.median(
            seconds(f"{path}?{urlencode({'q': q})}")
            for q in ("电池", "锂离子电池回收", "pump seal", "离心泵") * 3
        )
        for text in NASTY:
            address = f"{path}?{urlencode({'q': text})}"
            took = min(seconds(address) for _ in range(3))
            # Web servers refuse longer addresses; reading one here takes its time all by itself.
            assert took < 10 * usual or len(address) > 9_000, (path, text[:20], took, usual)
