"""Pages for people."""

from __future__ import annotations

from importlib import import_module

from flask import Flask, Response, request

import config
from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.identity import current_actor
from marketplace.core.unit_of_work import unit_of_work

from . import assets, errors, locale, operations, security, shell

__all__ = ["init_app", "locale", "operations"]

# Modules with a `blueprint`, in the order of the site.
PAGES = (
    "home",
    "offers",
    "saved_searches",
    "mails",
    "compare",
    "similar",
    "export",
    "showcase",
    "questions",
    "licensing",
    "recordals",
    "register",
    "annuities",
    "bundles",
    "bundle_transfers",
    "proofs",
    "records",
    "royalties",
    "shares",
    "disputes",
    "negotiated",
    "orders",
    "certificates",
    "consents",
    "demands",
    "mirrored",
    "feeds",
    "inbox",
    "bureau",
    "public_statistics",
    "traces",
    "accesses",
    "recommendations",
    "holder",
    "workbench",
    "operator",
    "account",
    "people",
    "webhooks",
    "mail_choices",
)


def write_accesses(response: Response) -> Response:
    """Write who was shown personal data in this request, by a page or a call, before the answer leaves."""
    if access_log.pending():
        with unit_of_work(current_actor()):
            access_log.write("api" if request.path.startswith("/api/") else "page")
    return response


def init_app(app: Flask, settings: config.Settings) -> None:
    """Register the pages, their error pages and the operations endpoints."""
    app.after_request(write_accesses)
    shell.init_app(app)
    security.init_app(app, settings)
    errors.init_app(app)
    for module in (assets, security, shell, operations):
        app.register_blueprint(module.blueprint)
    for name in PAGES:
        app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)
