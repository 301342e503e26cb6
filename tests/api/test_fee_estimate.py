"""Fee estimates by API: the holder's own system gets every basis with its sample and source."""

from __future__ import annotations

from marketplace.accounts.models import Organisation
from tests import factories
from tests.api.conftest import World, ok, problem, same_with


def prices(world: World) -> None:
    """Announced fees of 10,000 to 50,000 yuan for like patents, each of another holder."""

    def build() -> Organisation:
        for wan in range(1, 6):
            owner = factories.organisation()
            factories.live_offer(owner, fee_minor=wan * 1_000_000)
        return owner

    world.make(build)


def test_an_estimate_has_every_basis_with_sample_and_source(world: World) -> None:
    number = world.patent()
    prices(world)
    found = ok(world.holder.get(f"/patents/{number}/fee-estimate"))
    assert found["number"] == number
    assert found["compared_by"] == {
        "symbol": "H01M10/0525",
        "kind": "invention",
        "age_years": 7,
        "industry": "38",
    }
    bases = {basis["code"]: basis for basis in found["bases"]}
    assert set(bases) == {
        "comparable_offers",
        "comparable_licences",
        "reference",
        "published",
        "past_licences",
    }
    (figure,) = bases["comparable_offers"]["figures"]
    assert [figure[name]["amount"]["amount_minor"] for name in ("low", "middle", "high")] == [
        2_000_000,
        3_000_000,
        4_000_000,
    ]
    assert figure["sample"] == {"n": 5, "holders": 5, "first_year": 2026, "last_year": 2026}
    assert figure["rung"] == "subclass_kind_age"
    assert sum(each["count"] for each in figure["histogram"]) == 5
    assert "中位数30,000元" in bases["comparable_offers"]["explanation"]
    assert bases["comparable_licences"] == {
        "code": "comparable_licences", "guidance": 3, "usable": False, "sample_too_small": False, "n": 0,
        "figures": [], "explanation": None,
    }  # fmt: skip
    assert found["published"][0]["year"] == 2023
    assert found["published"][0]["source"].startswith("http")
    assert found["reference"] == []
    assert found["smallest_sample"] == 5


def test_an_estimate_is_for_those_who_may_declare(world: World) -> None:
    number = world.patent()
    ok(world.operator.get(f"/patents/{number}/fee-estimate"))
    ok(same_with(world.holder, "read").get(f"/patents/{number}/fee-estimate"))
    problem(world.firm.get(f"/patents/{number}/fee-estimate"), 403, "forbidden")
    problem(world.visitor.get(f"/patents/{number}/fee-estimate"), 401, "sign-in-required")
    problem(world.holder.get(f"/patents/{number}/fee-estimate?wish=1"), 422, "parameter-unknown")
    problem(world.holder.get("/patents/2019109999998/fee-estimate"), 404, "patent-not-found")
