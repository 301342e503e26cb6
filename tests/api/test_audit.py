"""A matter's history leaves by API as a ZIP, with a reason, for the bureau only."""

from __future__ import annotations

import io
import zipfile

from tests.api.conftest import World, ok, problem


def test_the_bureau_exports_a_licence_with_a_reason_and_a_party_does_not(world: World) -> None:
    offer = world.offer(fee_form="free", fee_minor=None, channels=[], payment_text="免费")
    licence = ok(world.firm.post(f"/offers/{offer}/notices"), 201)["licence_id"]
    asked = {"kind": "licence", "id": int(licence), "reason": "案号 1", "language": "en"}
    answer = world.bureau.post("/audit/exports", asked)
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert {"check.py", "entries.jsonl", "anchors.json", "trace.pdf"} <= set(packed.namelist())
    problem(world.firm.post("/audit/exports", asked), 403, "forbidden")
    problem(world.bureau.post("/audit/exports", asked | {"reason": "  "}), 422, "reason-missing")
    problem(world.bureau.post("/audit/exports", asked | {"id": 10**15}), 404, "trace-unknown")
    problem(world.bureau.post("/audit/exports", asked | {"kind": "person"}), 422, "request-invalid")
