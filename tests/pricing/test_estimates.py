"""A fee is estimated from what like patents cost, as near as there is enough, and nobody's price is told."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings import rules as listing_rules
from marketplace.listings.models import Offer, Patent
from marketplace.pricing import drafts, services
from marketplace.pricing.comparables import Subject
from marketplace.pricing.models import ReferenceFee
from marketplace.pricing.rules import Sample
from marketplace.pricing.services import Basis, FeeEstimate, Figure, Own
from tests import factories
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("context")
_serial = itertools.count(1)


def patent_of(holder: Organisation, symbol: str = "H01M10/0525", **values: Any) -> Patent:
    row = factories.patent(holder, **values)
    row.classes[0].symbol = symbol
    db.session.flush()
    return row


def offer_of(symbol: str = "H01M10/0525", *, owner: Organisation | None = None, **values: Any) -> Offer:
    owner = owner or factories.organisation()
    patent_values = values.pop("patent_values", {})
    return factories.live_offer(owner, patent_of(owner, symbol, **patent_values), **values)


def licence_of(offer: Offer, amount_minor: int | None, **values: Any) -> Licence:
    defaults: dict[str, Any] = {
        "number": f"L{next(_serial):08d}",
        "kind": "open",
        "offer_id": offer.id,
        "patent_id": offer.patent_id,
        "licensee_id": factories.organisation().id,
        "effective_at": clock.now(),
        "effective_on": dt.date(2026, 10, 1),
        "amount_minor": amount_minor,
        "created_at": clock.now(),
    }
    row = Licence(**(defaults | values))
    db.session.add(row)
    db.session.flush()
    return row


@pytest.fixture
def mine(context: None) -> tuple[Actor, Patent]:
    """A holder and its patent in H01M, filed in 2019."""
    with unit_of_work():
        holder = factories.organisation()
        return factories.actor(holder), patent_of(holder)


def basis(found: FeeEstimate, code: str) -> Basis:
    result = found.basis(code)
    assert result is not None
    return result


# --- the ladder


def test_prices_of_the_same_subclass_kind_and_age_come_first(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for wan in (1, 2, 3, 4, 5):
            offer_of(fee_minor=wan * 1_000_000)
        offer_of(fee_minor=900_000_000, patent_values={"filing_date": dt.date(2024, 1, 1)})
        offer_of("H02J7/00", fee_minor=800_000_000)
    figure = basis(services.estimate(actor, patent), "comparable_offers").figures[0]
    assert (figure.rung, figure.sample) == ("subclass_kind_age", Sample(5, 5, 2026, 2026))
    assert (figure.low, figure.middle, figure.high) == (2_000_000, 3_000_000, 4_000_000)
    assert sum(each.count for each in figure.bins) == 5
    assert figure.passed == ()


@pytest.mark.parametrize(
    ("symbols", "rung"),
    [
        (["H01M8/10"] * 5, "subclass"),
        (["H01B1/02"] * 5, "class"),
        (["H02J7/00"] * 5, "industry"),
        (["H04L1/00"] * 5, "section"),
        (["A61B5/00"] * 5, "all"),
    ],
)
def test_the_comparison_widens_until_it_is_large_enough(
    mine: tuple[Actor, Patent], symbols: list[str], rung: str
) -> None:
    actor, patent = mine
    with unit_of_work():
        for symbol in symbols:
            offer_of(symbol, patent_values={"kind": "utility_model"})
    figure = basis(services.estimate(actor, patent), "comparable_offers").figures[0]
    assert figure.rung == rung
    assert figure.sample.n == 5
    assert all(n < 5 for _, n in figure.passed)


def test_four_prices_are_too_small_a_sample(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for _ in range(4):
            offer_of()
    found = basis(services.estimate(actor, patent), "comparable_offers")
    assert (found.n, found.too_small, found.usable) == (4, True, False)


def test_rates_are_compared_apart_from_sums_and_free_offers_are_counted(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for rate in ("1", "2", "3", "4", "10"):
            offer_of(
                fee_form="royalty_net_sales",
                fee_minor=None,
                rate_percent=Decimal(rate),
                rate_base="net_sales",
            )
        offer_of(fee_form="free", fee_minor=None)
        offer_of(fee_minor=0)
    found = services.estimate(actor, patent)
    (figure,) = basis(found, "comparable_offers").figures
    assert (figure.form, figure.low, figure.middle, figure.high) == (
        "royalty_net_sales",
        Decimal(2),
        Decimal(3),
        Decimal(4),
    )
    assert found.comparisons["free"].sample.n == 2


def test_drafts_unverified_and_revoked_declarations_are_no_prices(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for _ in range(5):
            offer_of(status="draft", evidence=None, announced_on=None)
            offer_of(evidence="holder_stated")
            offer_of(status="revoked")
    assert services.estimate(actor, patent).comparisons == {}


def test_of_a_patent_declared_again_only_the_last_price_counts(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for _ in range(5):
            earlier = offer_of(status="withdrawn", fee_minor=100_000_000)
            factories.live_offer(earlier.holder, earlier.patent, fee_minor=1_000_000)
        factories.live_offer(db.session.get_one(Organisation, actor.organisation_id), patent)
    figure = basis(services.estimate(actor, patent), "comparable_offers").figures[0]
    assert (figure.sample.n, figure.high) == (5, 1_000_000)


def test_designs_are_compared_by_their_locarno_class(mine: tuple[Actor, Patent]) -> None:
    actor, _ = mine
    with unit_of_work():
        holder = db.session.get_one(Organisation, actor.organisation_id)
        design = patent_of(holder, "09-03", kind="design")
        for _ in range(5):
            offer_of("09-01", patent_values={"kind": "design"})
    figure = basis(services.estimate(actor, design), "comparable_offers").figures[0]
    assert figure.rung == "class"


def test_a_patent_without_a_class_is_compared_with_all(mine: tuple[Actor, Patent]) -> None:
    actor, _ = mine
    with unit_of_work():
        bare = patent_of(db.session.get_one(Organisation, actor.organisation_id))
        bare.classes = []
        for _ in range(5):
            offer_of()
    figure = basis(services.estimate(actor, bare), "comparable_offers").figures[0]
    assert (figure.rung, figure.passed) == ("all", ())


def test_comparing_takes_two_queries_however_many_prices_there_are(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for n in range(12):
            offer_of(fee_minor=n * 1_000_000 + 1)
    services.estimate(actor, patent)
    with statements() as seen:
        services.estimate(actor, patent)
    assert len([text for text in seen if "UNION ALL" in text]) == 2
    assert len(seen) <= 8


# --- privacy


def test_what_licensees_paid_is_told_only_as_rounded_quartiles_of_enough_holders(
    mine: tuple[Actor, Patent],
) -> None:
    actor, patent = mine
    with unit_of_work():
        for yuan in (12_345, 23_456, 34_567, 45_678, 56_789):
            licence_of(offer_of(fee_form="free", fee_minor=None), yuan * 100, kind="ordinary")
    (figure,) = basis(services.estimate(actor, patent), "comparable_licences").figures
    assert (figure.low, figure.middle, figure.high) == (2_300_000, 3_500_000, 4_600_000)
    assert figure.bins == ()
    assert figure.sample == Sample(5, 5, 2026, 2026)


def test_licences_of_two_holders_are_not_told(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        owners = [factories.organisation(), factories.organisation()]
        for n in range(8):
            licence_of(offer_of(owner=owners[n % 2]), 1_000_000 + n)
    found = basis(services.estimate(actor, patent), "comparable_licences")
    assert (found.usable, found.too_small) == (False, True)


def test_own_licences_are_left_out_so_that_nobody_can_work_out_the_rest(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        own = db.session.get_one(Organisation, actor.organisation_id)
        for n in range(4):
            licence_of(offer_of(), 1_000_000 + n)
        licence_of(offer_of(owner=own), 5_000_000)
        licence_of(offer_of(), 5_000_000, licensee_id=own.id)
        licence_of(offer_of(), 5_000_000, evidence="holder_stated")
    found = services.estimate(actor, patent)
    assert not basis(found, "comparable_licences").usable
    assert found.comparisons["licence"].sample.n == 4


def test_strangers_get_no_estimate(mine: tuple[Actor, Patent]) -> None:
    _, patent = mine
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(Forbidden):
        services.estimate(stranger, patent)


# --- the other bases


def test_a_single_licence_of_this_patent_is_shown_and_said_to_be_few(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        holder = db.session.get_one(Organisation, actor.organisation_id)
        licence_of(factories.live_offer(holder, patent), 3_000_000)
    found = services.estimate(actor, patent)
    past = basis(found, "past_licences")
    assert (past.n, past.too_small, past.usable) == (1, True, True)
    assert past.figures[0].middle == 3_000_000
    assert len(found.past) == 1


def test_reference_fees_count_from_the_newest_year_with_enough_contracts(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    assert not basis(services.estimate(actor, patent), "reference").usable
    with unit_of_work():
        for year, size in ((2023, 4), (2022, 31)):
            db.session.add(
                ReferenceFee(
                    industry="38",
                    year=year,
                    sample_size=size,
                    median_rate=Decimal("2.5"),
                    mean_lump_sum_minor=100_000_000,
                    source="https://example.org",
                )
            )
    found = basis(services.estimate(actor, patent), "reference")
    assert [(each.form, each.mean, each.sample.first_year) for each in found.figures] == [
        ("fixed", True, 2022),
        ("royalty_net_sales", False, 2022),
    ]


def test_what_the_holder_types_is_reckoned_with_and_rates_need_their_source(
    mine: tuple[Actor, Patent],
) -> None:
    actor, patent = mine
    own = Own(
        income_minor=100_000_000,
        share=Decimal(5),
        rate_low=Decimal(4),
        rate_high=Decimal(2),
        value_minor=200_000_000,
    )
    found = services.estimate(actor, patent, own)
    years = found.years
    assert years == 13  # 20 November 2026 to 1 March 2039
    assert basis(found, "own_income").figures[0].middle == 5_000_000 * years
    assert not basis(found, "international").usable
    assert not basis(found, "valuation").usable


# --- drafts


TEXT = st.text(max_size=400)
MONEY = st.integers(1, 10**13).map(Decimal)
RATE = st.decimals("0.01", 100, places=2)


@st.composite
def estimates(draw: st.DrawFn) -> tuple[FeeEstimate, Basis]:
    """Any usable basis with the widest figures."""
    code = draw(st.sampled_from(sorted(services.BASES)))
    in_money = code in ("comparable_licences", "past_licences", "own_income", "valuation", "published")
    forms = ["fixed"] if in_money else ["fixed", "royalty_net_sales", "royalty_profit"]
    if code == "international":
        forms = ["royalty_net_sales"]
    figures = tuple(
        Figure(
            form,
            *(sorted(draw(st.lists(MONEY if form == "fixed" else RATE, min_size=3, max_size=3)))),
            span="quartiles",
            sample=Sample(draw(st.integers(5, 10**6)), draw(st.integers(1, 10**5)), 2023, 2026),
            rung=draw(st.sampled_from(services.rules.RUNGS)),
        )
        for form in forms
    )
    references = (
        ReferenceFee(
            industry="38",
            year=2023,
            sample_size=64,
            mean_rate=Decimal("3.2"),
            source="https://example.org/" + "x" * 480,
        ),
    )
    own = Own(
        income_minor=draw(st.integers(1, 10**13)),
        share=draw(RATE),
        rate_source="https://example.org/" + "y" * 400,
        value_source="评估报告" * 100,
    )
    subject = Subject(1, "H01M10/0525", "invention", 7)
    found = Basis(code, figures, draw(st.integers(1, 10**6)))
    return FeeEstimate(Patent(), subject, 20, {}, (), references, own, (found,)), found


@settings(deadline=None)
@given(estimates(), st.text(max_size=3000))
def test_a_drafted_explanation_keeps_the_rules_of_declarations(
    drawn: tuple[FeeEstimate, Basis], payment_text: str
) -> None:
    found, chosen = drawn
    text = drafts.explanation(found, chosen)
    assert 40 < len(text) <= listing_rules.EXPLANATION_LIMIT
    terms = listing_rules.Terms(fee_explanation=text)
    assert listing_rules.terms_faults(terms, listing_rules.PatentView("invention")) == []
    assert len(drafts.explanation(found, chosen, payment_text)) <= listing_rules.EXPLANATION_LIMIT


def test_a_draft_states_sample_rung_and_figures(mine: tuple[Actor, Patent]) -> None:
    actor, patent = mine
    with unit_of_work():
        for wan in (1, 2, 3, 4, 5):
            offer_of(fee_minor=wan * 1_000_000)
    found = services.estimate(actor, patent)
    text = drafts.explanation(found, basis(found, "comparable_offers"), "一次性支付3万元。")
    for part in (
        "H01M",
        "发明专利",
        "共5项",
        "5个专利权人",
        "中位数30,000元",
        "一次性支付3万元。",
        "估算指引",
    ):
        assert part in text
