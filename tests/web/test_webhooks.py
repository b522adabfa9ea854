"""The webhook endpoint: what it stores, refuses and responds."""

from __future__ import annotations

import base64
import hashlib
import json
import runpy
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from advocacy.app import create_app
from advocacy.core import ids
from advocacy.core.errors import Refused
from advocacy.ingestion import drain, erasure
from advocacy.ingestion.receive import KnownSources, WebhookRequest, receive_batch
from advocacy.ingestion.wakeup import NullNotifier
from advocacy.providers import mappings
from advocacy.providers.signatures import standard
from advocacy.storage import inbox
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from advocacy.web.webhooks import WebhookEndpoint
from config.logging import ALLOWED
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run

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


def test_a_delivery_is_on_disk_before_the_response(world):
    assert world.standard(SIGNATURE, message_id="msg_1").status_code == 200

    (row,) = run(f"select body, external_id, status from {DELIVERIES}")
    assert (row.external_id, row.status) == ("msg_1", "pending")
    assert b"example.org" not in row.body


def test_a_redelivery_gets_the_same_answer_and_counts_once(world):
    first = world.standard(SIGNATURE, message_id="msg_1")
    again = world.standard(SIGNATURE, message_id="msg_1")

    assert (first.status_code, first.data) == (again.status_code, again.data) == (200, b"ok\n")
    assert inbox_rows() == 1


def test_the_same_id_with_another_body_is_stored_and_flagged(world):
    world.standard(SIGNATURE, message_id="msg_1")
    assert world.standard(SIGNATURE + " ", message_id="msg_1").status_code == 200
    assert world.standard(SIGNATURE + " ", message_id="msg_1").status_code == 200
    world.drain()

    assert world.report().actions == 1
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


def test_all_refusals_look_the_same_and_nothing_is_stored(world):
    answers = {(answer.status_code, answer.data) for answer in refused(world)}

    assert answers == {(401, b"refused\n")}
    assert inbox_rows() == 0


def test_the_log_says_which_source_refused_and_for_which_request(world):
    with structlog.testing.capture_logs() as lines:
        answer = world.post("standard", b"{}", {"X-Request-Id": "abc-1"})
        unknown = world.app.test_client().post("/webhooks/src_no", headers={"X-Request-Id": "a b"})
    first, second = (line for line in lines if line["event"] == "delivery_refused")
    assert (first["source"], first["provider"]) == (str(world.sources["standard"]), "standard")
    assert first["request_id"] == answer.headers["X-Request-Id"] == "abc-1"
    assert (second["reason"], second["source"]) == ("unknown_source", "")
    # What a stranger sends as an id is not logged unless it is one.
    assert second["request_id"] == unknown.headers["X-Request-Id"] != "a b"
    assert world.keys["standard"] not in str(lines)
    assert {"source", "provider", "request_id"} <= ALLOWED


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
def test_a_verified_but_unreadable_delivery_is_quarantined(world, name):
    assert world.standard(HOSTILE[name]).status_code == 200
    good = world.act("signature", email="a@example.org")
    assert good.status_code == 200
    world.drain()

    assert inbox.counts(world.org_id) == {"pending": 0, "done": 1, "quarantined": 1}
    (row,) = inbox.list_quarantined(world.org_id)
    assert row.reason and " " not in row.reason


@pytest.mark.parametrize("name", HOSTILE)
def test_action_network_receives_200_for_an_unreadable_delivery(world, name):
    assert world.post("action_network", HOSTILE[name]).status_code == 200
    world.drain()
    assert inbox.counts(world.org_id)["pending"] == 0


