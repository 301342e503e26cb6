"""What a fee may rest on, for holders' own systems."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core.permissions import require
from marketplace.listings import services as listings
from marketplace.listings.models import FEE_FORMS
from marketplace.pricing import drafts, figures, rules, services
from marketplace.pricing.models import ReferenceFee
from marketplace.pricing.rules import Bin
from marketplace.pricing.services import Basis, FeeEstimate, Figure

from .documents import Blueprint
from .shapes import Amount, money, number

blueprint = Blueprint("pricing", "pricing", "What a fee may rest on.")

_OWN = ("own_income", "international", "valuation")  # known to the holder alone, and not asked for here


class PriceView(ma.Schema):
    """A sum, or a rate in per cent; the other one is null."""

    amount = fields.Nested(Amount, required=True, allow_none=True)
    rate_percent = fields.Float(required=True, allow_none=True)


class RangeView(ma.Schema):
    """How many announced prices lie from `from` up to but without `to`."""

    start = fields.Nested(PriceView, required=True, data_key="from")
    end = fields.Nested(PriceView, required=True, allow_none=True, data_key="to")
    count = fields.Integer(required=True)


class SampleView(ma.Schema):
    """What a figure rests on."""

    n = fields.Integer(required=True)
    holders = fields.Integer(required=True, allow_none=True)
    first_year = fields.Integer(required=True, allow_none=True)
    last_year = fields.Integer(required=True, allow_none=True)


class PassedView(ma.Schema):
    """A nearer comparison that had too few prices."""

    rung = fields.String(required=True, metadata={"enum": list(rules.RUNGS)})
    n = fields.Integer(required=True)


class FigureView(ma.Schema):
    """Low, middle and high for one form of payment."""

    form = fields.String(required=True, metadata={"enum": list(FEE_FORMS)})
    low = fields.Nested(PriceView, required=True, allow_none=True)
    middle = fields.Nested(PriceView, required=True)
    high = fields.Nested(PriceView, required=True, allow_none=True)
    mean = fields.Boolean(required=True, metadata={"description": "whether `middle` is a mean, not a median"})
    span = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "what low and high are: `quartiles` or `range`"},
    )
    sample = fields.Nested(SampleView, required=True)
    rung = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the nearest comparison that was large enough"},
    )
    passed = fields.List(fields.Nested(PassedView), required=True)
    histogram = fields.List(fields.Nested(RangeView), required=True)


class BasisView(ma.Schema):
    """One basis of the estimate."""

    code = fields.String(required=True)
    guidance = fields.Integer(
        required=True, metadata={"description": "number of the basis in the guidance of 2022"}
    )
    usable = fields.Boolean(required=True)
    sample_too_small = fields.Boolean(required=True)
    n = fields.Integer(required=True)
    figures = fields.List(fields.Nested(FigureView), required=True)
    explanation = fields.String(
        required=True, allow_none=True, metadata={"description": "drafted for the declaration, in Chinese"}
    )


class ComparedView(ma.Schema):
    """What the patent is compared by."""

    symbol = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True)
    age_years = fields.Integer(required=True, allow_none=True)
    industry = fields.String(
        required=True, allow_none=True, metadata={"description": "division of GB/T 4754-2017"}
    )


class ReferenceView(ma.Schema):
    """Published figures of the patent's industry in one year."""

    year = fields.Integer(required=True)
    sample_size = fields.Integer(required=True)
    mean_lump_sum = fields.Nested(Amount, required=True, allow_none=True)
    mean_rate_percent = fields.Float(required=True, allow_none=True)
    median_rate_percent = fields.Float(required=True, allow_none=True)
    source = fields.String(required=True)


class PublishedView(ma.Schema):
    """Recorded licence contracts of the whole country in one year."""

    year = fields.Integer(required=True)
    contracts = fields.Integer(required=True)
    fixed_contracts = fields.Integer(required=True)
    mean_fixed_fee = fields.Nested(Amount, required=True)
    royalty_contracts = fields.Integer(required=True)
    free_contracts = fields.Integer(required=True)
    source = fields.String(required=True)


class FeeEstimateView(ma.Schema):
    """What a fee may rest on. A reference: it binds nobody, and values nothing."""

    number = fields.String(required=True)
    compared_by = fields.Nested(ComparedView, required=True)
    smallest_sample = fields.Integer(
        required=True, metadata={"description": "below so many prices nothing is estimated"}
    )
    bases = fields.List(fields.Nested(BasisView), required=True)
    reference = fields.List(fields.Nested(ReferenceView), required=True)
    published = fields.List(fields.Nested(PublishedView), required=True)


@blueprint.call("GET", "/patents/<number>/fee-estimate")
@access("signed_in")
@blueprint.response(200, FeeEstimateView)
def get_fee_estimate(number: str) -> dict[str, Any]:
    """What the fee of one's own patent may rest on, by every basis, with sample and source.

    What licensees paid is told only as rounded quartiles of enough prices of enough holders.
    """
    patent = listings.find_patent(number)
    actor = current_actor()
    require(actor, "patent.see", patent)
    found = services.estimate(actor, patent)
    subject = found.subject
    return {
        "number": patent.reference,
        "compared_by": {
            "symbol": subject.symbol,
            "kind": subject.kind,
            "age_years": subject.age,
            "industry": subject.industry,
        },
        "smallest_sample": rules.ENOUGH,
        "bases": [_basis(found, basis) for basis in found.bases if basis.code not in _OWN],
        "reference": [_reference(row) for row in found.references],
        "published": [_published(row) for row in figures.published_years()],
    }


def _basis(found: FeeEstimate, basis: Basis) -> dict[str, Any]:
    return {
        "code": basis.code,
        "guidance": basis.guidance,
        "usable": basis.usable,
        "sample_too_small": basis.too_small,
        "n": basis.n,
        "figures": [_figure(figure) for figure in basis.figures],
        "explanation": drafts.explanation(found, basis) if basis.usable else None,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    sample = figure.sample
    return {
        "form": figure.form,
        "low": _price(figure.form, figure.low),
        "middle": _price(figure.form, figure.middle),
        "high": _price(figure.form, figure.high),
        "mean": figure.mean,
        "span": figure.span,
        "sample": {
            "n": sample.n,
            "holders": sample.holders or None,
            "first_year": sample.first_year,
            "last_year": sample.last_year,
        },
        "rung": figure.rung,
        "passed": [{"rung": rung, "n": n} for rung, n in figure.passed],
        "histogram": [_range(figure.form, each) for each in figure.bins],
    }


def _range(form: str, each: Bin) -> dict[str, Any]:
    return {"start": _price(form, each.start), "end": _price(form, each.end), "count": each.count}


def _price(form: str, value: Decimal | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if form == "fixed":
        return {"amount": money(int(value)), "rate_percent": None}
    return {"amount": None, "rate_percent": number(value)}


def _reference(row: ReferenceFee) -> dict[str, Any]:
    return {
        "year": row.year,
        "sample_size": row.sample_size,
        "mean_lump_sum": money(row.mean_lump_sum_minor),
        "mean_rate_percent": None if row.mean_rate is None else number(row.mean_rate),
        "median_rate_percent": None if row.median_rate is None else number(row.median_rate),
        "source": row.source,
    }


def _published(row: figures.PublishedYear) -> dict[str, Any]:
    return {
        "year": row.year,
        "contracts": row.contracts,
        "fixed_contracts": row.fixed_contracts,
        "mean_fixed_fee": money(row.fixed_mean_minor),
        "royalty_contracts": row.royalty_contracts,
        "free_contracts": row.free_contracts,
        "source": row.source,
    }
