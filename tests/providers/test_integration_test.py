"""Test deliveries look like the tool's own: they are verified and parsed, and carry the code.

The libraries of Stripe, Twilio and Standard Webhooks check the signatures, so that an adapter that
signs and verifies with the same mistake is found.
"""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import standardwebhooks
import stripe
from twilio.request_validator import RequestValidator

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Delivery, StatementType
from advocacy.providers import BY_SLUG, PROVIDERS, generic, mappings, nationbuilder
from tests.support.counterparts import (
    BOTH,
    CLICK,
    CODE,
    COUNTERPARTS,
    FORM_MAPPING,
    NOW,
    Counterpart,
)

PAGE = "https://act.example.org/trees?url=https%3A%2F%2Fx.example.org&empty=&keep=%C3%A9#part"
URL = "https://track.example.org/webhooks/k3y"
NAME = "rehearsal-0198c0ffee"
every_provider = pytest.mark.parametrize("tool", COUNTERPARTS.values(), ids=COUNTERPARTS.keys())


def landing_of(tool: Counterpart, click_id: str = CLICK) -> str:
    if tool.slug == "generic":
        return generic.destination(PAGE, CODE, click_id, tool.setup["mapping"])
    return tool.provider.destination(PAGE, CODE, click_id)


def sample(tool: Counterpart, landing: str = "", name: str = NAME, **setup: Any) -> Delivery:
    return tool.provider.sample_delivery(
        landing or landing_of(tool), tool.secret, name, NOW, {**tool.setup, **setup}, URL
    )


def read(tool: Counterpart, delivery: Delivery) -> list[ActionEvent]:
    """Return the actions that a delivery reports."""
    secrets = [tool.secret] if tool.secret else []
    events = tool.provider.parse(tool.provider.verify(delivery, secrets, NOW))
    return [event for event in events if event.said is StatementType.CREATED]


def carried(tool: Counterpart, delivery: Delivery) -> set[tuple[str, str]]:
    return {(event.code, event.click_id) for event in read(tool, delivery)}


def test_every_provider_and_every_mapping_is_tested() -> None:
    played = [tool.setup.get("mapping") for tool in COUNTERPARTS.values()]
    assert all(mappings.get(name) in played for name in mappings.names())
    assert all(
        provider.CODE_PARAMETERS and len(provider.CODE_PARAMETERS) < 60 for provider in PROVIDERS
    )


@every_provider
def test_code_and_click_id_come_back(tool: Counterpart) -> None:
    delivery = sample(tool)
    assert delivery.headers["content-type"]
    assert all(name == name.lower() and value for name, value in delivery.headers.items())
    assert delivery.url.startswith(URL) and delivery.setup == tool.setup
    # NationBuilder only has the page's tracking code, which staff set and which has no click id.
    click_id = "" if tool.provider is BY_SLUG["nationbuilder"] else CLICK
    assert (CODE, click_id) in carried(tool, delivery)


@every_provider
def test_a_code_without_a_click_id_comes_back(tool: Counterpart) -> None:
    assert (CODE, "") in carried(tool, sample(tool, landing_of(tool, "")))


@every_provider
def test_without_a_code_none_comes_back(tool: Counterpart) -> None:
    assert carried(tool, sample(tool, "https://act.example.org/")) == {("", "")}


@every_provider
def test_another_secret_is_refused(tool: Counterpart) -> None:
    if tool.secret:
        for secrets in (["another"], [""], ["x" + tool.secret], [tool.other_secret]):
            with pytest.raises(Refused):
                tool.provider.verify(sample(tool), secrets, NOW)


@every_provider
def test_a_test_delivery_depends_on_its_arguments_only(tool: Counterpart) -> None:
    assert sample(tool) == sample(tool)
    names, actions = set(), set()
    for which in (NAME, "rehearsal-2", "rehearsal-3"):
        delivery = sample(tool, name=which)
        names.add(tool.provider.external_id(tool.provider.verify(delivery, [tool.secret], NOW)))
        actions |= {event.external_id for event in read(tool, delivery)}
    assert len(names) == len(actions) == 3


