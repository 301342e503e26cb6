"""What a fee may rest on, and what it would lead to: the estimate and the what-if view of a patent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock, convert
from marketplace.core.convert import Converter, InvalidValue
from marketplace.core.errors import Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import rules as listing_rules
from marketplace.listings.industries import industry_name
from marketplace.listings.lifecycle import OFFER, offer_terms
from marketplace.listings.models import FEE_FORMS, Offer, Patent
from marketplace.listings.services import draft_offer, edit_draft, get_patent
from marketplace.pricing import drafts, figures, rules, services
from marketplace.pricing.comparables import Subject
from marketplace.pricing.rules import AnnuityYear, Bin, Income, Price
from marketplace.pricing.services import Basis, FeeEstimate, Figure, Own

from . import formats, labels
from .forms import Form, at_most, optional, options, required, required_when, status_of, stripped
from .holder_frame import blueprint, party
from .holder_patents import current_offers, own_patent

STATE_ESTABLISHED = ("university", "institute", "hospital")
_COUNTS = (1, 2, 3, 5, 10)
_MOST_LICENSEES = 1_000


# --- words


BASIS_TITLES: dict[str, Any] = {
    "comparable_offers": _l("Announced prices of comparable open licences"),
    "comparable_licences": _l("What licensees paid for comparable patents"),
    "past_licences": _l("Fees already received for this patent"),
    "reference": _l("Official figures of the industry"),
    "published": _l("Published totals of the whole country"),
    "own_income": _l("Your own income from the patent"),
    "international": _l("Usual international rates"),
    "valuation": _l("A valuation"),
}
TYPED = ("own_income", "international", "valuation")
GUIDANCE: dict[int, Any] = {
    1: _l("own income"),
    2: _l("fees already received"),
    3: _l("statistics of the industry"),
    4: _l("international rates"),
    5: _l("valuation"),
}


def rung_text(rung: str | None, subject: Subject) -> str:
    """With what was compared, in words."""
    if rung == "subclass_kind_age":
        return str(
            gettext(
                "same subclass %(subclass)s, same kind of right, about the same age",
                subclass=subject.subclass,
            )
        )
    if rung == "subclass":
        return str(gettext("same subclass %(subclass)s", subclass=subject.subclass))
    if rung == "class":
        return str(gettext("same class %(main_class)s", main_class=subject.main_class))
    if rung == "industry":
        name = industry_name(subject.industry or "", english=formats.english())
        return str(gettext("same industry: %(industry)s", industry=name))
    if rung == "section":
        return str(gettext("same section %(section)s", section=subject.section))
    return str(gettext("all fields"))


def value_text(form: str, value: Decimal | None) -> str:
    """A sum or a rate."""
    if value is None:
        return "—"
    return formats.money(int(value)) if form == "fixed" else formats.rate(value)


def bin_text(form: str, each: Bin) -> str:
    """A range of prices, without its upper end."""
    start = value_text(form, each.start)
    if each.end is None:
        return str(gettext("%(start)s and more", start=start))
    return str(gettext("%(start)s to below %(end)s", start=start, end=value_text(form, each.end)))


def _short(form: str, each: Bin) -> str:
    """A range of prices as an axis has room for: in 万 yuan, in English in thousands, or in per cent."""
    if form == "fixed":
        unit, sign = (Decimal(100_000), "k") if formats.english() else (Decimal(1_000_000), "万")
    else:
        unit, sign = Decimal(1), "%"
    ends = [f"{(end / unit).normalize():f}" for end in (each.start, each.end) if end is not None]
    return "–".join(ends) + sign + ("" if each.end is not None else "+")


def years_text(figure: Figure) -> str:
    """The years that the sample is from."""
    first, last = figure.sample.first_year, figure.sample.last_year
    if first is None:
        return "—"
    return f"{first}" if first == last else f"{first}–{last}"


# --- reading what is typed


class Typed(Form):
    """A form that is sent by GET: what is typed is in the address and kept nowhere."""

    class Meta:
        """Nothing is changed, so nothing can be forged."""

        csrf = False

    def said(self, name: str, converter: Converter) -> Any:
        """What a field says; None when it is empty or cannot be read, which is then told beside it."""
        field = self._fields[name]
        try:
            return converter(field.data)
        except InvalidValue as error:
            field.errors = [*field.errors, error.reason]
            return None


def _text(label: Any, hint: Any = "", *, needed: Any = None) -> StringField:
    checks = [needed or optional(), at_most(200)]
    return StringField(label, checks, description=hint, filters=[stripped])


_RATE = convert.rate(spreadsheet=False)
_YUAN = convert.yuan()
_WORDS = convert.text(200)


class OwnForm(Typed):
    """What only the holder knows."""

    income = _text(_l("Your yearly income from practising the patent, in yuan"))
    share = _text(_l("Share of it that a licensee would pay, in per cent"))
    rate_low = _text(_l("Usual rate, lowest, in per cent of net sales"))
    rate_high = _text(_l("Usual rate, highest, in per cent of net sales"))
    rate_source = _text(_l("Where these rates are from"), _l("A rate without its source is not used."))
    appraised = _text(_l("Appraised value, in yuan"))
    appraised_by = _text(_l("Whose report, and of which day"))

    def own(self) -> Own:
        """The figures; what cannot be read is left out and told beside its field."""
        self.validate()
        return Own(
            income_minor=self.said("income", _YUAN),
            share=self.said("share", _RATE),
            rate_low=self.said("rate_low", _RATE),
            rate_high=self.said("rate_high", _RATE),
            rate_source=self.said("rate_source", _WORDS),
            value_minor=self.said("appraised", _YUAN),
            value_source=self.said("appraised_by", _WORDS),
        )


# --- the estimate


@dataclass(frozen=True)
class Drafted:
    """A basis as the page shows it, with the explanation that would rest on it."""

    basis: Basis
    explanation: str | None

    @property
    def chart(self) -> dict[str, Any] | None:
        """The histogram of the first figure that has one."""
        figure = next((one for one in self.basis.figures if one.bins), None)
        if figure is None:
            return None
        return {
            "labels": [_short(figure.form, each) for each in figure.bins],
            "counts": [each.count for each in figure.bins],
            "name": str(gettext("Declarations")),
            "across": str(labels.name("fee_form", figure.form)),
        }


@blueprint.get("/patents/<int:patent_id>/fee-estimate")
@access("organisation")
def fee_estimate(patent_id: int) -> ResponseReturnValue:
    """Every basis of an estimate, with sample, years and source, and an explanation drafted from each."""
    patent = own_patent(patent_id)
    form = OwnForm(formdata=request.args)
    found = services.estimate(current_actor(), patent, form.own())
    offer = current_offers([patent.id]).get(patent.id)
    return render_template(
        "pricing/estimate.html",
        patent=patent,
        form=form,
        found=found,
        drafted=[_drafted(found, basis, offer) for basis in found.bases],
        offer=offer,
        editable=_editable(offer),
        published=figures.published_years(),
        enough=rules.ENOUGH,
        enough_holders=rules.ENOUGH_HOLDERS,
        own_names=[name for name in form.data if request.args.get(name)],
        titles=BASIS_TITLES,
        typed=TYPED,
        guidance=GUIDANCE,
        rung_text=lambda rung: rung_text(rung, found.subject),
        value_text=value_text,
        bin_text=bin_text,
        years_text=years_text,
        industry=_industry(found.subject),
    ), status_of(form)


@blueprint.post("/patents/<int:patent_id>/fee-estimate/use")
@access("organisation")
def use_basis(patent_id: int) -> ResponseReturnValue:
    """Put the explanation drafted from one basis into the declaration, which is begun where there is none."""
    patent, actor = own_patent(patent_id), current_actor()
    form = OwnForm(formdata=request.form)
    found = services.estimate(actor, patent, form.own())
    basis = found.basis(request.form.get("basis", ""))
    offer = current_offers([patent.id]).get(patent.id)
    text = None if basis is None else _drafted(found, basis, offer).explanation
    if text is None:
        raise Invalid("basis-unusable", "This basis gives no figure to rest an explanation on.")
    offer_id = None if offer is None else offer.id
    try:
        with unit_of_work(actor):
            if offer_id is None:
                offer_id = draft_offer(actor, get_patent(patent_id), {"fee_explanation": text}).id
            else:
                edit_draft(actor, offer_id, {"fee_explanation": text})
    except Invalid as error:
        flash(" ".join(sentence for sentences in error.fields.values() for sentence in sentences), "danger")
        return redirect(url_for("holder.fee_estimate", patent_id=patent_id))
    flash(gettext("The explanation is drafted. Read it, and make it yours."), "success")
    return redirect(url_for("holder.question", offer_id=offer_id, name="explanation"))


def _drafted(found: FeeEstimate, basis: Basis, offer: Offer | None) -> Drafted:
    if not basis.usable:
        return Drafted(basis, None)
    return Drafted(basis, drafts.explanation(found, basis, _payment_text(offer)))


def _payment_text(offer: Offer | None) -> str | None:
    """How the declaration says the fee is paid, as far as it says it already."""
    if offer is None or offer.fee_form is None:
        return None
    terms = offer_terms(offer)
    if listing_rules.form_faults(terms):
        return None
    return offer.payment_text or listing_rules.payment_text(terms)


def _editable(offer: Offer | None) -> bool:
    """Whether the declaration may still be changed: a filed one has its terms fixed."""
    return offer is None or any(
        transition.action == "edit" for transition in OFFER.offered(current_actor(), offer)
    )


def _industry(subject: Subject) -> str:
    return industry_name(subject.industry, english=formats.english()) if subject.industry else "—"


# --- what if


class WhatIfForm(Typed):
    """A price, and what is assumed of those who take the licence."""

    form = RadioField(_l("How is the fee paid?"), [optional()])
    fee = _text(_l("Fixed fee or entry fee, in yuan"), needed=required_when(_l("needed for such a fee")))
    rate = _text(_l("Royalty rate, in per cent"), needed=required_when(_l("needed for a royalty")))
    base = _text(
        _l("Sales or profit of one licensee in a year, in yuan"),
        _l("Your own assumption: net sales, or profit where the royalty is a share of profit."),
        needed=required_when(_l("needed for a royalty")),
    )
    licensees = _text(_l("Number of licensees"), needed=required())
    years = _text(_l("Term in years"), needed=required())
    share = _text(_l("Share of the inventors, in per cent"), needed=required())
    relief = RadioField(_l("Reduction of annuities that you have now"), [optional()])


@dataclass(frozen=True)
class WhatIf:
    """What the page shows: the price and assumptions as read, and what follows."""

    price: Price | None
    years: int
    share: Decimal
    rows: tuple[Income, ...]
    annuities: tuple[AnnuityYear, ...] | None

    @property
    def saved_minor(self) -> int:
        """What the open licence saves in annuities, in 分."""
        return rules.saved(self.annuities or ())


def _state_established(organisation: Organisation) -> bool:
    """What the organisation says of itself; where it has not said, its type is the likely answer."""
    said = organisation.state_established
    return organisation.type in STATE_ESTABLISHED if said is None else said


@blueprint.get("/patents/<int:patent_id>/what-if")
@access("organisation")
def what_if(patent_id: int) -> ResponseReturnValue:
    """Income over the term by number of licensees, and the annuities saved: a form that changes nothing."""
    patent = own_patent(patent_id)
    offer = current_offers([patent.id]).get(patent.id)
    longest = services.years_of(patent, None)
    usual = services.years_of(patent, None if offer is None else offer.term_to)
    form = WhatIfForm(formdata=request.args or None, data=_assumed(offer, usual))
    form.form.choices = options((code, labels.name("fee_form", code)) for code in FEE_FORMS)
    form.relief.choices = options(
        [
            ("0", _l("None")),
            ("70", _l("70 per cent: several holders of small means")),
            ("85", _l("85 per cent: a single holder of small means")),
        ]
    )
    scale = figures.annuity_scale(patent.kind, clock.today())
    found = _what_if(form, patent, longest, scale)
    return render_template(
        "pricing/what_if.html",
        patent=patent,
        offer=offer,
        form=form,
        found=found,
        longest=longest,
        scale=scale,
        state_established=_state_established(party()),
        hints={code: labels.label("fee_form", code).hint for code in FEE_FORMS},
        ceiling=listing_rules.FIXED_CEILING_MINOR,
        ceilings=listing_rules.RATE_CEILINGS,
        reduction=rules.OPEN_LICENCE_REDUCTION,
        relief_years=rules.RELIEF_YEARS,
        chart=None
        if not found.rows
        else {
            "labels": [f"{row.licensees}" for row in found.rows],
            "counts": [row.total_minor // 100 for row in found.rows],
            "name": str(gettext("Income over the term, yuan")),
            "across": str(gettext("Number of licensees")),
        },
    ), status_of(form)


def _assumed(offer: Offer | None, years: int) -> Mapping[str, Any]:
    """What the form says at first: the price of the declaration, and assumptions that are easy to change."""
    said: dict[str, Any] = {
        "form": "fixed",
        "licensees": "5",
        "years": f"{years}" if years else "",
        "share": f"{rules.INVENTORS_FLOOR}",
        "relief": "0",
    }
    if offer is not None and offer.fee_form is not None:
        said["form"] = offer.fee_form
        said["fee"] = None if offer.fee_minor is None else f"{Decimal(offer.fee_minor) / 100:f}"
        said["rate"] = None if offer.rate_percent is None else f"{offer.rate_percent.normalize():f}"
    return said


def _what_if(form: WhatIfForm, patent: Patent, longest: int, scale: figures.Scale) -> WhatIf:
    if request.args:
        form.validate()
    # Where the end of the patent is unknown or past, any term that such a right can have may be tried out.
    years = form.said("years", convert.integer(1, longest or rules.YEARS_OF_RIGHT[patent.kind])) or 0
    share = form.said("share", _RATE)
    licensees = form.said("licensees", convert.integer(1, _MOST_LICENSEES)) or 1
    price = _price(form)
    base = form.said("base", _YUAN)
    if price is not None and price.form in rules.PAYS_YEARLY and base is None and not form.base.errors:
        price = None
        if request.args:
            form.base.errors = [gettext("Say what one licensee would sell or earn in a year.")]
    counts = sorted({*_COUNTS, licensees})
    relief = int(form.relief.data) if form.relief.data in ("70", "85") else 0
    share = rules.INVENTORS_FLOOR if share is None else share
    if price is None or not years or form.errors:
        rows: tuple[Income, ...] = ()
    else:
        rows = tuple(
            rules.income(price, licensees=count, years=years, base_minor=base or 0, share=share)
            for count in counts
        )
    annuities = services.annuities(patent, relief=relief, years=years, scale=scale)
    return WhatIf(price, years, share, rows, annuities)


def _price(form: WhatIfForm) -> Price | None:
    """The price that was typed; None, told beside its field, when a part is missing."""
    chosen = form.form.data or "fixed"
    fee, rate = form.said("fee", _YUAN), form.said("rate", _RATE)
    missing = []
    if chosen in rules.PAYS_ONCE and fee is None:
        missing.append((form.fee, gettext("This form of payment needs an amount.")))
    if chosen in rules.PAYS_YEARLY and rate is None:
        missing.append((form.rate, gettext("This form of payment needs a rate.")))
    for field, sentence in missing:
        if request.args and not field.errors:
            field.errors = [sentence]
    return None if missing else Price(chosen, fee or 0, rate or Decimal(0))
