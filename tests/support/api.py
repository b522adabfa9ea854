"""Requests to the API, with responses validated against its OpenAPI document."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ACTIVATION = "/api/v1/campaigns/stay/activation"


def bearer(word: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {word}"}


def problem_of(answer, status: int) -> dict:
    """Return the body after checking that it is an RFC 9457 problem of this status."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body = json.loads(answer.data)
    assert body["status"] == status
    assert body["type"] and body["title"]
    return body


def document(world) -> dict:
    return world.app.test_client().get("/api/openapi.json").get_json()


def check_against(spec: dict, pointer: str, value: object) -> None:
    """Validate a value against a schema of the OpenAPI document, including formats."""
    registry = Registry().with_resource(
        "urn:spec", Resource(contents=spec, specification=DRAFT202012)
    )
    OAS31Validator(
        {"$ref": f"urn:spec#{pointer}"},
        registry=registry,
        format_checker=OAS31Validator.FORMAT_CHECKER,
    ).validate(value)


# Days.


def act_at(world, zone: str, *moments: str) -> None:
    for moment in moments:
        at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        world.act("signature", email=f"{moment}@example.org".replace(":", "."), at=at)
    world.drain()