@every_provider
def test_the_supporter_is_invented_and_acted_now(tool: Counterpart) -> None:
    for event in read(tool, sample(tool)):
        assert event.person.email in {"", "rehearsal@example.org"}
        assert abs((event.occurred_at - NOW).total_seconds()) < 60


@pytest.mark.parametrize(
    "name", ["stripe", "proca", "standard", "generic_new_mode", "generic_everyaction"]
)
def test_a_tool_that_marks_tests_marks_it(name: str) -> None:
    assert all(event.test for event in read(COUNTERPARTS[name], sample(COUNTERPARTS[name])))


def test_stripes_library_accepts_the_signature() -> None:
    tool = COUNTERPARTS["stripe"]
    delivery = sample(tool)
    header = delivery.headers["stripe-signature"]
    assert stripe.WebhookSignature.verify_header(delivery.body.decode(), header, tool.secret)


@pytest.mark.parametrize("asked", ["", "?region=eu&empty="])
def test_twilios_library_accepts_the_signature(asked: str) -> None:
    tool = COUNTERPARTS["twilio"]
    delivery = tool.provider.sample_delivery(
        landing_of(tool), tool.secret, NAME, NOW, {}, URL + asked
    )
    fields = dict(parse_qsl(delivery.body.decode(), keep_blank_values=True))
    validator = RequestValidator(tool.secret)
    assert validator.validate(delivery.url, fields, delivery.headers["x-twilio-signature"])
    query = dict(parse_qsl(urlsplit(delivery.url).query))
    assert (query["code"], query["click_id"]) == (CODE, CLICK)
    assert delivery.url.startswith(URL + asked) and delivery.url.isascii()


def test_the_standard_library_accepts_the_signature() -> None:
    tool, now = COUNTERPARTS["standard"], datetime.now(UTC)
    delivery = tool.provider.sample_delivery(landing_of(tool), tool.secret, NAME, now, {}, URL)
    headers = dict(delivery.headers)
    assert standardwebhooks.Webhook(tool.secret).verify(delivery.body.decode(), headers)
    with pytest.raises(Unreadable) as caught:
        tool.provider.sample_delivery(landing_of(tool), "whsec_%%%", NAME, now, {}, URL)
    assert caught.value.reason == "bad_secret"


@pytest.mark.parametrize(
    ("name", "setup"),
    [
        ("twilio", {"minimum_seconds": 600, "supporter": "to", "count_inbound": True}),
        ("twilio", {"minimum_seconds": "many"}),
        ("twilio", {"minimum_seconds": -7}),
        ("controlshift", {"confirmed_only": True}),
        ("proca", {"kinds": {"register": "submission"}}),
        ("nationbuilder", {"person": "signature", "currency": "JPY"}),
    ],
)
def test_a_test_delivery_follows_the_setup(name: str, setup: dict[str, Any]) -> None:
    assert read(COUNTERPARTS[name], sample(COUNTERPARTS[name], **setup))[0].code == CODE


def test_controlshift_may_be_set_up_with_basic_credentials() -> None:
    provider = BY_SLUG["controlshift"]
    landing = provider.destination(PAGE, CODE, CLICK)
    delivery = provider.sample_delivery(landing, "cs:one", NAME, NOW, {"auth": "basic"}, URL)
    (event,) = provider.parse(provider.verify(delivery, ["cs:one"], NOW))
    assert (event.code, event.click_id) == (CODE, CLICK)
    with pytest.raises(Refused):
        provider.verify(delivery, ["cs:two"], NOW)


@pytest.mark.parametrize("secret", ["", "raw-password", "Basic raw", "user:pass:word"])
def test_proca_authenticates_with_its_secret(secret: str) -> None:
    provider = BY_SLUG["proca"]
    landing = provider.destination(PAGE, CODE, CLICK)
    delivery = provider.sample_delivery(landing, secret, NAME, NOW, {}, URL)
    assert ("authorization" in delivery.headers) is bool(secret)
    assert provider.verify(delivery, [secret] if secret else [], NOW)
    with pytest.raises(Refused):
        provider.verify(delivery, ["other:secret"], NOW)


