"""Pages for people."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

import config

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
    "recommendations",
    "holder",
    "workbench",
    "operator",
    "account",
    "people",
    "webhooks",
    "mail_choices",
)


def init_app(app: Flask, settings: config.Settings) -> None:
    """Register the pages, their error pages and the operations endpoints."""
    shell.init_app(app)
    security.init_app(app, settings)
    errors.init_app(app)
    for module in (assets, security, shell, operations):
        app.register_blueprint(module.blueprint)
    for name in PAGES:
        app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)
