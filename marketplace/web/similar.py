"""Offers like the one on the page, brought after it: a page waits for no search."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.listings.services import offers
from marketplace.matching.similar import similar
from marketplace.search.engine import EngineUnavailable
from marketplace.statistics import activity

log = logging.getLogger(__name__)
blueprint = Blueprint("similar", __name__, url_prefix="/offers")


@blueprint.get("/<int:offer_id>/similar")
@access("public")
def show(offer_id: int) -> ResponseReturnValue:
    """A part of the offer's page for the script, a page of its own for the link.

    While search is away the part is empty, and the offer's page goes without it.
    """
    actor = current_actor()
    offer = offers.get_offer(actor, offer_id)
    in_page = request.headers.get("HX-Request") == "true"
    try:
        found, source = similar(offer)
    except EngineUnavailable as error:
        if not in_page:
            raise
        log.warning("similar offers left out", extra={"offer": offer_id, "error": error.detail})
        return _varied(make_response(""))
    activity.note("shown", [one.offer.id for one in found], "web", actor, request.user_agent.string)
    template = "offers/similar_part.html" if in_page else "offers/similar.html"
    return _varied(make_response(render_template(template, offer=offer, found=found, source=source)))


def _varied(response: Response) -> Response:
    response.vary.add("HX-Request")
    return response
