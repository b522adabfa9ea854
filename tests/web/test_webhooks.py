"""The webhook door: what it keeps, what it refuses, and what it answers."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from advocacy.extensions import db
from advocacy.store import inbox, run

SIGNATURE = json.dumps(
    {"type": "signature", "timestamp": "2026-05-01T12:00:00Z", "data": {"email": "a@example.org"}}
)

HOSTILE = {
    "not JSON": b"{",
    "NaN": b'{"type": "call", "timestamp": NaN}',
    "a lone surrogate": b'{"type": "\\ud800"}',
    "NUL": b'{"type": "a\\u0000b"}',
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "a number of 5,000 digits": b'{"type": ' + b"9" * 5_000 + b"}",
    "a list for an object": b'[{"type": "call"}]',
    "an object for a string": b'{"type": {}, "timestamp": "2026-05-01T12:00:00Z"}',
    "not UTF-8": b'{"type": "\xff\xfe"}',
    "nothing": b"",
}


def inbox_rows() -> int:
    return int(run("select count(*) from inbox")[0][0])


def test_a_delivery_is_on_disk_before_its_answer(world):
    assert world.standard(SIGNATURE, message_id="msg_1").status_code == 200

    (row,) = run("select body, external_id, status from inbox")
    assert (row.external_id, row.status) == ("msg_1", "pending")
    assert b"example.org" not in row.body


def test_a_redelivery_gets_the_same_answer_and_counts_once(world):
    first = world.standard(SIGNATURE, message_id="msg_1")
    again = world.standard(SIGNATURE, message_id="msg_1")

    assert (first.status_code, first.data) == (again.status_code, again.data) == (200, b"ok\n")
    assert inbox_rows() == 1


def test_the_same_id_with_another_body_is_kept_and_flagged(world):
    world.standard(SIGNATURE, message_id="msg_1")
    assert world.standard(SIGNATURE + " ", message_id="msg_1").status_code == 200
    assert world.standard(SIGNATURE + " ", message_id="msg_1").status_code == 200
    world.drain()

    assert world.report()["actions"] == 1
    assert [row.reason for row in inbox.list_quarantined(world.org_id)] == ["id_reuse"]


def test_fifty_at_once_are_one(world):
    def send(_: int) -> int:
        return world.standard(SIGNATURE, message_id="msg_1").status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(50))) == {200}
    assert inbox_rows() == 1


def refused(world) -> list:
    def login(pair: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    client = world.app.test_client()
    now = str(int(datetime.now(UTC).timestamp()))
    return [
        client.post("/webhooks/src_unknown", data=SIGNATURE),
        client.post("/webhooks/" + "x" * 5000, data=SIGNATURE),
        world.post("actblue", b"{}"),
        world.post("actblue", b"{}", login("advocacy:wrong")),
        world.post("actblue", b"{}", {"Authorization": "Basic \xff\xff"}),
        world.post("standard", SIGNATURE.encode()),
        world.standard(SIGNATURE, secret="whsec_" + "A" * 40),
        world.post(
            "standard",
            SIGNATURE.encode(),
            {"webhook-id": "a", "webhook-timestamp": now, "webhook-signature": "v1,\xe9\xe9"},
        ),
        world.post(
            "standard",
            SIGNATURE.encode(),
            {"webhook-id": "a", "webhook-timestamp": "9" * 30, "webhook-signature": "v1,AAAA"},
        ),
    ]


def test_all_refusals_are_one_mute_answer_and_nothing_is_kept(world):
    answers = {(answer.status_code, answer.data) for answer in refused(world)}

    assert answers == {(401, b"refused\n")}
    assert inbox_rows() == 0


def test_a_tampered_body_is_refused(world):
    from standardwebhooks import Webhook

    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(world.secret).sign("msg_1", now, SIGNATURE),
    }
    assert world.post("standard", (SIGNATURE + " ").encode(), headers).status_code == 401
    assert inbox_rows() == 0
    assert world.post("standard", SIGNATURE.encode(), headers).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_a_mebibyte_is_too_large(world, chunked):
    body = b"x" * (1024 * 1024 + 1)
    if chunked:
        import io

        answer = world.app.test_client().post(
            f"/webhooks/{world.keys['action_network']}",
            input_stream=io.BytesIO(body),
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
    else:
        answer = world.post("action_network", body)
    assert answer.status_code == 413
    assert inbox_rows() == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_vouched_for_and_unreadable_is_quarantined(world, name):
    assert world.standard(HOSTILE[name]).status_code == 200
    good = world.act("signature", email="a@example.org")
    assert good.status_code == 200
    world.drain()

    assert inbox.counts(world.org_id) == {"pending": 0, "done": 1, "quarantined": 1}
    (row,) = inbox.list_quarantined(world.org_id)
    assert row.reason and " " not in row.reason


@pytest.mark.parametrize("name", HOSTILE)
def test_action_network_hears_200_for_what_cannot_be_read(world, name):
    assert world.post("action_network", HOSTILE[name]).status_code == 200
    world.drain()
    assert inbox.counts(world.org_id)["pending"] == 0


def test_an_old_secret_is_valid_until_its_end(world):
    from datetime import timedelta

    from advocacy.store import campaigns, transaction

    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    with transaction():
        campaigns.put_secret(
            world.master,
            world.org_id,
            world.sources["standard"],
            new,
            datetime.now(UTC),
            timedelta(hours=1),
        )
    assert world.standard(SIGNATURE).status_code == 200
    assert world.standard(SIGNATURE, secret=new).status_code == 200
    db.session.execute(
        text(
            "update source_secrets set valid_until = now() - interval '1 s' "
            "where valid_until is not null"
        )
    )
    db.session.commit()
    assert world.standard(SIGNATURE).status_code == 401
    assert world.standard(SIGNATURE, secret=new).status_code == 200


def test_nothing_that_names_a_person_is_stored_readably(world):
    world.act("call", email="canary@example.org", phone="+1 202 555 0143", person_id="canary-7")
    world.drain()

    for table in db.metadata.tables:
        dump = "\n".join(str(row) for row in run(f'select * from "{table}"'))
        assert "canary" not in dump, table
        assert "2025550143" not in dump, table
