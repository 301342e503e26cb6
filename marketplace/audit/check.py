"""Checks an exported trace with Python alone: python3 check.py, in the folder of the unpacked ZIP."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ORDER = ["number", "recorded_at", "occurred_on", "origin", "action", "subject_type", "subject_id"]
ORDER += ["subject_version", "actor_id", "organisation_id", "request_id", "data"]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def plain(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def problems() -> Iterator[str]:
    for name, digest in json.loads((HERE / "files.json").read_text("utf-8")).items():
        path = HERE / name
        if not path.is_file() or sha(path.read_bytes()).hex() != digest:
            yield f"{name}: missing or changed"
    anchors: dict[int, dict[str, Any]] = {}
    before: dict[str, Any] | None = None
    for anchor in json.loads((HERE / "anchors.json").read_text("utf-8")):
        body = {key: value for key, value in anchor.items() if key not in ("digest", "token")}
        if sha(plain(body)).hex() != anchor["digest"]:
            yield f"anchor {anchor['number']}: changed"
        if before and (anchor["previous"], anchor["number"]) != (before["digest"], before["number"] + 1):
            yield f"anchor {anchor['number']}: does not follow the one before"
        if anchor["token"] and bytes.fromhex(anchor["digest"]) not in (HERE / anchor["token"]).read_bytes():
            yield f"anchor {anchor['number']}: its time-stamp is about something else"
        anchors[anchor["number"]] = before = anchor
    for line in (HERE / "entries.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        seal = sha(bytes.fromhex(entry["previous_seal"]) + plain([entry[name] for name in ORDER]))
        if seal.hex() != entry["seal"]:
            yield f"entry {entry['number']}: changed"
        node = sha(b"\0" + seal)
        for side, other in entry["path"]:
            pair = (bytes.fromhex(other), node) if side == "left" else (node, bytes.fromhex(other))
            node = sha(b"\1" + pair[0] + pair[1])
        if node.hex() != anchors.get(entry["anchor"], {}).get("root"):
            yield f"entry {entry['number']}: is not under its anchor"


try:
    found = list(problems())
except (OSError, ValueError, KeyError, TypeError) as error:
    found = [f"cannot be read: {error!r}"]
print("\n".join(found) or "Everything holds.")
sys.exit(1 if found else 0)
