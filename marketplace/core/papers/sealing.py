"""The platform's seal: whose key it is, and where fonts for rare characters come from.

The seal says that the platform made this content at this time. It is nobody else's signature.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import current_app

from config import Settings
from marketplace.core.lazily import Lazily

if TYPE_CHECKING:
    from . import signing
else:
    signing = Lazily("marketplace.core.papers.signing")

ISSUER: Final = "专利开放许可交易平台"
_KEY: Final = "marketplace.signer"


def settings() -> Settings:
    """The settings of the present application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def fallback_fonts() -> Path | None:
    """The folder where an operator puts fonts for rare characters, if there is one."""
    folder = settings().instance_dir / "fonts"
    return folder if folder.is_dir() else None


def signer() -> signing.Signer:
    """The platform's seal: the configured certificate, or the demonstration's own."""
    if _KEY not in current_app.extensions:
        configured = settings().signing_certificate
        path, password = (
            (Path(configured), settings().signing_password)
            if configured
            else signing.demo_certificate(settings().instance_dir)
        )
        current_app.extensions[_KEY] = signing.Signer(path, password, fallback_fonts())
    found: signing.Signer = current_app.extensions[_KEY]
    return found


def seal(pdf: bytes, reason: str, *, others_sign: bool = False) -> bytes:
    """The paper with the platform's signature.

    Args:
        reason: shown in the stamp; short, without personal data.
        others_sign: whether the parties may sign the file after it.
    """
    return signer().sign(pdf, reason, "", ISSUER, others_sign=others_sign)
