"""Any other tool, by a mapping that staff write as data.

The mapping is in the source's setup: JMESPath expressions (jmespath.org) from the body to the
fields of an action, and how the tool authenticates. `providers/mappings/` has some for known tools;
`providers/README.md` explains every key. `check_mapping` finds mistakes before a mapping is saved,
`dry_run` shows what it makes of a body. Test deliveries come from inverting the mapping, or from
its `example` (see `sample_body`).

Note: an expression that finds nothing is not an error: required fields are checked separately.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from advocacy.core import ids, tracking_parameters, urls
from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, Delivery, Trust, Verified
from advocacy.core.messages import say
from advocacy.providers import parsing, test_deliveries
from advocacy.providers.generic import authentication, sample_body
from advocacy.providers.generic.events import events_in
from advocacy.providers.generic.expressions import find
from advocacy.providers.generic.mapping import (
    items_in,
    of_setup,
    parameters_of,
    read_body,
    state_expressions,
)
from advocacy.providers.generic.validation import check_mapping as check_mapping
from advocacy.providers.generic.validation import reading_mistakes

slug = "generic"
title = "Any tool, by a mapping"
# The weakest trust that holds for every mapping; one with an `auth` method is checked by it.
TRUST: Trust = "secret_path"
ANSWER = 200
CODE_PARAMETERS: str = say("utm_content=, or the field the mapping names")
SETUP_STEPS = (
    say("In the tool, look for Webhooks, mostly under Settings › Integrations or Developer."),
    say("Paste the address, and choose JSON if it asks for a format."),
    say("If the tool shows or asks for a secret, store the same one here."),
)


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify a delivery by the method that the mapping names."""
    auth = of_setup(delivery.setup).get("auth")
    if auth is not None:
        if authentication.mistakes(auth):
            raise Refused("bad_mapping")
        settings = authentication.settings_of(auth)
        if settings["method"] != "secret_path":
            if not any(secrets):
                raise Refused("no_secret")
            authentication.check(settings, delivery, secrets, now)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id from the mapping's `delivery`, else a digest of the body."""
    mapping = of_setup(verified.setup)
    try:
        body = read_body(mapping, verified.body)
        name = parsing.text(find(mapping.get("delivery"), body), "delivery", 200)
        if name:
            name += _state_of(mapping, body)
    except Unreadable:
        name = ""
    return name or ids.body_id(verified.body)


def _state_of(mapping: Mapping[str, object], body: object) -> str:
    """Return what distinguishes this state of an action from others, if `delivery` does not.

    Sources keep the mapping that they were created with, and older ones were not checked for this.
    """
    unread = [expression for expression, missing in state_expressions(mapping).values() if missing]
    if not unread:
        return ""
    items = items_in(mapping, body)
    found = [
        find(expression, item)
        for item in (items if isinstance(items, list) else [])
        for expression in unread
    ]
    if not any(found):
        return ""
    return ":" + hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def parse(verified: Verified) -> list[ActionEvent]:
    """Return what the mapping finds in the body, one action for each item."""
    mapping = of_setup(verified.setup)
    if mistakes := reading_mistakes(mapping):
        raise Unreadable("bad_mapping", mistakes[0])
    return events_in(mapping, verified.body)


def destination(
    url: str, code: str, click_id: str, mapping: Mapping[str, object] | None = None
) -> str:
    """Return the URL with code and click id as the mapping says; by default in `utm_content=`.

    In the mapping's `destination`, `{code}`, `{click_id}` and `{both}` are placeholders.
    """
    placeholders = {
        "{code}": code,
        "{click_id}": click_id,
        "{both}": tracking_parameters.join_code(code, click_id),
    }
    return urls.with_query(
        url,
        **{
            str(name): placeholders.get(str(value), str(value))
            for name, value in parameters_of(mapping or {}).items()
        },
    )


def query_template(mapping: Mapping[str, object]) -> str:
    """Return the parameters in which the code travels by this mapping, as `CODE_PARAMETERS`."""
    listed = ""
    for name in parameters_of(mapping):
        listed = (
            say("%(one)s and %(other)s", one=listed, other=f"{name}=") if listed else f"{name}="
        )
    return listed


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the action of a supporter who arrived at `landing`, in the mapping's format.

    Raises `Unreadable`: "bad_mapping", or "no_example" if neither the inverted mapping nor its
    `example` gives a body that it can read as an action.
    """
    mapping = of_setup(setup)
    if mistakes := reading_mistakes(mapping):
        raise Unreadable("bad_mapping", mistakes[0])
    body = sample_body.sample_body(mapping, landing, message_id, now)
    settings = authentication.settings_of(mapping.get("auth"))
    proofs = authentication.proofs(settings, body, secret, now)
    if mapping.get("body") == "form":
        proofs = {"content-type": "application/x-www-form-urlencoded", **proofs}
    return test_deliveries.signed_delivery(body, proofs, setup, url)


def dry_run(mapping: Mapping[str, object], body: bytes) -> list[ActionEvent]:
    """Return the actions that a mapping makes of a body. Raises `Unreadable` as `parse` does."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    return parse(Verified(body=body, received_at=epoch, setup={"mapping": mapping}))
