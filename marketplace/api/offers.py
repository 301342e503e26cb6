"""Offers: search, one offer with what the caller may do, drafting, and the steps of its life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import marshmallow as ma
from flask import Response, current_app, request
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import lock
from marketplace.listings import services as listings
from marketplace.listings.consents import standing
from marketplace.listings.consents.models import CAPACITIES, COUNTINGS, Consent
from marketplace.listings.models import Offer, Patent
from marketplace.listings.papers import services as papers
from marketplace.listings.schemas import ACTIONS, OfferSchema
from marketplace.listings.showcase import services as showcase
from marketplace.listings.showcase.models import ATTACHMENT_KINDS, MATURITIES, PRICE_UNITS, SIDE_KINDS
from marketplace.matching.nearest import nearest
from marketplace.search import services as search
from marketplace.search.engine import EngineUnavailable, Hit
from marketplace.search.indexer import licence_counts
from marketplace.search.lookup import look_up
from marketplace.search.query import CHOICES, DEFAULT_SIZE, SORTS, WINDOW, parse
from marketplace.statistics import activity

from . import shapes
from .answering import check_version, json_answer, once
from .documents import Blueprint
from .shapes import Amount, Day, Fee, Id, Instant

blueprint = Blueprint("offers", "offers", "Announced open licences, and declarations on their way there.")


# --- shapes


class OfferItem(ma.Schema):
    """An offer as a list shows it."""

    id = Id(required=True)
    patent_number = fields.String(required=True)
    declaration_number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    live = fields.Boolean(required=True, metadata={"description": "whether it can be taken up today"})
    fee = fields.Nested(Fee, required=True)
    district = fields.String(required=True, allow_none=True, metadata={"description": "GB/T 2260 code"})
    owners = fields.List(fields.String(), required=True)
    licences = fields.Integer(required=True, metadata={"description": "open licences taken so far"})
    highlights = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "by field: safe HTML in which <mark> shows what was found"},
    )


class FacetValue(ma.Schema):
    """A value of a facet and how many offers have it."""

    value = fields.String(required=True)
    count = fields.Integer(required=True)


class Widened(ma.Schema):
    """What was looked for beside some of the words."""

    words = fields.String(required=True, metadata={"description": "the words, as they are compared"})
    alternatives = fields.List(fields.String(), required=True)
    ipc = fields.List(
        fields.String(), required=True, metadata={"description": "places whose titles have the word"}
    )


class OfferPage(ma.Schema):
    """One page of a search."""

    items = fields.List(fields.Nested(OfferItem), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    size = fields.Integer(required=True)
    facets = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(FacetValue)), required=True)
    engine = fields.String(required=True)
    degraded = fields.Boolean(required=True, metadata={"description": "whether a substitute has answered"})
    as_of = Instant(required=True, metadata={"description": "up to when changes are in the index"})
    widened = fields.List(
        fields.Nested(Widened), required=True, metadata={"description": "none of it with `exact=1`"}
    )
    relaxed = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "enum": ["characters", "meaning", None],
            "description": "where the words find nothing, what these offers are near in: they have most of "
            "the characters; or else, if a model is configured, they are about something like it",
        },
    )
    did_you_mean = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "a text that finds more, where `q` finds little or nothing"},
    )
    without_filters = fields.Integer(
        required=True,
        metadata={"description": "where filters leave nothing: how many offers there are without them"},
    )


class Action(ma.Schema):
    """What the caller may do now: POST `href` with a body of this JSON Schema."""

    name = fields.String(required=True)
    href = fields.String(required=True)
    schema = fields.Dict(required=True)


class Payee(ma.Schema):
    """The account that licence money goes to."""

    account_name = fields.String(allow_none=True)
    bank = fields.String(allow_none=True)
    account = fields.String(allow_none=True)


class Duty(ma.Schema):
    """A duty to withdraw, because a bar has arisen since."""

    since = Day(allow_none=True)
    bars = fields.List(fields.String())


class CostLineShape(ma.Schema):
    """One line of a cost comparison, as the holder states it."""

    item_zh = fields.String(required=True)
    item_en = fields.String(required=True, allow_none=True)
    today = fields.String(required=True, metadata={"description": "with today's answer"})
    with_patent = fields.String(required=True)
    unit = fields.String(required=True)
    source = fields.String(required=True)


class SideOfferShape(ma.Schema):
    """Know-how or a service offered beside the licence; never a condition of it."""

    kind = fields.String(required=True, metadata={"enum": list(SIDE_KINDS)})
    what_zh = fields.String(required=True)
    what_en = fields.String(required=True, allow_none=True)
    price = fields.Nested(
        Amount, required=True, allow_none=True, metadata={"description": "null: on request"}
    )
    price_unit = fields.String(required=True, metadata={"enum": list(PRICE_UNITS)})
    contact = fields.String(required=True, allow_none=True)


class AttachmentShape(ma.Schema):
    """A picture or a document; `href` gives its bytes as a download."""

    kind = fields.String(required=True, metadata={"enum": list(ATTACHMENT_KINDS)})
    href = fields.String(required=True)
    content_type = fields.String(required=True)
    alt_zh = fields.String(required=True)
    alt_en = fields.String(required=True, allow_none=True)


class FaqShape(ma.Schema):
    """A question and its answer that the holder has published."""

    question_zh = fields.String(required=True, allow_none=True)
    question_en = fields.String(required=True, allow_none=True)
    answer_zh = fields.String(required=True, allow_none=True)
    answer_en = fields.String(required=True, allow_none=True)


class Beside(ma.Schema):
    """What the holder tells beside the announced terms; none of it is a condition of the licence."""

    product_zh = fields.String(required=True, allow_none=True)
    product_en = fields.String(required=True, allow_none=True)
    application_zh = fields.String(required=True, allow_none=True)
    application_en = fields.String(required=True, allow_none=True)
    problem_zh = fields.String(required=True, allow_none=True)
    problem_en = fields.String(required=True, allow_none=True)
    advantage_zh = fields.String(required=True, allow_none=True)
    advantage_en = fields.String(required=True, allow_none=True)
    maturity = fields.String(required=True, allow_none=True, metadata={"enum": [*MATURITIES, None]})
    proof_zh = fields.String(required=True, allow_none=True, metadata={"description": "what shows it"})
    proof_en = fields.String(required=True, allow_none=True)
    origins = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "by field: `human` or `machine`, who wrote or translated it"},
    )
    costs = fields.List(fields.Nested(CostLineShape), required=True)
    side_offers = fields.List(fields.Nested(SideOfferShape), required=True)
    attachments = fields.List(fields.Nested(AttachmentShape), required=True)
    faq = fields.List(fields.Nested(FaqShape), required=True)
    updated_at = Instant(required=True, allow_none=True)


class ConsentView(ma.Schema):
    """A party of the declaration and what it has said to the present terms."""

    party = fields.String(required=True)
    capacity = fields.String(required=True, metadata={"enum": list(CAPACITIES)})
    state = fields.String(
        required=True,
        metadata={
            "enum": ["not_asked", "asked", "given", "refused", "outdated"],
            "description": "outdated: the terms were changed since it was asked or had agreed",
        },
    )
    strength = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "link (sent to an address), member (signed in), paper, or null"},
    )
    answered_at = Instant(required=True, allow_none=True)
    terms_sha256 = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "of a refusal"})


class PriceNoticeView(ma.Schema):
    """The price notice (公示) of the present terms."""

    starts_on = Day(required=True)
    ends_on = Day(required=True)
    days = fields.Integer(required=True)
    counting = fields.String(required=True, metadata={"enum": list(COUNTINGS)})
    objections = fields.Integer(required=True)
    undecided = fields.Integer(required=True)
    url = fields.String(required=True, metadata={"format": "uri"})


class PaperView(ma.Schema):
    """A paper to sign and hand in, made anew at each call."""

    kind = fields.String(required=True, metadata={"description": "declaration, checklist or withdrawal"})
    format = fields.String(required=True, metadata={"enum": list(papers.FORMATS)})
    url = fields.String(required=True, metadata={"format": "uri"})


class OfferWhole(OfferItem):
    """One offer with all that this caller may see of it."""

    class Meta:
        """Marks of a search have no place here."""

        exclude = ("highlights",)

    version = fields.Integer(required=True, metadata={"description": "also the ETag"})
    evidence = fields.String(
        required=True, allow_none=True, metadata={"description": "null, holder_stated or verified"}
    )
    evidence_source = fields.String(allow_none=True)
    pending = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`verification` of a stated announcement, `withdrawal` filed but not yet "
            "announced, or null"
        },
    )
    actions = fields.List(fields.Nested(Action), required=True)
    title_en = fields.String(allow_none=True)
    kind = fields.String()
    publication_number = fields.String(allow_none=True)
    abstract = fields.String(allow_none=True)
    ipc = fields.List(fields.String())
    application = fields.String(allow_none=True)
    problem = fields.String(allow_none=True)
    advantage = fields.String(allow_none=True)
    holder = fields.String()
    contact = fields.String(allow_none=True)
    payment_text = fields.String(allow_none=True)
    fee_explanation = fields.String(allow_none=True)
    channels = fields.List(fields.String())
    payee = fields.Nested(
        Payee, allow_none=True, metadata={"description": "for the holder; a licensee sees it in the payment"}
    )
    not_included = fields.String(allow_none=True)
    source = fields.String(allow_none=True)
    term_from = Day(allow_none=True)
    term_to = Day(allow_none=True)
    patent_expires_on = Day(allow_none=True)
    filed_on = Day(allow_none=True)
    filing_receipt = fields.String(allow_none=True)
    announced_on = Day(allow_none=True)
    refused_reason = fields.String(allow_none=True)
    withdrawal_filed_on = Day(allow_none=True)
    withdrawal_reason = fields.String(allow_none=True)
    withdrawn_on = Day(allow_none=True)
    withdrawal_evidence = fields.String(
        allow_none=True,
        metadata={
            "enum": ["holder_stated", "verified", None],
            "description": "who says that the withdrawal was announced",
        },
    )
    revoked_on = Day(allow_none=True)
    lapsed_on = Day(allow_none=True)
    duty_to_withdraw = fields.Nested(Duty, allow_none=True)
    beside = fields.Nested(
        Beside, allow_none=True, metadata={"description": "null while the holder has told nothing more"}
    )
    created_at = Instant()
    consents = fields.List(
        fields.Nested(ConsentView),
        allow_none=True,
        metadata={"description": "of patentees and pledgees, for the holder's side; null for others"},
    )
    price_notice = fields.Nested(
        PriceNoticeView, allow_none=True, metadata={"description": "for the holder's side"}
    )
    papers = fields.List(
        fields.Nested(PaperView),
        allow_none=True,
        metadata={"description": "that can be made in the present state, for the holder's side"},
    )


# --- views of rows


def found(hit: Hit) -> dict[str, Any]:
    """A hit of a search, as `OfferItem`."""
    document = hit.document
    return {
        "id": document.id,
        "patent_number": document.patent_number or document.publication_number or "",
        "declaration_number": document.declaration_number,
        "title": document.title,
        "status": document.status,
        "live": document.live,
        "fee": shapes.fee(document.fee_form, document.fee_minor, document.rate_percent, document.rate_base),
        "district": document.district,
        "owners": list(document.owners),
        "licences": document.licences,
        "highlights": dict(hit.highlights),
    }


def listed(offer: Offer, licences: int) -> dict[str, Any]:
    """An offer from the database, as `OfferItem`."""
    patent = offer.patent
    return {
        "id": offer.id,
        "patent_number": patent.reference,
        "declaration_number": offer.declaration_number,
        "title": patent.title,
        "status": offer.status,
        "live": offer.in_force_on(clock.today()),
        "fee": shapes.fee(
            offer.fee_form, offer.fee_minor, offer.rate_percent, offer.rate_base, offer.currency
        ),
        "district": patent.district,
        "owners": [party.organisation.name for party in patent.parties],
        "licences": licences,
        "highlights": {},
    }


_PLAIN: Final = (
    "version", "evidence", "contact", "payment_text", "fee_explanation", "channels", "not_included", "source",
    "term_from", "term_to", "filed_on", "announced_on", "refused_reason", "withdrawal_filed_on",
    "withdrawal_reason", "withdrawn_on", "withdrawal_evidence", "revoked_on", "lapsed_on",
    "created_at",
)  # fmt: skip
_OF_PATENT: Final = (
    "title_en", "kind", "publication_number", "abstract", "application", "problem", "advantage",
)  # fmt: skip


def whole(actor: Actor, offer: Offer) -> dict[str, Any]:
    """One offer as this actor sees it."""
    patent = offer.patent
    its_own = offer.holder_id in actor.holders or actor.is_staff
    return {
        **listed(offer, licence_counts([offer.id]).get(offer.id, 0)),
        **{name: getattr(offer, name) for name in _PLAIN},
        **{name: getattr(patent, name) for name in _OF_PATENT},
        "evidence_source": offer.verified_source,
        "filing_receipt": offer.filing_receipt if its_own else None,
        "pending": _pending(offer),
        "actions": [
            {
                "name": transition.action,
                "href": f"{shapes.BASE}/offers/{offer.id}/actions/{transition.action}",
                "schema": action_schemas()[transition.action],
            }
            for transition in listings.offered(actor, offer)
            if transition.action in ACTIONS
        ],
        "ipc": [one.symbol for one in patent.classes],
        "patent_expires_on": patent.expires_on,
        "holder": offer.holder.name,
        "payee": {
            "account_name": offer.payee_account_name,
            "bank": offer.payee_bank,
            "account": offer.payee_account,
        }
        if its_own and offer.payee_account
        else None,
        "beside": _beside(offer),
        **_preparing(actor, offer),
        "duty_to_withdraw": {"since": offer.duty_to_withdraw_since, "bars": list(offer.duty_bars)}
        if offer.duty_bars
        else None,
    }


def _beside(offer: Offer) -> dict[str, Any] | None:
    """What stands beside the declaration, as `Beside`."""
    details, faq = showcase.details_of(offer.id), showcase.faq(offer.id)
    if details is None and not faq:
        return None
    told = showcase.values_of(details or showcase.draft({}))
    names = ("question_zh", "question_en", "answer_zh", "answer_en")
    return {
        **told,
        "side_offers": [
            {**line, "price": shapes.money(line["price_minor"], line["currency"])}
            for line in told["side_offers"]
        ],
        "attachments": [
            {
                "kind": one.kind,
                "href": f"/offers/{offer.id}/attachments/{one.id}",
                "content_type": one.file.content_type,
                "alt_zh": one.alt_zh,
                "alt_en": one.alt_en,
            }
            for one in (details.attachments if details else ())
        ],
        "faq": [{name: getattr(row, name) for name in names} for row in faq],
        "updated_at": details.updated_at if details else None,
    }


def _preparing(actor: Actor, offer: Offer) -> dict[str, Any]:
    """Consents, price notice and papers, for whoever acts for the holder."""
    if not allowed(actor, "offer.papers", offer).allowed:
        return {"consents": None, "price_notice": None, "papers": None}
    rows = standing.consents_of(offer)
    said: list[tuple[str, str, Consent | None]] = [
        (one.organisation.name, one.state, one.consent) for one in standing.patentees(offer, rows)
    ]
    said += [
        (row.party_name, row.state, row) for row in rows if row.capacity == "pledgee" and row.state != "void"
    ]
    notice = standing.running_notice(offer)
    return {
        "consents": [
            {
                "party": name,
                "capacity": "patentee" if consent is None else consent.capacity,
                "state": state,
                "strength": consent and consent.strength,
                "answered_at": consent and consent.answered_at,
                "terms_sha256": consent and consent.terms_sha256,
                "reason": consent and consent.reason,
            }
            for name, state, consent in said
        ],
        "price_notice": notice
        and {
            **{name: getattr(notice, name) for name in ("starts_on", "ends_on", "days", "counting")},
            "objections": len(notice.objections),
            "undecided": sum(one.decision is None for one in notice.objections),
            "url": shapes.address(f"/price-notices/{notice.code}"),
        },
        "papers": [
            {
                "kind": kind,
                "format": form,
                "url": shapes.address(f"{shapes.BASE}/offers/{offer.id}/papers/{kind}.{form}"),
            }
            for kind in papers.possible(offer)
            for form in papers.FORMATS
        ],
    }


def _pending(offer: Offer) -> str | None:
    if offer.status == "withdrawal_filed":
        return "withdrawal"
    if offer.status == "announced" and offer.evidence != "verified":
        return "verification"
    return None


def action_schemas() -> Mapping[str, dict[str, Any]]:
    """The JSON Schema of the body of each action."""
    key = "marketplace.api.actions"
    if key not in current_app.extensions:
        converter = current_app.extensions["marketplace.api"].ma_plugin.converter
        current_app.extensions[key] = {
            name: converter.schema2jsonschema(schema()) for name, schema in ACTIONS.items()
        }
    schemas: dict[str, dict[str, Any]] = current_app.extensions[key]
    return schemas


# --- calls

_FILTERS: Final = {
    "ipc": "a place of the classification, such as H01M or H01M 10/05; all below included",
    "kind": "invention, utility_model or design",
    "district": "GB/T 2260 code of the first patentee in the region",
    "fee_form": "free, fixed, royalty_net_sales, royalty_profit or entry_plus_royalty",
    "owner_type": "university, institute, hospital, enterprise, individual or agency",
}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


SEARCH_PARAMETERS: Final = (
    _parameter(
        "q",
        'words, "phrases", -excluded words or -"phrases", patent numbers, or an IPC symbol',
        {"type": "string", "maxLength": 1000},
    ),
    *(
        _parameter(
            choice.parameter,
            f"{_FILTERS[choice.parameter]}; repeated values are alternatives",
            {"type": "array", "items": {"type": "string"}},
        )
        | {"style": "form", "explode": True}
        for choice in CHOICES
    ),
    _parameter(
        "exact",
        "`1`: the words as they are, without synonyms and titles of the classification",
        {"type": "string", "enum": ["1"]},
    ),
    _parameter(
        "fee_min",
        "in yuan, inclusive; free offers count as 0, pure royalties are left out",
        {"type": "number", "minimum": 0, "maximum": 999999999999},
    ),
    _parameter(
        "fee_max",
        "in yuan, inclusive; keeps free offers, leaves out pure royalties",
        {"type": "number", "minimum": 0, "maximum": 999999999999},
    ),
    _parameter("announced_from", "first day of the announcement", {"type": "string", "format": "date"}),
    _parameter("announced_to", "last day of the announcement", {"type": "string", "format": "date"}),
    _parameter("sort", "the order", {"type": "string", "enum": list(SORTS), "default": "relevance"}),
    _parameter("page", "from 1", {"type": "integer", "minimum": 1, "default": 1, "maximum": WINDOW}),
    _parameter(
        "size",
        f"page × size at most {WINDOW}",
        {"type": "integer", "minimum": 1, "default": DEFAULT_SIZE, "maximum": WINDOW},
    ),
)


@blueprint.call("GET", "/offers", query=SEARCH_PARAMETERS)
@access("public")
@blueprint.response(200, OfferPage)
def search_offers() -> dict[str, Any]:
    """Search live offers.

    Facets (ipc_section, ipc_class, kind, district, fee_form, owner_type, announced_month) count what the
    other filters leave.
    """
    try:
        result = search.search(request.args.to_dict(flat=False), nearest)
    except EngineUnavailable:
        looked_up = _looked_up()
        if looked_up is None:
            raise
        return looked_up
    _note("shown", [int(hit.document.id) for hit in result.page.items])
    return {
        "items": [found(hit) for hit in result.page.items],
        "total": result.page.total,
        "page": result.query.page,
        "size": result.query.size,
        "facets": {
            name: [{"value": one.value, "count": one.count} for one in counts]
            for name, counts in result.page.facets.items()
        },
        "engine": result.engine,
        "degraded": result.degraded,
        "as_of": result.as_of,
        "widened": [
            {"words": " ".join(one.words), "alternatives": one.alternatives, "ipc": one.places}
            for one in result.query.widened
        ],
        "relaxed": result.relaxed,
        "did_you_mean": result.did_you_mean,
        "without_filters": result.without_filters,
    }


def _looked_up() -> dict[str, Any] | None:
    """What the database knows where only numbers or IPC places are asked for, while no engine answers."""
    query = parse(request.args.to_dict(flat=False))
    there = look_up(query)
    if there is None:
        return None
    counts = licence_counts([offer.id for offer in there.offers])
    return {
        "items": [listed(offer, counts.get(offer.id, 0)) for offer in there.offers],
        "total": there.total,
        "page": query.page,
        "size": query.size,
        "facets": {},
        "engine": "database",
        "degraded": True,
        "as_of": clock.now(),
        "widened": [],
        "relaxed": None,
        "did_you_mean": None,
        "without_filters": 0,
    }


@blueprint.call("POST", "/offers")
@access("signed_in")
@blueprint.arguments(OfferSchema)
@blueprint.response(201, OfferWhole)
def draft_offer(values: dict[str, Any]) -> Response:
    """Draft a declaration on a patent that is known here.

    The fields are those of an import of offers. Number and date of the announcement are not taken over: they
    come with the action `announce`.
    """

    def act(actor: Actor) -> dict[str, Any]:
        patent = listings.find_patent(str(values["patent_number"]))
        return whole(actor, listings.draft_offer(actor, patent, values))

    return once(OfferWhole, act, status=201)


@blueprint.call("GET", "/offers/<offer_id>")
@access("public")
@blueprint.response(200, OfferWhole)
def get_offer(offer_id: str) -> Response:
    """One offer, with what this caller may do now."""
    actor = current_actor()
    offer = listings.get_offer(actor, offer_id)
    if offer.in_force_on(clock.today()):
        _note("opened", [offer.id])
    return json_answer(OfferWhole().dump(whole(actor, offer)))


_SENTENCES: Final = {
    "edit": "Change a declaration that is not filed yet; approvals and consent have to be given again.",
    "discard": "Discard a draft; it stays in the holder's list and can no longer be changed.",
    "submit_review": "Hand the draft to the institution's review.",
    "approve": "Approve the draft; each level of review does so.",
    "start_price_notice": "Begin the public notice of the price.",
    "ready": "State that all co-owners agree and the declaration is complete.",
    "file": "Record that it was filed with CNIPA.",
    "reopen": "Take back a filing that was recorded by mistake, while nothing has come back from CNIPA.",
    "announce": "Record CNIPA's announcement; by an operator it counts as verified.",
    "verify": "Confirm the announcement against the gazette (operator).",
    "refuse": "Record that CNIPA refused it.",
    "file_withdrawal": "Record that the withdrawal was filed; notices remain possible until it is announced.",
    "withdraw": "Record the announced withdrawal; licences taken before stand.",
    "revoke": "Record that CNIPA revoked it (operator).",
}


def _paper(form: str, content_type: str) -> Callable[..., Response]:
    """The view of papers in one format."""

    @access("signed_in")
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type=content_type)
    def view(offer_id: str, kind: str) -> Response:
        actor = current_actor()
        made = papers.make(actor, listings.get_offer(actor, offer_id), kind, form)
        response = Response(made.content, content_type=made.content_type)
        response.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
        return response

    view.__name__ = f"get_paper_{form}"
    view.__doc__ = (
        f"A paper of an own offer as {form.upper()}: `declaration`, `checklist` or, in force, `withdrawal`."
    )
    return view


def _step(action: str, schema: type[ma.Schema]) -> Callable[..., Response]:
    """The view of one action."""

    @access("signed_in")
    @blueprint.arguments(schema, required=bool(_required(schema)))
    @blueprint.response(200, OfferWhole)
    def view(values: dict[str, Any], offer_id: str) -> Response:
        def act(actor: Actor) -> dict[str, Any]:
            offer = listings.get_offer(actor, offer_id)
            if "If-Match" in request.headers:
                # Held before the comparison, in the order of locks, so that nobody comes between.
                lock(Patent, offer.patent_id)
                check_version(lock(Offer, offer.id).version)
            offer = listings.act(actor, offer.id, action, values)
            return whole(actor, offer)

        return once(OfferWhole, act)

    view.__name__ = f"{action}_offer"
    view.__doc__ = _SENTENCES[action]
    return view


def _note(kind: str, offer_ids: list[int]) -> None:
    activity.note(kind, offer_ids, "api", current_actor(), request.headers.get("User-Agent"))


def _required(schema: type[ma.Schema]) -> list[str]:
    return [name for name, field in schema().fields.items() if field.required]


for _action, _schema in ACTIONS.items():
    blueprint.call("POST", f"/offers/<offer_id>/actions/{_action}", conditional=True)(_step(_action, _schema))

for _form, _content_type in papers.FORMATS.items():
    blueprint.call("GET", f"/offers/<offer_id>/papers/<kind>.{_form}")(_paper(_form, _content_type))
