"""The application factory: an ordered list of what is wired, journal readers included."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from flask import Flask

import config
from marketplace import api, web
from marketplace.core import clock, importing, permissions
from marketplace.core.database import db, tune
from marketplace.core.files import FileStore
from marketplace.core.logging import configure_logging, init_request_log
from marketplace.core.mailer import Mailer
from marketplace.core.worker import Work
from marketplace.extensions import Migrations, babel, csrf, limiter, login_manager, no_needless_wait
from marketplace.statistics.reports.services import GROUP_NAMES
from marketplace.web.groups import group_name

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# Bottom first. A domain may bring `policies.RULES` and `work` (TASKS, SCHEDULES, readers).
WITH_MODELS = (
    "accounts",
    "accounts.mailing",
    "accounts.access_log",
    "listings",
    "listings.consents",
    "listings.showcase",
    "listings.stocktaking",
    "listings.changes",
    "listings.mirrored",
    "deals",
    "deals.recordals",
    "deals.statements",
    "deals.disputes",
    "deals.negotiated",
    "deals.orders",
    "deals.bundles",
    "deals.evidence",
    "deals.clauses",
    "deals.export_control",
    "deals.royalties",
    "deals.shares",
    "pricing",
    "demands",
    "search",
    "search.saved",
    "matching",
    "statistics",
    "statistics.reports",
    "audit",
    "notifications",
    "notifications.hooks",
)
WITH_POLICIES = (
    "accounts",
    "accounts.mailing",
    "listings",
    "listings.changes",
    "listings.gazette",
    "listings.mirrored",
    "listings.showcase",
    "listings.stocktaking",
    "deals",
    "deals.recordals",
    "deals.statements",
    "deals.bundles",
    "deals.evidence",
    "deals.clauses",
    "deals.export_control",
    "deals.royalties",
    "deals.shares",
    "deals.disputes",
    "deals.negotiated",
    "deals.orders",
    "pricing",
    "demands",
    "search",
    "search.saved",
    "matching",
    "statistics",
    "statistics.reports",
    "audit",
    "supervision",
    "notifications",
    "notifications.hooks",
)
WITH_IMPORTS = (
    "accounts",
    "listings",
    "listings.stocktaking",
    "deals",
    "deals.recordals",
    "deals.statements",
    "pricing",
    "demands",
    "search",
    "matching",
)
WITH_WORK = (
    "core",
    "accounts",
    "accounts.mailing",
    "listings",
    "listings.showcase",
    "listings.stocktaking",
    "listings.changes",
    "deals",
    "deals.bundles",
    "deals.royalties",
    "deals.shares",
    "deals.disputes",
    "deals.orders",
    "demands",
    "search",
    "search.saved",
    "matching",
    "statistics",
    "statistics.reports",
    "audit",
    "supervision",
    "notifications",
    "notifications.hooks",
)


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application for these settings (by default: the environment's).

    Raises:
        config.SettingsError: a setting cannot be used.
    """
    settings = settings or config.Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    for wire in WIRING:
        wire(app, settings)
    return app


def _configure(app: Flask, settings: config.Settings) -> None:
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.production,
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        RATELIMIT_STORAGE_URI=settings.rate_limit_url,
    )
    clock.set_now(settings.now)
    configure_logging(json_lines=settings.production)
    init_request_log(app)
    web.operations.observe(app)


def _database(app: Flask, _settings: config.Settings) -> None:
    for name in WITH_MODELS:
        import_module(f"marketplace.{name}.models")
    db.init_app(app)
    Migrations(app, MIGRATIONS)
    with app.app_context():
        tune(db.engine)


def _parts(app: Flask, settings: config.Settings) -> None:
    app.extensions["marketplace.files"] = FileStore(settings.files_url)
    app.extensions["marketplace.mailer"] = Mailer(settings.mail_url, settings.mail_from)


def _extensions(app: Flask, _settings: config.Settings) -> None:
    login_manager.init_app(app)
    csrf.init_app(app)
    app.after_request(no_needless_wait)  # registered before the limiter, so it runs behind it
    limiter.init_app(app)
    babel.init_app(app, locale_selector=web.locale.select)


def _domains(app: Flask, _settings: config.Settings) -> None:
    work = Work()
    for name in WITH_POLICIES:
        permissions.register(import_module(f"marketplace.{name}.policies").RULES)
    for name in WITH_IMPORTS:
        importing.register(import_module(f"marketplace.{name}.imports").IMPORTS)
    for name in WITH_WORK:
        module = import_module(f"marketplace.{name}.work")
        work.tasks.update(module.TASKS)
        work.schedules.extend(module.SCHEDULES)
        work.retentions.extend(getattr(module, "RETENTIONS", ()))
        if hasattr(module, "readers"):
            work.readers.append(module.readers)
    app.extensions["marketplace.work"] = work


def _entry_points(app: Flask, settings: config.Settings) -> None:
    api.init_app(app, settings)
    web.init_app(app, settings)
    # Reports are also written by the worker, with the names that pages give to groups.
    app.extensions[GROUP_NAMES] = group_name


WIRING: tuple[Callable[[Flask, config.Settings], None], ...] = (
    _configure,
    _database,
    _parts,
    _extensions,
    _domains,
    _entry_points,
)