def test_a_nation_returns_the_recruiter() -> None:
    landing = nationbuilder.destination(PAGE, "417", CLICK)
    delivery = nationbuilder.sample_delivery(landing, "t", NAME, NOW, {}, URL)
    (event,) = nationbuilder.parse(nationbuilder.verify(delivery, ["t"], NOW))
    assert (event.code, event.click_id) == ("417", "")


PLAIN: dict[str, Any] = {
    "kind": "what.kind || type",
    "kinds": {"left": None, "pledge": "donation", "sign": "signature"},
    "when": "live",
    "fields": {
        "id": "action.id",
        "at": "action.at || at",
        "email": "people[0].email",
        "amount": "action.amount",
        "code": "tracking.code",
        "click_id": "tracking.click",
        "utm_medium": "tracking.utm_medium",
        "test": "is_test",
    },
    "destination": {"c": "{code}", "k": "{click_id}"},
}


def played(mapping: dict[str, Any], secret: str = "") -> tuple[Delivery, list[ActionEvent]]:
    setup = {"mapping": mapping}
    landing = generic.destination(PAGE + "&utm_medium=no", CODE, CLICK, mapping)
    delivery = generic.sample_delivery(landing, secret, NAME, NOW, setup, URL)
    return delivery, generic.parse(generic.verify(delivery, [secret], NOW))


def with_(**changed: Any) -> dict[str, Any]:
    mapping = deepcopy(PLAIN)
    mapping["fields"] |= changed.pop("fields", {})
    return {**mapping, **changed}


def test_simple_paths_are_inverted() -> None:
    delivery, (event,) = played(PLAIN)
    # The page has parameters in its fragment, which are read as well.
    assert json.loads(delivery.body)["tracking"] == {
        "code": CODE,
        "click": CLICK,
        "utm_medium": "no",
    }
    assert (event.code, event.click_id, event.test) == (CODE, CLICK, True)
    assert (event.kind, event.amount_minor) == (ActionKind.DONATION, 100)
    assert event.external_id == NAME and event.occurred_at == NOW


@pytest.mark.parametrize(
    "changed",
    [
        {"each": "@"},
        {"each": "items"},
        {"each": "data.items"},
        {"kind": "'letter'"},
        {"kind": "type || 'letter'", "kinds": None},
        {"said": "type", "says": {"pledge": "returned", "sign": None}},
        {"when": None},
        {"at_format": "%m/%d/%Y %H:%M", "zone": "America/New_York"},
        {"body": "form", "kind": "t", "fields": {"id": "i", "at": "a", "code": "c",
         "click_id": "k", "amount_minor": "m", "amount": "m.n", "test": "x"}},
        {"fields": {"email": "people && join('', people)", "amount": "n", "amount_minor": "m"}},
    ],
)  # fmt: skip
def test_many_mappings_are_inverted(changed: dict[str, Any]) -> None:
    assert generic.check_mapping(with_(**changed)) == []
    _, (event,) = played(with_(**changed))
    assert (event.code, event.click_id) == (CODE, CLICK)
    assert abs((event.occurred_at - NOW).total_seconds()) < 60


def test_the_code_may_come_back_in_the_pages_address() -> None:
    fields = {"id": "id", "at": "at", "url": "page.url"}
    for destination in ({"ms": "{both}"}, {}):
        mapping = {"kind": "'letter'", "fields": fields, "destination": destination}
        assert [(each.code, each.click_id) for each in played(mapping)[1]] == [(CODE, CLICK)]


def test_a_code_that_travels_alone_comes_back_alone() -> None:
    (event,) = played(with_(destination={"c": "{code}"}))[1]
    assert (event.code, event.click_id) == (CODE, "")
    assert generic.query_template(PLAIN) == "c= and k="
    assert generic.query_template({}) == "utm_content="


