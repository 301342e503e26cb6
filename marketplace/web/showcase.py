"""What stands beside a declaration: how readers see it, the holder's page for it, and its attachments."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FieldList, FileField, FormField, SelectField, StringField, TextAreaField
from wtforms import Form as Part
from wtforms.validators import ValidationError

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.files import store
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.listings.services import offers
from marketplace.listings.showcase import pictures, rules, services
from marketplace.listings.showcase.models import (
    MATURITIES,
    PRICE_UNITS,
    SIDE_KINDS,
    Attachment,
    ListingDetails,
    Question,
    SideOffer,
)
from marketplace.search.analysis import HAN

from . import labels
from .formats import english
from .forms import Form, at_most, options, sentence_of, status_of, stripped

blueprint = Blueprint("showcase", __name__)

_A_DAY = 24 * 3600
_HAN = re.compile(f"[{HAN}]")
_BLANK_LINES = 2


# --- how readers see it


@dataclass(frozen=True)
class Said:
    """A text as it is shown: the words, their language, and who translated them.

    `origin` is None for an original, else `human`, `machine` or `unstated`.
    """

    text: str
    lang: str
    origin: str | None = None


def said(zh: str | None, en: str | None, origins: Mapping[str, str], key: str) -> Said | None:
    """The text in the reader's language, else in the other one; None where there is none.

    Args:
        key: the text's name in `origins`, without its language.
    """
    text, lang = (en, "en") if (english() and en) or not zh else (zh, "zh")
    if not text:
        return None
    origin = origins.get(f"{key}_{lang}")
    if lang == "en" and zh and origin is None:
        origin = "unstated"
    if lang == "zh" and origin == "human":
        origin = None
    return Said(text, "zh-CN" if lang == "zh" else "en", origin)


def _in_its_language(text: str) -> Said:
    """A text that was written once, in either language."""
    return Said(text, "zh-CN" if _HAN.search(text) else "en")


@dataclass(frozen=True)
class Cost:
    """A line of the cost comparison; `change` in per cent, where both figures are plain numbers."""

    item: Said | None
    today: str
    with_patent: str
    change: Decimal | None
    unit: Said
    source: Said


@dataclass(frozen=True)
class Beside:
    """All that stands beside the declaration, ready for a template."""

    texts: Mapping[str, Said]
    title: Said | None
    abstract: Said | None
    maturity: str | None
    costs: Sequence[Cost]
    costs_origin: str | None
    side_offers: Sequence[tuple[SideOffer, Said | None]]
    side_origin: str | None
    pictures: Sequence[tuple[Attachment, Said | None]]
    documents: Sequence[tuple[Attachment, Said | None]]
    faq: Sequence[tuple[Said | None, Said | None]]


def beside(
    offer: Offer,
    details: ListingDetails | None,
    attachments: Sequence[Attachment] = (),
    faq: Sequence[Question] = (),
) -> Beside:
    """What readers see beside the declaration of an offer."""
    patent = offer.patent
    origins: Mapping[str, str] = (details.origins or {}) if details else {}
    texts: dict[str, Said] = {}
    for name in rules.TEXTS:
        zh = getattr(details, f"{name}_zh", None) or getattr(patent, name, None)
        if found := said(zh, getattr(details, f"{name}_en", None), origins, name):
            texts[name] = found
    costs = details.costs if details else []
    sides = details.side_offers if details else []
    shown_files = [(one, said(one.alt_zh, one.alt_en, {"alt_en": "human"}, "alt")) for one in attachments]
    return Beside(
        texts=texts,
        title=said(patent.title, patent.title_en, origins, "title"),
        abstract=said(patent.abstract, patent.abstract_en, origins, "abstract"),
        maturity=details.maturity if details else None,
        costs=[
            Cost(
                item=said(line.item_zh, line.item_en, {}, "item"),
                today=line.today,
                with_patent=line.with_patent,
                change=rules.change(line.today, line.with_patent),
                unit=_in_its_language(line.unit),
                source=_in_its_language(line.source),
            )
            for line in costs
        ],
        costs_origin=_origin(origins, "costs_en", any(line.item_en for line in costs)),
        side_offers=[(line, said(line.what_zh, line.what_en, {}, "what")) for line in sides],
        side_origin=_origin(origins, "side_offers_en", any(line.what_en for line in sides)),
        pictures=[pair for pair in shown_files if pair[0].kind == "picture"],
        documents=[pair for pair in shown_files if pair[0].kind == "document"],
        faq=[
            (
                said(one.question_zh, one.question_en, one.origins, "question"),
                said(one.answer_zh, one.answer_en, one.origins, "answer"),
            )
            for one in faq
        ],
    )


def _origin(origins: Mapping[str, str], key: str, translated: bool) -> str | None:
    return (origins.get(key) or "unstated") if english() and translated else None


# --- the holder's page

_WHO_TRANSLATED = (
    ("", _l("Both texts are our own words")),
    ("en:machine", _l("The English text was translated by a machine")),
    ("zh:machine", _l("The Chinese text was translated by a machine")),
)
_ENGLISH_BY = (
    ("", _l("Not stated")),
    ("human", _l("Translated by ourselves")),
    ("machine", _l("Translated by a machine")),
)


class CostPart(Part):  # type: ignore[misc]
    """One line of the cost comparison."""

    item_zh = StringField(_l("Item (Chinese)"), [at_most(100)], filters=[stripped])
    item_en = StringField(_l("Item (English)"), [at_most(200)], filters=[stripped])
    today = StringField(_l("Today's answer"), [at_most(60)], filters=[stripped])
    with_patent = StringField(_l("With this patent"), [at_most(60)], filters=[stripped])
    unit = StringField(_l("Unit"), [at_most(60)], filters=[stripped])
    source = StringField(_l("Source"), [at_most(200)], filters=[stripped])


class SidePart(Part):  # type: ignore[misc]
    """One offer beside the licence."""

    kind = SelectField(_l("Kind"), default=SIDE_KINDS[0])
    what_zh = TextAreaField(_l("What (Chinese)"), [at_most(500)], filters=[stripped])
    what_en = TextAreaField(_l("What (English)"), [at_most(800)], filters=[stripped])
    price = StringField(_l("Price in yuan; empty: on request"), [at_most(20)], filters=[stripped])
    price_unit = SelectField(_l("Price for"), default=PRICE_UNITS[0])
    contact = StringField(_l("Contact"), [at_most(300)], filters=[stripped])

    def validate_price(self, field: StringField) -> None:
        """The price is a sum, if there is one."""
        if field.data:
            try:
                yuan()(field.data)
            except InvalidValue as error:
                raise ValidationError(error.reason) from None


def _text(label: Any, hint: Any = "") -> TextAreaField:
    return TextAreaField(label, [at_most(rules.LONGEST_TEXT)], description=hint, filters=[stripped])


class DetailsForm(Form):
    """Everything that readers ask for beside the announced terms."""

    product_zh = _text(
        _l("Product (Chinese)"), _l("What is made with it: a thing that one can buy, in one sentence.")
    )
    product_en = _text(_l("Product (English)"))
    product_by = SelectField(_l("Translation"), default="")
    application_zh = _text(_l("Where it is used (Chinese)"), _l("The trades and machines it is for."))
    application_en = _text(_l("Where it is used (English)"))
    application_by = SelectField(_l("Translation"), default="")
    problem_zh = _text(
        _l("Problem solved (Chinese)"), _l("The trouble of somebody who does not have it, in their words.")
    )
    problem_en = _text(_l("Problem solved (English)"))
    problem_by = SelectField(_l("Translation"), default="")
    advantage_zh = _text(
        _l("Advantage over today's answer (Chinese)"), _l("Against what is sold today, with figures.")
    )
    advantage_en = _text(_l("Advantage over today's answer (English)"))
    advantage_by = SelectField(_l("Translation"), default="")
    maturity = SelectField(_l("Maturity"), default="")
    proof_zh = _text(_l("What shows it (Chinese)"), _l("A test report, a pilot line, a customer."))
    proof_en = _text(_l("What shows it (English)"))
    proof_by = SelectField(_l("Translation"), default="")
    title_by = SelectField(_l("The patent's English title"), default="")
    abstract_by = SelectField(_l("The patent's English abstract"), default="")
    costs = FieldList(FormField(CostPart), _l("Costs compared"), max_entries=rules.MOST_COSTS)
    costs_by = SelectField(_l("English items"), default="")
    side_offers = FieldList(
        FormField(SidePart), _l("Offered beside the licence"), max_entries=rules.MOST_SIDE_OFFERS
    )
    side_offers_by = SelectField(_l("English texts"), default="")
    may_be_public = BooleanField(_l("I have read these passages: they may be public"))
    files_from_earlier = BooleanField(
        _l("Put the pictures and documents of the earlier offer beside this one too"), default=True
    )


class AttachmentForm(Form):
    """A picture or a PDF, and what it shows."""

    file = FileField(_l("Picture or PDF"), description=_l("PNG, JPEG or PDF, up to 10 MB."))
    alt_zh = StringField(_l("What it shows (Chinese)"), [at_most(300)], filters=[stripped])
    alt_en = StringField(_l("What it shows (English)"), [at_most(500)], filters=[stripped])


def _form(details: ListingDetails | None, offer: Offer, *, sent: bool) -> DetailsForm:
    """The form as it was sent, or with what is stored."""
    form = DetailsForm() if sent else DetailsForm(formdata=None, data=_stored(details, offer))
    if not sent:
        for entries, most in ((form.costs, rules.MOST_COSTS), (form.side_offers, rules.MOST_SIDE_OFFERS)):
            for _ in range(min(_BLANK_LINES, most - len(entries))):
                entries.append_entry()
    for name in rules.TEXTS:
        form[f"{name}_by"].choices = options(_WHO_TRANSLATED)
    for name in ("title_by", "abstract_by", "costs_by", "side_offers_by"):
        form[name].choices = options(_ENGLISH_BY)
    form.maturity.choices = options(
        (("", gettext("Not stated")), *((code, labels.name("maturity", code)) for code in MATURITIES))
    )
    for part in form.side_offers:
        part.form.kind.choices = options((code, labels.name("side_kind", code)) for code in SIDE_KINDS)
        part.form.price_unit.choices = options(
            (code, labels.name("price_unit", code)) for code in PRICE_UNITS
        )
    return form


def _stored(details: ListingDetails | None, offer: Offer) -> dict[str, Any]:
    """What is stored, as the form's values; the patent's own record is the beginning."""
    if details is None:
        patent = offer.patent
        return {f"{name}_zh": getattr(patent, name) or "" for name in ("application", "problem", "advantage")}
    values = services.values_of(details)
    origins = values.pop("origins")
    for name in rules.TEXTS:
        values[f"{name}_by"] = next(
            (f"{lang}:machine" for lang in ("en", "zh") if origins.get(f"{name}_{lang}") == "machine"), ""
        )
    for name in ("title", "abstract", "costs", "side_offers"):
        values[f"{name}_by"] = origins.get(f"{name}_en", "")
    for line in values["side_offers"]:
        minor = line.pop("price_minor")
        line["price"] = "" if minor is None else f"{minor / 100:.10g}"
    return values


def _values(form: DetailsForm) -> dict[str, Any]:
    """The form's values as `services.describe` takes them."""
    values: dict[str, Any] = {name: form[name].data or None for name in services.COLUMNS}
    values["maturity"] = form.maturity.data or None
    origins: dict[str, str] = {}
    for name in rules.TEXTS:
        chosen = form[f"{name}_by"].data or ""
        for lang, other in (("en", "zh"), ("zh", "en")):
            if values[f"{name}_{lang}"] and values[f"{name}_{other}"]:
                origins[f"{name}_{lang}"] = "machine" if chosen == f"{lang}:machine" else "human"
    for name in ("title", "abstract", "costs", "side_offers"):
        if form[f"{name}_by"].data:
            origins[f"{name}_en"] = form[f"{name}_by"].data
    values["origins"] = origins
    values["costs"] = [
        {name: entry.form[name].data or None for name in entry.form._fields}
        for entry in form.costs
        if any(field.data for field in entry.form)
    ]
    values["side_offers"] = [
        _side(entry.form) for entry in form.side_offers if entry.what_zh.data or entry.what_en.data
    ]
    return values


