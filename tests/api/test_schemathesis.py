"""schemathesis drives every call of the served document with real tokens: nothing breaks, answers conform.

Bodies and parameters are made from the document, right ones and wrong ones; half of the ids are real.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.extensions import limiter
from tests.api.conftest import World, build_world, ok
from tests.conftest import NOW, Databases, settings_for
from tests.deals.conftest import pointed_at

EXAMPLES = {"sqlite": 10, "postgresql": 4}  # what a call answers hardly depends on the database
CALLERS = ("visitor", "firm", "holder", "operator")


class Driven:
    """An application with something of everything, and the real ids in it by parameter."""

    def __init__(self, world: World, examples: int) -> None:
        self.world = world
        self.examples = examples
        paid, free = world.offer(), world.offer(fee_form="free", fee_minor=None, channels=[])
        number = world.patent()
        draft = ok(world.holder.post("/offers", {"patent_number": number}), 201)
        world.index()
        firm = world.firm
        notice = ok(firm.post(f"/offers/{paid}/notices"), 201)
        payment = ok(firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
        licence = ok(firm.get(f"/licences/{ok(firm.post(f'/offers/{free}/notices'), 201)['licence_id']}"))
        clause = ok(world.holder.post(f"/offers/{free}/clauses", {"kind": "support", "text": "示例"}), 201)
        abroad = {"seat": "DE", "technology": "unsure"}
        waiting = ok(firm.post(f"/offers/{world.offer()}/notices", abroad), 201)
        demand = ok(firm.post("/demands", {"title": "示例需求", "description": "示例装置"}), 201)
        answer = ok(world.holder.post(f"/demands/{demand['id']}/answers", {"text": "示例答复"}), 201)
        self.known = {
            "answer_id": [answer["id"]],
            "offer_id": [paid, free, draft["id"]],
            "number": [number],
            "notice_id": [notice["id"], waiting["id"]],
            "clause_id": [clause["id"]],
            "payment_id": [payment["id"]],
            "licence_id": [licence["id"]],
            "code": [licence["certificate_code"]],
            "demand_id": [demand["id"]],
            "figure": ["funnel", "conversion", "stock", "quick-licence", "deal-speed"],
            "case_id": ["1"],
        }
        self.schema = schemathesis.openapi.from_wsgi("/openapi.json", world.app)


@pytest.fixture(scope="module")
def driven(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, stripe_mock_url: str
) -> Iterator[Driven]:
    """One application per kind of database; the calls change it as they like."""
    folder: Path = tmp_path_factory.mktemp("driven")
    app = create_app(settings_for(databases.copy(), folder))
    clock.set_now(NOW)
    before, limiter.enabled = limiter.enabled, False
    with pointed_at(app, stripe_mock_url):
        yield Driven(build_world(app), EXAMPLES[databases.kind])
    limiter.enabled = before
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_every_call_holds_what_the_document_promises(driven: Driven) -> None:
    drive_all(driven, GenerationMode.POSITIVE)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # what is wrong does not come to a database
def test_every_call_refuses_what_is_wrong_as_the_document_says(driven: Driven) -> None:
    drive_all(driven, GenerationMode.NEGATIVE)


def drive_all(driven: Driven, mode: GenerationMode) -> None:
    """Make some calls of every operation."""
    failures, driven_calls = [], 0
    for result in driven.schema.get_all_operations():
        operation = result.ok()
        driven_calls += 1
        try:
            drive(driven, operation, mode)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing about this call can be wrong
        except Exception as error:
            failures.append(f"{operation.label}: {error}")
    assert driven_calls >= 40
    assert not failures, "\n\n".join(failures)


def drive(driven: Driven, operation: schemathesis.schemas.APIOperation, mode: GenerationMode) -> None:
    """Make some calls of one operation and hold each answer against the document."""

    @seed(1)
    @settings(
        max_examples=driven.examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.data())
    def run(case: schemathesis.Case, real: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if name in driven.known and real.draw(st.booleans()):
                case.path_parameters[name] = real.draw(st.sampled_from(driven.known[name]))
        caller = getattr(driven.world, real.draw(st.sampled_from(CALLERS)))
        response = case.call(headers={"Authorization": f"Bearer {caller.token}"} if caller.token else {})
        case.validate_response(
            response,
            checks=[
                schemathesis.checks.not_a_server_error,
                *(
                    getattr(schemathesis.specs.openapi.checks, name)
                    for name in (
                        "status_code_conformance",
                        "content_type_conformance",
                        "response_schema_conformance",
                        "response_headers_conformance",
                        "allow_header_conformance",
                    )
                ),
            ],
        )

    run()
