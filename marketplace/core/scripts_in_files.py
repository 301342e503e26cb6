"""Whether a PDF brings a script or starts a program: such a file is not taken from anybody.

Looks where actions can stand and nowhere else: outside streams, and inside object streams, which are inflated
up to a limit. So a damaged file is looked at as well as a whole one, and a picture's bytes raise no alarm.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

LARGEST_INFLATED: Final = 32 * 1024 * 1024  # bytes of all object streams together
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
# ISO 32000-1 §12.6.4: actions that run JavaScript, start a program or send the form somewhere.
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|SubmitForm|ImportData|RichMedia|Rendition)(?=[\s/<(\[>\]])")
_OBJECTS = re.compile(rb"/Type\s*/ObjStm")


def brings_scripts(pdf: bytes) -> bool:
    """Whether a PDF holds an action that runs something; also one that inflates beyond all measure."""
    room = LARGEST_INFLATED
    plain, last = [], 0
    for found in _STREAM.finditer(pdf):
        head = pdf[last : found.start()]
        plain.append(head)
        last = found.end()
        # The stream's own dictionary is what stands right before it.
        if not _OBJECTS.search(_named(head[head.rfind(b" obj") :])):
            continue
        inflater = zlib.decompressobj()
        try:
            inflated = inflater.decompress(found.group(1), room)
        except zlib.error:
            continue
        if inflater.unconsumed_tail:
            return True
        room -= len(inflated)
        plain.append(inflated)
    plain.append(pdf[last:])
    return _ACTIVE.search(_named(b"\n".join(plain))) is not None


def _named(text: bytes) -> bytes:
    """With the hexadecimal escapes of names written out, so that /J#53 is /JS."""
    return _ESCAPE.sub(lambda found: bytes([int(found.group(1), 16)]), text)
