"""Proca: two schemas, what is no action of a supporter, and sources that Proca made up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, ActionKind
from advocacy.providers import proca
from tests.support.counterparts import BOTH, CLICK, CODE, NOW, PROCA, payload


def changed(name: str, **fields: Any) -> list[ActionEvent]:
    body = json.loads(payload("proca", name)) | fields
    return proca.parse(PROCA.verified(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("register", ActionKind.SIGNATURE),
        ("mail2target", ActionKind.LETTER),
        ("donate", ActionKind.DONATION),
        ("share", ActionKind.CLICK),
        ("version1", ActionKind.SIGNATURE),
    ],
)
def test_each_action_type_is_its_kind(name: str, kind: ActionKind) -> None:
    (event,) = PROCA.parsed(name)
    assert event.kind is kind


def test_an_action_brings_person_and_code() -> None:
    (event,) = PROCA.parsed("register")
    assert (event.code, event.click_id) == (CODE, CLICK)
    assert (event.person.email, event.person.person_id) == ("berta@example.org", "ref-berta")
    assert event.utm["campaign"] == "spring"


@pytest.mark.parametrize("name", ["system", "event", "confirm", "repeat"])
def test_what_is_no_new_action_of_a_supporter_gives_nothing(name: str) -> None:
    assert PROCA.parsed(name) == []


def test_repeats_count_where_staff_say_so() -> None:
    assert PROCA.parsed("repeat", count_repeats=True)


def test_a_test_is_flagged() -> None:
    (event,) = PROCA.parsed("testing")
    assert event.test


def test_a_donation_is_in_minor_units_and_names_its_plan() -> None:
    (event,) = PROCA.parsed("donate")
    assert (event.amount_minor, event.currency, event.recurs_as) == (1500, "EUR", "9003")


def test_schema_one_has_a_contact_that_is_json_or_sealed() -> None:
    (event,) = PROCA.parsed("version1")
    assert (event.person.email, event.person.person_id) == ("berta@example.org", "ref-old")
    assert (event.code, dict(event.utm)) == ("", {})
    assert event.occurred_at.isoformat() == "2026-05-01T12:00:00+00:00"
    (event,) = PROCA.parsed("version1_sealed")
    assert (event.person.email, event.person.person_id) == ("", "ref-sealed")


def test_a_source_made_up_from_the_referrer_is_a_referrer() -> None:
    (event,) = PROCA.parsed("made_up_source")
    assert (event.code, dict(event.utm), event.referrer) == ("", {}, "facebook.com")
    tracking = {"source": "referrer", "medium": "news.example.org", "campaign": "news.example.org/"}
    (event,) = changed("register", tracking=tracking)
    assert (event.code, dict(event.utm), event.referrer) == ("", {}, "news.example.org")


def test_a_code_in_the_campaign_is_found_too() -> None:
    (event,) = changed("register", tracking={"source": "unknown", "campaign": BOTH})
    assert (event.code, event.click_id) == (CODE, CLICK)


def test_campaigns_name_their_own_types() -> None:
    action = {"actionType": "call_mep", "createdAt": "2026-05-01T12:00:00Z"}
    with pytest.raises(Unreadable) as caught:
        changed("register", action=action)
    assert caught.value.reason == "unknown_kind"
    body = json.dumps({**json.loads(payload("proca", "register")), "action": action}).encode()
    (event,) = proca.parse(PROCA.verified(body, kinds={"call_mep": "call"}))
    assert event.kind is ActionKind.CALL


def test_the_password_alone_may_be_the_whole_header_and_may_be_absent() -> None:
    body = payload("proca", "register")
    raw = replace(PROCA.send(body), headers={"authorization": "Bearer typed-by-hand"})
    assert proca.verify(raw, ["Bearer typed-by-hand"], NOW)
    with pytest.raises(Refused):
        proca.verify(raw, ["typed-by-hand"], NOW)
    assert proca.verify(replace(raw, headers={}), [], NOW)


def test_an_older_parameter_that_would_win_is_taken_off_the_link() -> None:
    url = "https://trees.example.org/?mtm_source=other&utm_campaign=spring"
    assert proca.destination(url, CODE, CLICK) == (
        f"https://trees.example.org/?utm_campaign=spring&utm_source={BOTH}"
    )
