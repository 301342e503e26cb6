"""Evidence, export check and further clauses of a notice by API, each answer held against the document."""

from __future__ import annotations

import hashlib
import io

from marketplace.core import clock
from tests.api.conftest import Caller, World, ok, problem

ABROAD = {"contact": "a@example.org", "seat": "DE", "technology": "unsure"}


def serve(world: World, offer: str, body: dict, caller: Caller | None = None) -> dict:
    return ok((caller or world.firm).post(f"/offers/{offer}/notices", body), 201)


def free_offer(world: World) -> str:
    return world.offer(fee_form="free", fee_minor=None, channels=[])


def test_evidence_is_for_both_sides_and_names_the_document_that_it_is_about(world: World) -> None:
    notice = serve(world, free_offer(world), {})
    path = f"/notices/{notice['id']}"
    found = ok(world.holder.get(f"{path}/evidence"))
    assert (found["sha256"], found["form"], found["capacity"]) == (notice["sha256"], "online", "member")
    document = world.holder.get(found["document_url"]).data
    assert hashlib.sha256(document).hexdigest() == found["sha256"]
    assert found["time_stamp"] is found["service_proof_url"] is None
    problem(world.firm.get(f"{path}/time-stamp"), 404, "time-stamp-none")
    problem(world.firm.get(f"{path}/service-proof"), 404, "file-missing")
    problem(world.firm.get(f"{path}/export-check"), 404, "export-check-none")
    for part in ("evidence", "time-stamp", "service-proof", "export-check", "clauses"):
        problem(world.other.get(f"{path}/{part}"), 404, "not-found")


def test_clauses_are_offered_in_public_and_accepted_with_the_notice_or_later(world: World) -> None:
    offer = free_offer(world)
    wanted = {"kind": "use_reports", "text": "每年报告", "text_en": "A report a year"}
    problem(world.firm.post(f"/offers/{offer}/clauses", wanted), 403, "forbidden")
    first = ok(world.holder.post(f"/offers/{offer}/clauses", wanted), 201)
    second = ok(world.holder.post(f"/offers/{offer}/clauses", wanted | {"kind": "support"}), 201)
    listed = ok(world.visitor.get(f"/offers/{offer}/clauses"))["items"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    notice = serve(world, offer, {"clauses": [first["id"]]})
    assert notice["licence_id"]
    path = f"/notices/{notice['id']}"
    accept = {"clause_id": second["id"]}
    problem(world.holder.post(f"{path}/actions/accept_clause", accept), 403, "forbidden")
    both = ok(world.firm.post(f"{path}/actions/accept_clause", accept))
    assert [one["clause"]["id"] for one in both["accepted"]] == [first["id"], second["id"]]
    problem(world.firm.post(f"{path}/actions/accept_clause", accept), 409, "clause-accepted")
    withdrawn = ok(world.holder.post(f"/clauses/{first['id']}/actions/withdraw"))
    assert withdrawn["state"] == "withdrawn"
    problem(world.holder.post(f"/clauses/{first['id']}/actions/withdraw"), 409, "clause-withdrawn")
    assert ok(world.holder.get(f"{path}/clauses"))["accepted"] == [
        {**one, "clause": {**one["clause"], **(withdrawn if one["clause"]["id"] == first["id"] else {})}}
        for one in both["accepted"]
    ]


def test_restricted_technology_waits_for_the_export_licence_and_its_copy_is_kept(world: World) -> None:
    notice = serve(world, free_offer(world), ABROAD)
    check = f"/notices/{notice['id']}/export-check"
    found = ok(world.firm.get(check))
    assert (found["state"], found["waits"], found["actions"]) == ("asked", True, [])
    assert found["due_on"] == clock.working_days_after(clock.today(), 10).date.isoformat()
    assert ok(world.holder.get(check))["actions"] == ["answer"]
    problem(world.firm.post(f"{check}/actions/answer", {"answer": "free"}), 403, "forbidden")
    licence = {"number": "XK-1", "on": clock.today().isoformat()}
    problem(world.firm.post(f"{check}/actions/note_licence", licence), 409, "export-not-restricted")
    said = ok(world.holder.post(f"{check}/actions/answer", {"answer": "restricted", "note": "目录 1"}))
    assert (said["state"], said["note"]) == ("restricted", "目录 1")
    copy = f"{check}/actions/licence_copy"
    problem(world.firm.post(copy, data=_file()), 409, "export-licence-none")
    done = ok(world.firm.post(f"{check}/actions/note_licence", licence))
    assert (done["state"], done["waits"], done["due_on"]) == ("licensed", False, None)
    assert ok(world.firm.post(copy, data=_file()))["has_licence_copy"]
    assert ok(world.firm.get(f"/notices/{notice['id']}"))["state"] == "paid"
    problem(world.holder.post(f"{check}/actions/answer", {"answer": "free"}), 409, "export-settled")


def test_a_ban_refuses_the_notice_and_what_was_stated_for_all_settles_the_next_one(world: World) -> None:
    offer = free_offer(world)
    notice = serve(world, offer, ABROAD)
    check = f"/notices/{notice['id']}/export-check"
    assert ok(world.operator.post(f"{check}/actions/answer", {"answer": "banned"}))["state"] == "banned"
    assert ok(world.firm.get(f"/notices/{notice['id']}"))["state"] == "refused"
    stated = f"/offers/{offer}/technology-class"
    problem(world.firm.post(stated, {"answer": "free"}), 403, "forbidden")
    assert ok(world.holder.post(stated, {"answer": "free"}))["answer"] == "free"
    second = serve(world, offer, ABROAD)
    assert second["licence_id"]
    check = f"/notices/{second['id']}/export-check"
    noted = {"number": "DJ-1", "on": clock.today().isoformat()}
    assert ok(world.firm.post(f"{check}/actions/note_registration", noted))["registration_number"] == "DJ-1"


def _file() -> dict:
    return {"file": (io.BytesIO(b"%PDF-1.7 an invented licence"), "licence.pdf")}
