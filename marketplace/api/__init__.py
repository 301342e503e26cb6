"""REST for machines, below /api/v1: thin views over the same services that the pages use."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Flask, current_app, request
from flask_limiter.util import get_remote_address

import config
from marketplace.extensions import csrf, limiter

from . import (
    annuities,
    audit,
    bundles,
    comparing,
    demand_accesses,
    demand_answers,
    demands,
    disputes,
    documents,
    harvest,
    interests,
    licences,
    mirrored,
    money,
    negotiated,
    notices,
    offers,
    open_data,
    orders,
    patents,
    pricing,
    problems,
    proofs,
    quarantine,
    recordals,
    reference,
    refunds,
    reports,
    royalties,
    saved_searches,
    shares,
    statistics,
    stock,
    suggest,
    supervision,
    webhook_endpoints,
)

# In the order of the document.
PARTS: Final = (
    offers.blueprint,
    suggest.blueprint,
    comparing.blueprint,
    saved_searches.blueprint,
    patents.blueprint,
    stock.blueprint,
    pricing.blueprint,
    annuities.blueprint,
    demands.blueprint,
    demand_answers.blueprint,
    demand_accesses.blueprint,
    interests.blueprint,
    notices.blueprint,
    proofs.blueprint,
    bundles.blueprint,
    licences.blueprint,
    recordals.blueprint,
    royalties.blueprint,
    shares.blueprint,
    disputes.blueprint,
    supervision.blueprint,
    audit.blueprint,
    negotiated.blueprint,
    orders.blueprint,
    quarantine.blueprint,
    refunds.blueprint,
    money.blueprint,
    statistics.blueprint,
    reports.blueprint,
    open_data.blueprint,
    harvest.blueprint,
    mirrored.blueprint,
    webhook_endpoints.blueprint,
)
RATE: Final = "6000 per minute"


def init_app(app: Flask, _settings: config.Settings) -> None:
    """Register the API, its document and the answerer for its errors."""
    app.config.setdefault("API_RATE_LIMIT", RATE)
    app.extensions["marketplace.problem"] = problems.answer
    api = documents.configure(app)
    app.extensions["marketplace.api"] = api
    for blueprint in PARTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(reference.blueprint)


def _caller() -> str:
    """Whose calls are counted together: those of one token, else of one address."""
    token = request.headers.get("Authorization")
    return hashlib.sha256(token.encode()).hexdigest() if token else get_remote_address()


def _rate() -> str:
    rate: str = current_app.config["API_RATE_LIMIT"]
    return rate


# Once, and not for each application: the limiter is one for all of them and would add the limits up.
for _blueprint in PARTS:
    # Bearer tokens only: no cookie is looked at, so there is nothing to forge.
    csrf.exempt(_blueprint)
    limiter.limit(_rate, key_func=_caller)(_blueprint)