def _side(part: SidePart) -> dict[str, Any]:
    return {
        "kind": part.kind.data,
        "what_zh": part.what_zh.data or None,
        "what_en": part.what_en.data or None,
        "price_minor": yuan()(part.price.data) if part.price.data and not part.price.errors else None,
        "currency": "CNY",
        "price_unit": part.price_unit.data,
        "contact": part.contact.data or None,
    }


@blueprint.route("/offers/<int:offer_id>/describe", methods=["GET", "POST"])
@access("signed_in")
def describe(offer_id: int) -> ResponseReturnValue:
    """The holder's page: what readers ask for, with a preview; the announced terms are not on it."""
    actor = current_actor()
    offer = _own(actor, offer_id)
    details = services.details_of(offer_id)
    earlier = services.earlier_of(actor, offer) if details is None else None
    taking = earlier is not None and request.args.get("take") == "earlier"
    form = _form(earlier if taking else details, offer, sent=request.method == "POST")
    if not taking or earlier is None or not earlier.attachments:
        del form.files_from_earlier
    preview, passages = None, []
    if form.is_submitted():
        good = form.validate()
        values = _values(form)
        passages = rules.know_how(services.texts_of(values))
        if good and request.form.get("do") == "preview":
            preview = beside(offer, services.draft(values), details.attachments if details else ())
        elif good:
            try:
                with unit_of_work(actor):
                    services.describe(
                        actor,
                        offer_id,
                        values,
                        may_be_public=bool(form.may_be_public.data),
                        files_from_earlier="files_from_earlier" in form and form.files_from_earlier.data,
                    )
            except DomainError as error:
                form.accept(error)
            else:
                flash(gettext("Saved. This is how readers see it."), "success")
                return redirect(url_for("offers.show", offer_id=offer_id))
    page = _page(
        offer, form, AttachmentForm(formdata=None), preview, passages, earlier=earlier, taking=taking
    )
    return page, status_of(form)


