"""Papers with legal weight: PDF/A from typst templates, their wording, and the platform's seal on them."""

from .rendering import FONTS, MissingGlyph, qr_code, render
from .wording import content_digest

__all__ = ["FONTS", "MissingGlyph", "content_digest", "qr_code", "render"]
