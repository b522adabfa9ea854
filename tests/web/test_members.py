"""Members: sign-in, sessions, the login throttle, and what owners do.

Who may open which page is in the matrix of `test_api`.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from limits.storage import RedisStorage
from sqlalchemy import text

from advocacy.app import create_app
from advocacy.storage import audit, campaigns, members
from advocacy.storage.session import transaction
from advocacy.web import passwords
from advocacy.web.login_throttle import LoginThrottle
from tests.support.sql import run
from tests.support.world import PASSWORD, World

ANA = "ana@example.org"
OTHER = "another good password"


@pytest.fixture(autouse=True)
def nothing_guessed(wired):
    """Tries are counted in Redis, which the tests share."""
    wired.extensions["login_throttle"]._shared.storage.reset()


def sign_in(app, email=ANA, password=PASSWORD, client=None, **more):
    client = client or app.test_client()
    return client, client.post("/sign-in", data={"email": email, "password": password}, **more)


def one_time_path(page) -> str:
    return re.search(r"http://127\.0\.0\.1:8000(/set-password/once_[\w-]{43})", page.text)[1]


def cookie_of(client) -> str:
    return client.get_cookie("session").value


def with_cookie(app, value: str):
    client = app.test_client()
    client.set_cookie("session", value)
    return client


def is_in(client) -> bool:
    return client.get("/").status_code == 200


# Coming in.


def test_from_an_invitation_to_a_dead_cookie(world):
    owner = world.member("owner")
    invited = owner.post("/members", data={"email": " Ana@Example.org ", "role": "editor"})
    assert invited.status_code == 200
    path = one_time_path(invited)
    # It is shown once.
    assert "once_" not in owner.get("/members").text

    browser = world.app.test_client()
    page = browser.get(path)
    assert ANA in page.text and "Hope" in page.text
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["X-Robots-Tag"] == "noindex"
    done = browser.post(path, data={"name": "Ana", "password": PASSWORD, "again": PASSWORD})
    assert (done.status_code, done.headers["Location"]) == (302, "/")
    assert browser.get("/campaigns/stay/rehearsal").status_code == 200

    copied = cookie_of(browser)
    assert is_in(with_cookie(world.app, copied))
    browser.post("/sign-out")
    assert not is_in(with_cookie(world.app, copied))

    again, answer = sign_in(world.app)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "Ana" in again.get("/account").text


def test_a_one_time_link_works_once_and_for_seven_days(world):
    with transaction():
        ana = members.put_member(world.master, world.org_id, ANA, "reader")
        first = members.put_one_time_token(world.org_id, ana.id)
    with transaction():
        second = members.put_one_time_token(world.org_id, ana.id)
    client = world.app.test_client()
    gone = client.get(f"/set-password/{first}")
    assert gone.status_code == 404
    # Looking does not use it up: a mail program may look first.
    for _ in range(2):
        assert client.get(f"/set-password/{second}").status_code == 200
    with transaction() as session:
        session.execute(text("update members set one_time_until = now() - interval '1 s'"))
    assert client.get(f"/set-password/{second}").status_code == 404
    assert client.post(f"/set-password/{second}", data={"password": PASSWORD}).status_code == 404
    with transaction() as session:
        session.execute(text("update members set one_time_until = now() + interval '1 s'"))
    assert client.post(f"/set-password/{second}", data={"password": PASSWORD}).status_code == 302
    assert client.post(f"/set-password/{second}", data={"password": OTHER}).status_code == 404


def test_a_one_time_link_used_twice_at_once_works_once(world):
    with transaction():
        ana = members.put_member(world.master, world.org_id, ANA, "reader")
        word = members.put_one_time_token(world.org_id, ana.id)

    def use(number: int) -> int:
        # A thread has its own context, as a request in gunicorn has.
        client = world.app.test_client()
        data = {"password": f"{PASSWORD} {number}"}
        return client.post(f"/set-password/{word}", data=data).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [302] + [404] * 7


def test_of_concurrent_one_time_links_one_is_valid(world):
    owner = world.member("owner")
    owner.post("/members", data={"email": ANA, "role": "reader"})
    ana = members.get_member(world.org_id, ANA)
    cookie = cookie_of(owner)

    def make(_: int) -> str:
        page = with_cookie(world.app, cookie).post(f"/members/{ana.id}/one-time-link")
        return one_time_path(page)

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(make, range(8)))
    client = world.app.test_client()
    assert sorted(client.get(path).status_code for path in paths) == [200] + [404] * 7


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        ("short", "short", "at least 12"),
        ("", "", "at least 12"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "wider mix"),
        ("ana@example.org1", "ana@example.org1", "too similar"),
        ("abcdefgh" * 33, "abcdefgh" * 33, "at most 256"),
        (PASSWORD, OTHER, "do not match"),
    ],
)
def test_a_weak_password_is_refused_with_a_reason(world, password, again, told):
    with transaction():
        ana = members.put_member(world.master, world.org_id, ANA, "reader")
        word = members.put_one_time_token(world.org_id, ana.id)
    answer = world.app.test_client().post(
        f"/set-password/{word}", data={"password": password, "again": again}
    )
    assert answer.status_code == 422
    assert told in answer.text
    # The link is not used up by it.
    assert world.app.test_client().get(f"/set-password/{word}").status_code == 200


def test_passwords_are_stored_as_argon2id_and_tokens_as_digests(world):
    client = world.member("owner", ANA)
    page = client.post("/members", data={"email": "bob@example.org", "role": "reader"})
    word = one_time_path(page).rpartition("/")[2]
    session_word = re.search(
        r"ses_[\w-]{43}",
        world.app.session_interface.get_signing_serializer(world.app).loads(cookie_of(client))[
            "_user_id"
        ],
    )[0]
    kept = " ".join(
        row[0]
        for table in ("members", "sessions", "addresses", "audit")
        for row in run(f"select to_jsonb(t)::text from {table} t")
    )
    assert "$argon2id$v=19$" in kept
    # Outside of tests, with no less work than OWASP asks for.
    assert passwords.KIBIBYTES >= 19 * 1024 and passwords.PASSES >= 2
    for secret in (PASSWORD, word, session_word):
        assert secret not in kept
    # In the one table of all organizations, no address of anybody.
    assert "@" not in " ".join(row.word for row in run("select word from addresses"))


def test_a_hash_with_other_parameters_is_replaced(world):
    world.member("reader", ANA)
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        session.execute(text("update members set password = :old"), {"old": old})
    assert sign_in(world.app)[1].status_code == 302
    (row,) = run("select password from members")
    assert row.password != old
    assert not passwords.is_outdated(row.password)
    assert sign_in(world.app)[1].status_code == 302


# Who is nobody.


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ANA, OTHER),
        (ANA, PASSWORD + " "),
        (ANA, PASSWORD.upper()),
        ("nobody@example.org", PASSWORD),
        ("%", PASSWORD),
        ("not an address", PASSWORD),
        ("' or 1=1 --", PASSWORD),
        (ANA, "x" * 5000),
        (ANA, "\x00\ud7ff"),
        ("a\x00@example.org", PASSWORD),
    ],
)
def test_a_wrong_email_or_password_gets_the_same_response(world, email, password):
    world.member("reader", ANA)
    client, answer = sign_in(world.app, email, password)
    assert answer.status_code == 401
    assert "Incorrect email or password" in answer.text
    assert not is_in(client)


def test_the_invited_cannot_sign_in_before_they_have_a_password(world):
    with transaction():
        members.put_member(world.master, world.org_id, ANA, "owner")
    for password in ("None", "null", PASSWORD):
        assert sign_in(world.app, password=password)[1].status_code == 401


def test_an_unknown_account_takes_as_long_as_a_known_one(world):
    """Nine tries of each kind, in turn; the medians are the same work."""
    world.member("reader", ANA)
    took: dict[str, list[float]] = {ANA: [], "nobody@example.org": []}
    for _ in range(9):
        for email, seconds in took.items():
            began = time.perf_counter()
            sign_in(world.app, email, OTHER)
            seconds.append(time.perf_counter() - began)
        world.app.extensions["login_throttle"]._shared.storage.reset()
    known, unknown = (sorted(seconds)[4] for seconds in took.values())
    assert 0.6 < known / unknown < 1.6


def test_an_address_of_a_whole_form_takes_no_time(world):
    """Letters under many accents take time by their square to be put in order."""
    began = time.perf_counter()
    answer = world.app.test_client().post(
        "/sign-in",
        data={"email": "a" + "\u0300\u0323" * 15_000 + "@example.org", "password": PASSWORD},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 401
    assert time.perf_counter() - began < 0.5


# Guessing.


def test_guessing_is_throttled_without_a_permanent_lockout(world):
    world.member("owner", ANA)
    for _ in range(10):
        assert sign_in(world.app, password=OTHER)[1].status_code == 401
    _, answer = sign_in(world.app)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "Try again in 15 min" in answer.text
    # For an address that nobody has it is the same.
    for _ in range(10):
        sign_in(world.app, "nobody@example.org", OTHER)
    assert sign_in(world.app, "nobody@example.org", OTHER)[1].status_code == 429
    # She is not kept out elsewhere, nor here with a one-time link.
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert sign_in(world.app, environ_base=elsewhere)[1].status_code == 302
    with transaction():
        ana = members.get_member(world.org_id, ANA)
        word = members.put_one_time_token(world.org_id, ana.id)
    let_in = world.app.test_client().post(f"/set-password/{word}", data={"password": OTHER})
    assert let_in.status_code == 302


def test_signing_in_resets_the_throttle(world):
    world.member("owner", ANA)
    for _ in range(3):
        for _ in range(8):
            sign_in(world.app, password=OTHER)
        assert sign_in(world.app)[1].status_code == 302


def test_the_throttle_limits_accounts_and_networks(world):
    world.member("owner", ANA)
    statuses = [
        sign_in(world.app, password=OTHER, environ_base={"REMOTE_ADDR": f"198.51.100.{n}"})[
            1
        ].status_code
        for n in range(52)
    ]
    assert statuses == [401] * 50 + [429] * 2
    throttle = world.app.extensions["login_throttle"]
    waits = [throttle.seconds_to_wait(f"{n}@example.org", "203.0.113.5") for n in range(101)]
    assert waits[:100] == [0] * 100 and waits[100] > 0
    # A /64 is one customer.
    waits = [throttle.seconds_to_wait(ANA[::-1], f"2001:db8::{n:x}") for n in range(11)]
    assert waits[9] == 0 and waits[10] > 0


def test_a_forged_forwarded_address_changes_nothing(world):
    world.member("owner", ANA)
    for n in range(10):
        sign_in(world.app, password=OTHER, headers={"X-Forwarded-For": f"192.0.2.{n}"})
    assert sign_in(world.app, headers={"X-Forwarded-For": "192.0.2.99"})[1].status_code == 429


def test_without_redis_guessing_stays_slow(world):
    throttle = LoginThrottle("redis://127.0.0.1:9/0", b"k" * 32)
    waits = [throttle.seconds_to_wait(ANA, "192.0.2.1") for _ in range(11)]
    assert waits[:10] == [0] * 10 and waits[10] > 0
    throttle.forget(ANA, "192.0.2.1")
    assert throttle.seconds_to_wait(ANA, "192.0.2.1") == 0


def test_redis_holds_neither_addresses_nor_e_mails(world):
    sign_in(world.app, environ_base={"REMOTE_ADDR": "192.0.2.44"})
    storage = world.app.extensions["login_throttle"]._shared.storage
    assert isinstance(storage, RedisStorage)
    keys = [key.decode() for key in storage.storage.keys("guesses*")]
    assert keys
    assert not [key for key in keys if "ana" in key or "192.0" in key]


# What ends a session.


@pytest.fixture
def ana(world):
    """Two browsers in which Ana, an owner, is signed in."""
    first = world.member("owner", ANA)
    second, _ = sign_in(world.app)
    assert is_in(first) and is_in(second)
    return first, second


def test_changing_the_password_ends_all_others(world, ana):
    first, second = ana
    wrong = first.post("/account/password", data={"before": OTHER, "password": OTHER})
    assert wrong.status_code == 422 and "current password is incorrect" in wrong.text
    weak = first.post("/account/password", data={"before": PASSWORD, "password": "short"})
    assert weak.status_code == 422
    assert is_in(second)
    done = first.post("/account/password", data={"before": PASSWORD, "password": OTHER})
    assert done.status_code == 302
    assert is_in(first) and not is_in(second)
    assert sign_in(world.app)[1].status_code == 401
    assert sign_in(world.app, password=OTHER)[1].status_code == 302


def test_guessing_the_password_of_a_stolen_session_is_slowed_too(world, ana):
    first, _ = ana
    answers = [
        first.post("/account/password", data={"before": OTHER, "password": OTHER})
        for _ in range(11)
    ]
    assert [each.status_code for each in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_member_can_end_their_other_sessions(ana):
    first, second = ana
    first.post("/account/end-others")
    assert is_in(first) and not is_in(second)


def test_a_one_time_link_that_is_used_ends_all_sessions(world, ana):
    first, second = ana
    with transaction():
        member = members.get_member(world.org_id, ANA)
        word = members.put_one_time_token(world.org_id, member.id)
    # Until then the password and the sessions stay: to make a link is no attack on its member.
    assert is_in(second) and sign_in(world.app)[1].status_code == 302
    world.app.test_client().post(f"/set-password/{word}", data={"password": OTHER})
    assert not is_in(first) and not is_in(second)


@pytest.mark.parametrize(
    "change",
    ["expires_at = now() - interval '1 s'", "seen_at = now() - interval '31 min'"],
)
def test_a_session_ends_by_itself(ana, change):
    first, _ = ana
    with transaction() as session:
        session.execute(text(f"update sessions set {change}"))
    assert not is_in(first)


def test_a_session_in_use_goes_on(ana):
    first, _ = ana
    with transaction() as session:
        session.execute(text("update sessions set seen_at = now() - interval '29 min'"))
    assert is_in(first)
    (row,) = run("select now() - max(seen_at) as ago from sessions")
    assert row.ago < timedelta(minutes=1)
    (member,) = members.list_members(run("select org_id from members")[0].org_id)
    assert member.last_seen_on is not None


def test_signing_in_again_replaces_the_session(world, ana):
    first, second = ana
    copied = cookie_of(first)
    sign_in(world.app, client=first)
    assert cookie_of(first) != copied
    assert not is_in(with_cookie(world.app, copied))
    assert is_in(first) and is_in(second)


def test_signing_out_ends_a_copied_cookie_of_a_token_too(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token("admin")})
    copied = cookie_of(client)
    assert is_in(with_cookie(world.app, copied))
    client.post("/sign-out")
    assert not is_in(with_cookie(world.app, copied))


def test_the_cookie_is_bound_to_its_site(world):
    world.member("owner", ANA)
    secure = create_app(replace(world.settings, public_url="https://act.example.org"))
    answer = secure.test_client().post(
        "/sign-in",
        data={"email": ANA, "password": PASSWORD},
        base_url="https://act.example.org",
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_every_form_of_another_site_is_refused(world, app):
    owner = world.member("owner")
    before = run("select count(*) from members")[0][0]
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods or rule.rule.startswith(("/webhooks/", "/api/")):
            continue
        path = re.sub(r"<uuid:[^>]*>", "00000000-0000-0000-0000-000000000001", rule.rule)
        path = re.sub(r"<[^>]*>", "stay", path)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            data = {"email": ANA, "role": "owner"}
            assert owner.post(path, data=data, headers=headers).status_code == 403, path
    assert run("select count(*) from members")[0][0] == before
    assert is_in(owner)


# What owners do.


def test_a_role_counts_from_the_next_request_on(world):
    owner, ana = world.member("owner"), world.member("reader", ANA)
    assert ana.get("/members").status_code == 403
    assert "Ask an owner" in ana.get("/members").text
    one = members.get_member(world.org_id, ANA)
    owner.post(f"/members/{one.id}/role", data={"role": "owner"})
    assert ana.get("/members").status_code == 200
    owner.post(f"/members/{one.id}/role", data={"role": "reader"})
    assert ana.get("/members").status_code == 403
    assert owner.post(f"/members/{one.id}/role", data={"role": "god"}).status_code == 422


def test_ending_sessions_or_removing_a_member_takes_effect_at_once(world):
    owner, ana = world.member("owner"), world.member("editor", ANA)
    one = members.get_member(world.org_id, ANA)
    owner.post(f"/members/{one.id}/end-sessions")
    assert not is_in(ana)
    ana, _ = sign_in(world.app)
    assert is_in(ana)
    owner.post(f"/members/{one.id}/remove")
    assert not is_in(ana)
    assert sign_in(world.app)[1].status_code == 401
    # Nothing of her is left but what the audit says, and she can be invited again.
    assert run("select count(*) from addresses where kind in ('member', 'one_time')")[0][0] == 1
    assert owner.post("/members", data={"email": ANA, "role": "reader"}).status_code == 200


def test_the_last_owner_cannot_be_removed(world):
    owner = world.member("owner", ANA)
    one = members.get_member(world.org_id, ANA)
    for what in ("remove", "role"):
        answer = owner.post(f"/members/{one.id}/{what}", data={"role": "reader"})
        assert answer.status_code == 409
        assert "remove the last owner" in answer.text
    # An owner who is only invited could not go on with it.
    owner.post("/members", data={"email": "bob@example.org", "role": "owner"})
    assert owner.post(f"/members/{one.id}/remove").status_code == 409
    world.member("owner", "eve@example.org")
    assert owner.post(f"/members/{one.id}/remove").status_code == 302
    assert not is_in(owner)


def test_two_owners_who_remove_each_other_leave_one(world):
    owners = [world.member("owner", f"{n}@example.org") for n in (1, 2)]
    ids = [members.get_member(world.org_id, f"{n}@example.org").id for n in (2, 1)]

    def remove(number: int) -> int:
        return owners[number].post(f"/members/{ids[number]}/remove").status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(remove, range(2)))
    # The slower one is told to stay, or finds herself removed and signed out.
    assert statuses in ([302, 302], [302, 404], [302, 409])
    assert run("select count(*) from members where role = 'owner'")[0][0] == 1


@pytest.mark.parametrize("email", ["", "nonsense", "a@b@c", "a b@example.org", "@example.org"])
def test_an_invalid_address_is_refused(world, email):
    owner = world.member("owner")
    answer = owner.post("/members", data={"email": email, "role": "reader"})
    assert answer.status_code == 422
    assert "not a valid email address" in answer.text
    assert run("select count(*) from members")[0][0] == 1


def test_an_address_names_one_member_of_an_organization(world):
    owner = world.member("owner", ANA)
    for same in (ANA, "ANA@example.org", " ana@EXAMPLE.org"):
        answer = owner.post("/members", data={"email": same, "role": "reader"})
        assert answer.status_code == 422
        assert "already" in answer.text
    assert run("select role from members")[0].role == "owner"


def test_names_are_escaped(world):
    owner = world.member("owner")
    hostile = "</td><script>alert(1)</script>{{7*7}}\x00"
    owner.post("/account", data={"name": hostile, "language": ""})
    page = owner.get("/members").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert len(run("select name from members")[0].name) <= 100


def test_the_language_of_the_account_is_the_language_of_the_pages(world):
    client = world.member("reader", ANA)
    client.post("/account", data={"name": "Ana", "language": "fr"})
    assert '<html lang="fr">' in client.get("/").text
    elsewhere, _ = sign_in(world.app)
    assert '<html lang="fr">' in elsewhere.get("/").text
    assert client.post("/account", data={"name": "", "language": "xx"}).status_code == 422


def test_owners_see_what_was_done_and_by_whom(world):
    owner = world.member("owner", ANA)
    owner.post("/members", data={"email": "bob@example.org", "role": "editor"})
    bob = members.get_member(world.org_id, "bob@example.org")
    owner.post(f"/members/{bob.id}/role", data={"role": "reader"})
    owner.post(f"/members/{bob.id}/one-time-link")
    owner.post(f"/members/{bob.id}/remove")
    told = [(row.who, row.did, row.what) for row in audit.list_entries(world.org_id)]
    assert told == [
        (ANA, "removed", "bob@example.org"),
        (ANA, "one_time_link_made", "bob@example.org"),
        (ANA, "role_changed", "bob@example.org, reader"),
        (ANA, "invited", "bob@example.org, editor"),
        (ANA, "joined", ""),
    ]
    page = owner.get("/members").text
    assert "invited a member bob@example.org, editor" in page
    assert "removed the member bob@example.org" in page


# Two organizations.


def test_one_person_in_two_organizations_has_a_password_in_each(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    alice.member("owner", ANA)
    eve = bob.member("owner", "eve@example.org")
    # Eve runs Bob's organization: she can make Ana a member of it and use the link herself.
    path = one_time_path(eve.post("/members", data={"email": ANA, "role": "reader"}))
    app.test_client().post(path, data={"password": OTHER})
    client, answer = sign_in(app, password=OTHER)
    assert answer.headers["Location"] == "/"
    (row,) = run("select org_id from sessions order by created_at desc limit 1")
    assert row.org_id == bob.org_id
    # That opens nothing of Alice's organization.
    assert (
        client.post("/sign-in/organization", data={"organization": str(alice.org_id)})
        .headers["Location"]
        .startswith("/sign-in")
    )
    assert sign_in(app)[1].headers["Location"] == "/"
    (row,) = run("select org_id from sessions order by created_at desc limit 1")
    assert row.org_id == alice.org_id


def test_a_member_of_several_organizations_chooses_one(app):
    alice, bob, charlie = World(app, "alice"), World(app, "bob"), World(app, "charlie")
    for world, role in ((alice, "owner"), (bob, "reader")):
        world.member(role, ANA)
    charlie.member("owner", "eve@example.org")
    client, answer = sign_in(app, client=app.test_client())
    assert answer.headers["Location"] == "/sign-in/organization"
    # Not in yet.
    assert not is_in(client)
    page = client.get("/sign-in/organization").text
    assert "Alice" in page and "Bob" in page and "Charlie" not in page
    for wrong in (str(charlie.org_id), "x", ""):
        refused = client.post("/sign-in/organization", data={"organization": wrong})
        assert refused.headers["Location"] == "/sign-in"
        assert not is_in(client)
    client.post("/sign-in/organization", data={"organization": str(bob.org_id)})
    assert is_in(client)
    assert client.get("/members").status_code == 403


def test_a_choice_ends_soon(app, monkeypatch):
    alice, bob = World(app, "alice"), World(app, "bob")
    for world in (alice, bob):
        world.member("owner", ANA)
    client, _ = sign_in(app)
    now = time.time
    monkeypatch.setattr("advocacy.web.auth.time.time", lambda: now() + 301)
    refused = client.post("/sign-in/organization", data={"organization": str(bob.org_id)})
    assert refused.headers["Location"] == "/sign-in"


def test_a_choice_ends_with_the_password_that_it_was_made_with(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    for world in (alice, bob):
        world.member("owner", ANA)
    thief, _ = sign_in(app)
    with transaction():
        ana = members.get_member(bob.org_id, ANA)
        word = members.put_one_time_token(bob.org_id, ana.id)
    app.test_client().post(f"/set-password/{word}", data={"password": OTHER})
    assert "Bob" not in thief.get("/sign-in/organization").text
    refused = thief.post("/sign-in/organization", data={"organization": str(bob.org_id)})
    assert refused.headers["Location"] == "/sign-in"
    assert not is_in(thief)
    # The other organization's password is what it was.
    thief.post("/sign-in/organization", data={"organization": str(alice.org_id)})
    assert is_in(thief)


def test_members_of_other_organizations_are_inaccessible(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    ana = alice.member("owner", ANA)
    bobs = bob.member("owner", "bob@example.org")
    one = members.get_member(bob.org_id, "bob@example.org")
    assert "bob@example.org" not in ana.get("/members").text
    for what in ("role", "one-time-link", "end-sessions", "remove"):
        answer = ana.post(f"/members/{one.id}/{what}", data={"role": "reader"})
        assert answer.status_code == 404
    assert is_in(bobs)
    assert bobs.get("/members").status_code == 200
    with transaction():
        campaigns.put_campaign(bob.org_id, "secret", "Bob's secret", "UTC")
    assert ana.get("/campaigns/secret/view-links").status_code == 404


def test_a_cookie_for_another_organization_cannot_be_forged(app):
    """The word belongs to a row of one organization; its id alone opens nothing."""
    alice, bob = World(app, "alice"), World(app, "bob")
    client = alice.member("owner", ANA)
    serializer = app.session_interface.get_signing_serializer(app)
    kept = serializer.loads(cookie_of(client))
    kept["_user_id"] = kept["_user_id"].replace(str(alice.org_id), str(bob.org_id))
    assert not is_in(with_cookie(app, serializer.dumps(kept)))
    for made_up in ("", ":", "x:y", f"{alice.org_id}:", f"{alice.org_id}"):
        kept["_user_id"] = made_up
        assert not is_in(with_cookie(app, serializer.dumps(kept)))