@blueprint.get("/patents/<int:patent_id>/describe")
@access("signed_in")
def describe_patent(patent_id: int) -> ResponseReturnValue:
    """From a patent to the page on which its present offer is described."""
    actor = current_actor()
    ids = db.session.scalars(
        sa.select(Offer.id)
        .where(Offer.patent_id == patent_id, Offer.status.not_in(services.OVER))
        .order_by(Offer.id.desc())
    )
    for offer_id in ids:
        return redirect(url_for("showcase.describe", offer_id=_own(actor, offer_id).id))
    raise NotFound("offer-not-found", "There is no such offer.")


def _own(actor: Actor, offer_id: int) -> Offer:
    offer = offers.get_offer(actor, offer_id)
    if not allowed(actor, "offer.describe", offer).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    return offer


def _page(
    offer: Offer,
    form: DetailsForm,
    attachment: AttachmentForm,
    preview: Beside | None = None,
    passages: Sequence[rules.Passage] = (),
    *,
    earlier: ListingDetails | None = None,
    taking: bool = False,
) -> str:
    details = services.details_of(offer.id)
    there = services.present(offer, details)
    return render_template(
        "showcase/describe.html",
        offer=offer,
        patent=offer.patent,
        details=details,
        form=form,
        attachment=attachment,
        preview=preview,
        passages=passages,
        earlier=earlier,
        taking=taking,
        share=rules.completeness(there),
        missing=rules.missing(there),
        texts=rules.TEXTS,
        most_attachments=rules.MOST_ATTACHMENTS,
        unpublished=rules.unpublished(
            offer.patent.grant_date, offer.patent.publication_number, clock.today()
        ),
    )