def test_an_old_secret_is_valid_until_its_end(world):
    from datetime import timedelta

    from advocacy.storage import sources
    from advocacy.storage.session import transaction

    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    with transaction():
        sources.put_secret(
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
    # Sources are cached for a second.
    deadline = time.monotonic() + 3
    while world.standard(SIGNATURE).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert world.standard(SIGNATURE, secret=new).status_code == 200


def test_a_disabled_source_is_refused_within_a_second(world):
    assert world.standard(SIGNATURE).status_code == 200
    db.session.execute(text("update sources set disabled_at = now() where provider = 'standard'"))
    db.session.commit()
    time.sleep(1.1)
    assert world.standard(SIGNATURE).status_code == 401
    db.session.execute(text("update sources set disabled_at = null where provider = 'standard'"))
    db.session.commit()
    assert world.standard(SIGNATURE).status_code == 200, "what is new is known at once"


def test_nothing_that_names_a_person_is_stored_readably(world):
    world.act("call", email="canary@example.org", phone="+1 202 555 0143", person_id="canary-7")
    world.drain()

    for table in db.metadata.tables:
        dump = "\n".join(str(row) for row in run(f'select * from "{table}"'))
        assert "canary" not in dump, table
        assert "2025550143" not in dump, table


def test_of_a_referrer_only_the_host_is_stored(world):
    pages = ("https://mail.example.net/?to=canary@example.org", "canary@mail.example.net/canary")
    for number, page in enumerate(pages):
        world.act("call", id=f"c{number}", referrer=page)
    world.drain()
    assert {row.referrer for row in run("select referrer from actions")} == {"mail.example.net"}
    for table in ("inbox", "actions"):
        rows = run(f"select row_to_json(t)::text as told from (select * from {table}) t")
        assert not [row.told for row in rows if "canary" in row.told]


def test_an_address_in_utm_is_not_stored(world):
    utm = {"utm_campaign": "stay", "utm_source": "x", "utm_content": "canary@example.org"}
    world.act("call", id="c1", **utm)
    world.drain()
    for table in ("inbox", "actions"):
        rows = run(f"select row_to_json(t)::text as told from (select * from {table}) t")
        assert not [row.told for row in rows if "canary" in row.told]
    assert run("select utm from actions")[0].utm["source"] == "x"


def test_a_rebuild_forgets_the_rest_of_a_referrer_that_was_stored(world):
    world.act("call", id="c1", referrer="https://mail.example.net/?to=canary@example.org")
    world.drain()
    erasure.drop_old_bodies(replace(world.settings, body_retention_days=0), world.org_id)
    with transaction():
        run(
            """update inbox set
                      facts = jsonb_set(facts, '{0,referrer}', '"https://t.co/?to=canary"')
               where org_id = :o""",
            o=world.org_id,
        )
    drain.rebuild(world.settings, world.org_id)
    (row,) = run("select facts::text as told from inbox")
    assert '"t.co"' in row.told and "canary" not in row.told


def test_phone_numbers_cannot_be_found_by_brute_force_from_the_database(world):
    """All of a body but the number may be known, and there are few numbers."""
    world.add_source("generic", "", {"mapping": mappings.get("every_org")})
    told = '{"type": "call", "data": {"id": "c1", "phone": "+120255501%02d"}}'
    world.standard(told % 43, message_id="msg_1")
    world.standard(told % 44, message_id="msg_1")
    world.post("generic", (told % 43).encode())

    # The whole of it: what a row prints is cut short.
    dump = "\n".join(row[0] for row in run("select to_jsonb(i)::text from inbox i"))
    found = [
        number
        for number in range(100)
        if hashlib.sha256((told % number).encode()).hexdigest()[:24] in dump
    ]
    assert found == []
    # It is known again all the same, by us.
    world.standard(told % 44, message_id="msg_1")
    world.post("generic", (told % 43).encode())
    assert inbox_rows() == 3


def test_digests_that_were_plain_are_keyed_by_the_migration(world, root):
    world.add_source("generic", "", {"mapping": mappings.get("every_org")})

    def tell() -> None:
        world.standard("1", message_id="msg_1")
        world.standard("2", message_id="msg_1")
        world.post("generic", b"3")

    tell()
    keyed = run("select id, external_id, body_digest from inbox order by id")
    plain = [hashlib.sha256(body).digest() for body in (b"1", b"2", b"3")]
    names = ["msg_1", f"msg_1#{plain[1].hex()[:24]}", ids.body_id(b"3")]
    with transaction():
        for row, name, digest in zip(keyed, names, plain, strict=True):
            run(
                """update inbox set external_id = :name, body_digest = :digest, reason = :reason
                   where org_id = :o and id = :id""",
                o=world.org_id,
                id=row.id,
                name=name,
                digest=digest,
                # Where that version kept it.
                reason="id_reuse" if "#" in name else "",
            )
    migration = runpy.run_path(str(root / "migrations/versions/0012_keyed_digests.py"))
    with db.engine.begin() as tables, Operations.context(MigrationContext.configure(tables)):
        migration["upgrade"]()
    with transaction():
        assert run("select id, external_id, body_digest from inbox order by id") == keyed
    tell()
    assert inbox_rows() == 3


def signed_requests(world, *bodies: bytes, message_id: str = "") -> list[WebhookRequest]:
    """Return signed deliveries that arrive together."""
    now = datetime.now(UTC)
    return [
        WebhookRequest(
            world.keys["standard"],
            body,
            standard(body, message_id or f"msg_{at}", world.secret, now),
            "http://127.0.0.1:8000/webhooks/x",
        )
        for at, body in enumerate(bodies)
    ]


def test_a_group_answers_each_for_itself(world):
    good, tampered, unknown, again = signed_requests(world, b"{}", b"{}", b"{}", b"{}")
    group = [
        good,
        replace(tampered, body=b"{ }"),
        replace(unknown, key="src_unknown"),
        replace(again, headers=good.headers),
    ]
    answers = receive_batch(KnownSources(world.master, 0), NullNotifier(), group)

    assert [one.reason if isinstance(one, Refused) else one[:2] for one in answers] == [
        (200, "new"),
        "bad_signature",
        "unknown_source",
        (200, "known"),
    ]
    assert inbox_rows() == 1


def test_the_same_id_with_other_bodies_in_one_group(world):
    group = signed_requests(world, b"1", b"2", b"2", b"1", message_id="msg_1")
    for expected in (["new", "conflict", "conflict", "known"], ["known", "conflict"] * 2):
        answers = receive_batch(KnownSources(world.master, 0), NullNotifier(), group)
        assert [one.result for one in answers] == expected
        group = [group[0], group[1], group[0], group[1]]
    rows = run(f"select external_id, status, reason from {DELIVERIES} order by external_id")
    assert [(row.status, row.reason) for row in rows] == [
        ("pending", ""),
        ("quarantined", "id_reuse"),
    ]


def test_a_group_may_be_of_several_organizations(world):
    from tests.support.world import World

    other = World(world.app, "other")
    told = []
    nudge = NullNotifier()
    nudge.announce = told.append
    group = [
        *signed_requests(world, b"{}", message_id="a"),
        *signed_requests(other, b"{}", message_id="a"),
    ]
    answers = receive_batch(KnownSources(world.master, 0), nudge, group)
    assert [one[:2] for one in answers] == [(200, "new")] * 2
    assert set(told) == {world.org_id, other.org_id}
    assert {row.org_id for row in run("select org_id from inbox")} == set(told)
    told.clear()
    answers = receive_batch(KnownSources(world.master, 0), nudge, group)
    assert [one[:2] for one in answers] == [(200, "known")] * 2
    assert told == []


@pytest.fixture
def poison(world):
    """A database that takes no delivery with the id `poison`."""
    with transaction() as session:
        session.execute(
            text(
                """create function refuse_poison() returns trigger language plpgsql as $$
                   begin
                     if new.external_id = 'poison' then
                       raise exception 'no' using errcode = '23514';
                     end if;
                     return new;
                   end $$"""
            )
        )
        session.execute(
            text(
                "create trigger refuse_poison before insert on inbox"
                " for each row execute function refuse_poison()"
            )
        )
    yield
    with transaction() as session:
        session.execute(text("drop trigger refuse_poison on inbox"))
        session.execute(text("drop function refuse_poison"))


def test_a_row_that_the_database_refuses_fails_no_other(world, poison):
    """All wait behind two batches that are held up, so that they are one batch."""
    holding, held = threading.Semaphore(0), threading.Event()
    receiver = world.app.extensions["receiver"]
    whole, groups, before = receiver._work, [], []

    def work(items):
        groups.append(len(items))
        if len(groups) <= 2:
            holding.release()
            assert held.wait(10)
        return whole(items)

    receiver._work = work
    try:
        with ThreadPoolExecutor(12) as pool:
            for name in ("first", "second"):
                before.append(pool.submit(world.standard, SIGNATURE, message_id=name))
                assert holding.acquire(timeout=10)
            sent = {
                name: pool.submit(world.standard, SIGNATURE, message_id=name)
                for name in ("poison", *(f"good-{number}" for number in range(9)))
            }
            deadline = time.monotonic() + 10
            while len(receiver._waiting) < 10 and time.monotonic() < deadline:
                time.sleep(0.01)
            held.set()
            statuses = {name: each.result().status_code for name, each in sent.items()}
    finally:
        receiver._work = whole
    assert [each.result().status_code for each in before] == [200, 200]
    assert groups[2] == 10
    assert statuses.pop("poison") == 503
    assert set(statuses.values()) == {200}
    assert inbox_rows() == 11


def test_an_overloaded_endpoint_says_so_and_each_delivery_counts_once(world):
    app = create_app(replace(world.settings, webhook_seconds=0.2))
    app.extensions["notifier"] = NullNotifier()
    was, world.app = world.app, app
    try:
        with was.app_context(), db.engine.connect() as other:
            other.execute(text("lock table inbox in exclusive mode"))
            with ThreadPoolExecutor(4) as pool:
                first = pool.submit(world.standard, SIGNATURE, message_id="first")
                time.sleep(0.1)
                late = [
                    pool.submit(world.standard, SIGNATURE, message_id=f"late-{number}")
                    for number in range(3)
                ]
                for each in (first, *late):
                    answer = each.result(5)
                    assert (answer.status_code, answer.text) == (503, "try again\n")
                    assert answer.headers["Retry-After"] == "5"
                began = time.monotonic()
                assert world.standard(SIGNATURE, message_id="later").status_code == 503
                assert time.monotonic() - began < 0.1
                other.rollback()
        deadline = time.monotonic() + 10
        while app.extensions["receiver"]._began and time.monotonic() < deadline:
            time.sleep(0.01)
        names = ["first", "late-0", "late-1", "late-2", "later"]
        assert {world.standard(SIGNATURE, message_id=name).status_code for name in names} == {200}
        kept = [row.external_id for row in run("select external_id from inbox order by 1")]
        assert kept == names
    finally:
        world.app = was
        with app.app_context():
            db.engine.dispose()


def test_the_middleware_answers_as_the_application_does(world):
    from werkzeug.test import Client

    endpoint = Client(WebhookEndpoint(world.app.wsgi_app, world.app))
    now = datetime.now(UTC)
    headers = standard(SIGNATURE.encode(), "msg_1", world.secret, now)
    path = f"/webhooks/{world.keys['standard']}"
    answer = endpoint.post(path, data=SIGNATURE, headers=headers)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    refused = endpoint.post(path, data=SIGNATURE)
    assert (refused.status_code, refused.text) == (401, "refused\n")
    assert endpoint.post(path, data=b"x" * (1024 * 1024 + 1), headers=headers).status_code == 413
    assert endpoint.get(path).status_code == 405
    assert endpoint.post(f"{path}/more", data=b"").status_code == 404
    assert endpoint.get("/live").text == "ok\n"
    assert inbox_rows() == 1
