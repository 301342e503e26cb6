import dataclasses
from decimal import Decimal

import pytest

from marketplace.search.document import OfferDocument
from tests.search.corpus import OFFERS, offer


def test_a_document_survives_its_json():
    for document in OFFERS:
        assert OfferDocument.from_json(document.to_json()) == document
    named = offer(1, owners_en=("Invented University",), formerly=("旧虚构大学",), product="耐腐蚀泵")
    assert OfferDocument.from_json(named.to_json()) == named


def test_a_rate_keeps_a_readable_form():
    document = OfferDocument.from_json(offer(1, rate_percent=Decimal("20.00")).to_json())
    assert str(document.rate_percent) == "20"


def test_the_digest_changes_with_everything_but_the_version():
    document = offer(1)
    assert dataclasses.replace(document, version=99).digest == document.digest
    assert dataclasses.replace(document, licences=document.licences + 1).digest != document.digest
    assert dataclasses.replace(document, live=False).digest != document.digest


@pytest.mark.parametrize(
    ("form", "fee", "upfront"),
    [
        ("free", None, 0),
        ("fixed", 500, 500),
        ("entry_plus_royalty", 300, 300),
        ("royalty_net_sales", None, None),
        ("royalty_profit", 100, None),
    ],
)
def test_what_is_paid_at_first_follows_from_the_price_form(form, fee, upfront):
    assert offer(1, fee_form=form, fee_minor=fee).upfront_minor == upfront


def test_the_classification_path_holds_every_place_above_a_symbol():
    document = offer(1, ipc=("H01M 10/0525", "H01M 4/36", "09-03", "nonsense"))
    assert document.ipc_path == (
        "09",
        "09-03",
        "H",
        "H01",
        "H01M",
        "H01M10",
        "H01M10/0525",
        "H01M4",
        "H01M4/36",
    )
    assert (document.ipc_sections, document.ipc_classes) == (("H",), ("H01",))
