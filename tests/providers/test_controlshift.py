"""ControlShift: a colon in the header, signatures that were somebody else's, and many types."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from advocacy.core.errors import Refused
from advocacy.core.events import ActionKind
from advocacy.providers import controlshift
from tests.support.counterparts import CLICK, CODE, CONTROLSHIFT, NOW, in_every_order, payload


def test_a_signature_brings_person_and_code() -> None:
    (event,) = CONTROLSHIFT.parsed("signature_created")
    assert event.kind is ActionKind.SIGNATURE
    assert (event.code, event.click_id) == (CODE, CLICK)
    assert (event.person.email, event.person.person_id) == ("wangari@example.org", "747")
    assert dict(event.utm) == {"campaign": "spring"}


def test_the_code_may_stand_in_utm_content_only() -> None:
    (event,) = CONTROLSHIFT.parsed("signature_utm_only")
    assert (event.code, event.click_id) == (CODE, CLICK)


def test_this_was_not_me_takes_the_signature_back_in_every_order() -> None:
    told = [CONTROLSHIFT.parsed(name) for name in ("signature_created", "signature_not_me")]
    (signature,) = in_every_order(told).values()
    assert not signature.counted


def test_unconfirmed_signatures_wait_where_staff_say_so() -> None:
    (event,) = CONTROLSHIFT.parsed("signature_created", confirmed_only=True)
    assert event.said == "returned"


def test_types_that_are_no_action_give_nothing() -> None:
    assert CONTROLSHIFT.parsed("unsubscribe") == []
    assert CONTROLSHIFT.parsed("petition_launched") == []
    (event,) = CONTROLSHIFT.parsed("attendee_created")
    assert event.kind is ActionKind.ATTENDANCE


def test_the_header_has_a_colon_and_hex() -> None:
    body = payload("controlshift", "signature_created")
    digest = hmac.new(b"cs-one", body, hashlib.sha256).hexdigest()
    good = CONTROLSHIFT.send(body)
    name = "x-controlshift-webhook-signature"
    assert good.headers[name] == f"sha256:{digest}"
    for wrong in (f"sha256={digest}", digest, f"sha1:{digest}", "sha256:", "sha256:zz"):
        with pytest.raises(Refused):
            controlshift.verify(replace(good, headers={name: wrong}), ["cs-one"], NOW)


def test_basic_credentials_are_taken_where_the_endpoint_uses_them() -> None:
    good = replace(
        CONTROLSHIFT.send(payload("controlshift", "signature_created")),
        headers={"authorization": "Basic dXNlcjpwYXNz"},
        setup={"auth": "basic"},
    )
    assert controlshift.verify(good, ["user:pass"], NOW)
    with pytest.raises(Refused):
        controlshift.verify(good, ["user:other"], NOW)
