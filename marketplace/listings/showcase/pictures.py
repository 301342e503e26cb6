"""Pictures made safe for publication: decoded, turned upright, made smaller, and written anew.

What is written anew carries no metadata: a photograph's place, time and camera stay with the holder.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from marketplace.core.errors import Invalid
from marketplace.core.files import checked_upload

LONGEST_SIDE = 1600  # pixels
MOST_PIXELS = 40_000_000


@dataclass(frozen=True)
class Upload:
    """A file that may be shown: its kind (`picture` or `document`), bytes, and a picture's size in pixels."""

    kind: str
    content: bytes
    content_type: str
    width: int | None = None
    height: int | None = None


def prepare(content: bytes) -> Upload:
    """Check an upload by its bytes, and write a picture anew. Slow: call it outside a unit of work.

    Raises:
        Invalid: `file-empty`, `file-too-large`, `file-type`, `picture-too-large` (40 million pixels) or
            `picture-unreadable`.
    """
    content_type = checked_upload(content)
    if content_type == "application/pdf":
        return Upload("document", content, content_type)
    try:
        # Pillow's own limit only warns; the size is known before anything is decoded.
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as source:
            if source.width * source.height > MOST_PIXELS:
                raise Invalid("picture-too-large", "The picture has more than 40 million pixels.")
            upright = ImageOps.exif_transpose(source)
            transparent = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            picture = upright.convert("RGBA" if transparent else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Invalid("picture-unreadable", "The picture cannot be read.") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # A new canvas: `info` of the old one would carry text chunks and profiles into the file.
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    written = io.BytesIO()
    if content_type == "image/png":
        clean.save(written, "PNG", optimize=True)
    else:
        clean.save(written, "JPEG", quality=85, optimize=True)
    return Upload("picture", written.getvalue(), content_type, clean.width, clean.height)