@pytest.mark.parametrize(
    "changed",
    [
        {"fields": {"id": "join('-', [a, b])"}},
        {"fields": {"code": "codes[0]"}},
        {"fields": {"click_id": "clicks[0]"}},
        {"fields": {"at": "action.id.at"}},
        {"when": "live && stage == 'done'"},
        {"each": "items[?live]"},
        {"at_format": "%H:%M"},
        {"body": "form"},
        {"body": "form", "each": "@"},
        {"kinds": {"sign": None, "signature": None}},
        {"example": {"action": {"id": "{id}"}}},
        {"example": [], "each": "items[0]"},
    ],
)
def test_a_mapping_that_cannot_be_inverted_needs_an_example(changed: dict[str, Any]) -> None:
    assert generic.check_mapping(with_(**changed)) == []
    with pytest.raises(Unreadable) as caught:
        played(with_(**changed))
    assert caught.value.reason == "no_example" and "example" in caught.value.detail


def test_an_example_is_filled_in() -> None:
    rich = with_(fields={"code": "codes[0]", "click_id": "codes[1]"}, when="n == `1`")
    example = {
        "n": 1,
        "type": "sign",
        "codes": ["{code}", "{click_id}"],
        "action": {"id": "{id}", "at": "{now}"},
        "note": "{both} {landing} {colour}",
    }
    delivery, (event,) = played({**rich, "example": example})
    assert (event.code, event.click_id, event.occurred_at) == (CODE, CLICK, NOW)
    both, landing, colour = json.loads(delivery.body)["note"].split()
    assert both == BOTH and landing.startswith("https://act") and colour == "{colour}"


def test_an_example_that_loses_the_code_is_sent_so_that_it_is_seen() -> None:
    example = {"live": 1, "type": "sign", "action": {"id": "{id}", "at": "{now}"}}
    (event,) = played(with_(example=example))[1]
    assert (event.code, event.click_id) == ("", "")


def test_an_example_may_be_a_form() -> None:
    example = {"id": "{id}", "when": "{now}", "source": "{both}", "email": "é@example.org"}
    (event,) = played({**FORM_MAPPING, "example": example}, "s")[1]
    assert (event.code, event.click_id, event.person.email) == (CODE, CLICK, "é@example.org")


def test_a_broken_mapping_or_example_is_named() -> None:
    for mapping in ({}, with_(colour="red"), with_(example="{id}"), with_(example=7)):
        assert generic.check_mapping(mapping)
        with pytest.raises(Unreadable) as caught:
            generic.sample_delivery(PAGE, "s", NAME, NOW, {"mapping": mapping}, URL)
        assert caught.value.reason == "bad_mapping"


@pytest.mark.parametrize(
    "auth",
    [
        {"method": "secret_path"},
        {"method": "basic"},
        {"method": "bearer"},
        {"method": "header", "header": "X-Proof"},
        {"method": "hmac", "header": "X-Proof"},
        {"method": "hmac", "header": "X-Proof", "encoding": "base64", "algorithm": "sha512"},
        {"method": "hmac", "header": "X-Proof", "prefix": "sha1=", "algorithm": "sha1"},
        {"method": "hmac", "header": "X-Proof", "timestamp_header": "X-At", "joined_by": ":"},
        {"method": "hmac", "header": "X-Proof", "timestamp_before": ",", "prefix": "v1="},
    ],
)
def test_every_method_of_authentication_is_followed(auth: dict[str, str]) -> None:
    delivery, (event,) = played(with_(auth=auth), "user:päss")
    assert event.code == CODE
    if auth["method"] == "basic":
        given = base64.b64decode(delivery.headers["authorization"].removeprefix("Basic "))
        assert given.decode() == "user:päss"
    if auth["method"] != "secret_path":
        with pytest.raises(Refused):
            generic.verify(delivery, ["user:other"], NOW)