@blueprint.post("/offers/<int:offer_id>/attachments")
@access("signed_in")
def attach(offer_id: int) -> ResponseReturnValue:
    """Put a picture or a PDF beside the offer."""
    actor = current_actor()
    offer = _own(actor, offer_id)
    form = AttachmentForm()
    form.validate()
    given = form.file.data
    if not form.errors:
        try:
            upload = pictures.prepare(given.read() if given else b"")
            with unit_of_work(actor):
                services.attach(
                    actor,
                    offer_id,
                    upload,
                    name=given.filename or "file",
                    alt_zh=form.alt_zh.data or "",
                    alt_en=form.alt_en.data,
                )
        except DomainError as error:
            if error.code.startswith(("file-", "picture-")):
                form.file.errors = [sentence_of(error)]
            else:
                form.accept(error)
        else:
            flash(gettext("The attachment is on the page."), "success")
            return redirect(url_for("showcase.describe", offer_id=offer_id, _anchor="attachments"))
    return _page(offer, _form(services.details_of(offer_id), offer, sent=False), form), 422


@blueprint.post("/offers/<int:offer_id>/attachments/<int:attachment_id>/remove")
@access("signed_in")
def detach(offer_id: int, attachment_id: int) -> ResponseReturnValue:
    """Take an attachment off the page."""
    actor = current_actor()
    with unit_of_work(actor):
        services.detach(actor, offer_id, attachment_id)
    flash(gettext("The attachment is taken away."), "success")
    return redirect(url_for("showcase.describe", offer_id=offer_id, _anchor="attachments"))


@blueprint.get("/offers/<int:offer_id>/attachments/<int:attachment_id>")
@access("public")
def attachment(offer_id: int, attachment_id: int) -> ResponseReturnValue:
    """The bytes of an attachment, never as a page of this site."""
    row = services.attachment_of(current_actor(), offer_id, attachment_id)
    response = send_file(
        io.BytesIO(store().read(row.file.digest)),
        mimetype=row.file.content_type,
        as_attachment=True,
        download_name=row.file.name,
        etag=row.file.digest,
        max_age=_A_DAY,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.cache_control.private = True
    return response
