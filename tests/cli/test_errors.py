"""Errors of commands: one line that says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

from advocacy.cli.dev.embedded_servers import own_database
from advocacy.core.ids import new_id

NEEDS_DATABASE = [
    ("org", "list"),
    ("org", "create", "--slug", "a", "--name", "A"),
    ("campaign", "list"),
    ("post", "list"),
    ("link", "list"),
    ("source", "list"),
    ("token", "list"),
    ("token", "create", "--name", "a"),
    ("replay",),
    ("rebuild",),
    ("report", "stay"),
    ("erase", "--email", "a@example.org", "--yes"),
]


def test_without_settings_every_command_says_what_is_missing(operator):
    operator.environment |= {"DATABASE_URL": None, "REDIS_URL": None, "SECRET_KEY": None}
    for words in (*NEEDS_DATABASE, ("migrate",)):
        line = operator.fails(*words)
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
            assert f"{name} is not set" in line, words
        assert "make run" in line, words


def test_without_a_database_every_command_says_how_to_start_it(operator):
    operator.environment["DATABASE_URL"] = "postgresql://nobody:hunter2@127.0.0.1:9/nothing"
    for words in (*NEEDS_DATABASE, ("migrate",)):
        assert operator.fails(*words) == (
            "the database is not responding; start it with `make run`, or set DATABASE_URL"
        ), words


def test_without_tables_every_command_says_how_to_make_them(operator, environment):
    with own_database(environment, f"advocacy_test_{new_id().hex}") as own:
        operator.environment["DATABASE_URL"] = own["DATABASE_URL"]
        for words in NEEDS_DATABASE:
            assert operator.fails(*words) == (
                "the database has no tables yet; run `advocacy migrate`"
            )
        told = operator.says("doctor")
        assert "wrong  tables: there are none yet; run `advocacy migrate`" in told.stdout
        operator.does("migrate")
        operator.does("migrate")
        assert "ok     tables" in operator.says("doctor").stdout
        assert operator.fails("campaign", "list") == (
            "there is no organization yet; create one with `advocacy org create`"
        )
        operator.does("org", "create", "--slug", "a", "--name", "A")


LINK = ("link", "create", "--post", "POST", "--to", "https://example.org/")
SOURCE = ("source", "create", "--name", "new", "--provider")


MISTAKES = [
    (("report", "nothing"), "there is no campaign nothing; see `advocacy campaign list`"),
    (
        ("report", "stay", "--from", "2026-05-02", "--to", "2026-05-01"),
        "the first day is after the last",
    ),
    (("post", "list", "--campaign", "nothing"), "there is no campaign nothing;"),
    (("link", "list", "--campaign", "nothing"), "there is no campaign nothing;"),
    (
        ("post", "create", "--campaign", "nothing", "--platform", "x"),
        "there is no campaign nothing;",
    ),
    (
        ("post", "create", "--campaign", "stay", "--platform", "x", "--url", "javascript:a"),
        "the destination must begin with https://",
    ),
    (
        ("org", "create", "--slug", "hope", "--name", "A"),
        "there is already an organization hope",
    ),
    (
        ("org", "set", "--fallback-url", "javascript:a"),
        "the fallback address must begin with https://",
    ),
    (
        ("campaign", "create", "--slug", "stay", "--name", "A"),
        "there is already a campaign stay",
    ),
    ((*SOURCE[:3], "standard", "--provider", "standard"), "there is already a source standard"),
    (
        ("org", "create", "--slug", "a", "--name", "A", "--timezone", "Chicago"),
        "'Chicago' is no time zone of the form Area/Location; use America/Chicago",
    ),
    (
        ("campaign", "create", "--slug", "a", "--name", "A", "--timezone", "UTC+2"),
        "'UTC+2' is no time zone of the form Area/Location; use a name like America/Chicago",
    ),
    *(
        (
            ("campaign", "create", "--slug", "a", "--name", "A", "--timezone", written),
            f"{written!r} is no time zone of the form Area/Location; use {meant}",
        )
        for written, meant in (
            ("CET", "Europe/Paris"),
            ("EST", "America/New_York"),
            ("posix/Europe/Paris", "Europe/Paris"),
            ("localtime", "a name like America/Chicago"),
        )
    ),
    (
        ("campaign", "create", "--slug", "a b", "--name", "A"),
        "'a b' is not a valid slug; use letters, digits and dashes only",
    ),
    (
        ("campaign", "create", "--slug", "2026-0412", "--name", "A"),
        "'2026-0412' looks like a phone number or a digest and would not be recognized in"
        " utm_campaign; use at most six digits",
    ),
    (
        ("campaign", "create", "--slug", "é", "--name", "A"),
        "'\\xe9' is not a valid slug; use letters, digits and dashes only",
    ),
    (("campaign", "create", "--slug", "", "--name", "A"), "'' is not a valid slug;"),
    ((*LINK[:3], str(uuid.UUID(int=1)), *LINK[4:]), "there is no post 00000000-"),
    ((*LINK[:5], "http://example.org/"), "the destination must begin with https://"),
    ((*LINK[:5], "https://a@example.org/"), "the destination must not contain a user name"),
    ((*LINK[:5], "example.org"), "the destination must begin with https://"),
    ((*LINK, "--provider", "nobody"), "there is no provider nobody; available: "),
    ((*LINK, "--code", "a/b"), "'a/b' is not a valid slug;"),
    ((*LINK, "--code", "TAKEN"), "the link word taken is in use; choose another"),
    ((*SOURCE, "actblue", "--secret", "nocolon"), "write the secret as user:password"),
    ((*SOURCE, "standard", "--secret", "whsec_short"), "write the secret as whsec_ and the"),
    (("source", "rotate", "--name", "nobody"), "there is no source nobody; see"),
    (("source", "rotate", "--name", "action_network"), "this tool has no secret other"),
    (("token", "revoke", "--name", "nobody"), "there is no valid token nobody; see"),
    (("erase", "--yes"), "give an e-mail address or a phone number"),
    (("erase", "--email", "nonsense", "--yes"), "give an e-mail address or a phone number"),
]
"""What is typed, and how the one line that answers it begins."""


def test_an_error_is_one_line_and_nothing_is_created(operator, world):
    post = str(world.posts["x"])
    operator.does(*(post if word == "POST" else word for word in LINK), "--code", "taken")
    before = counts()
    wrong = {}
    for words, line in MISTAKES:
        told = operator.fails(*(post if word == "POST" else word for word in words))
        if not told.startswith(line) or counts() != before:
            wrong[words] = told
    assert wrong == {}


def counts() -> list[int]:
    from tests.support.sql import run

    tables = ("organizations", "campaigns", "posts", "links", "sources", "tokens", "addresses")
    return [run(f"select count(*) from {table}")[0][0] for table in tables]


def test_wrong_settings_are_all_named_at_once(operator):
    operator.environment |= {"DATABASE_URL": "mysql://a", "SECRET_KEY": "short", "PROXY_HOPS": "x"}
    line = operator.fails("org", "list")
    for name in ("DATABASE_URL", "SECRET_KEY", "PROXY_HOPS"):
        assert name in line


def test_the_program_itself_prints_no_traceback(tmp_path):
    """Once as a real process: the entry point, the exit status, the two streams."""
    done = subprocess.run(
        [sys.executable, "-c", "from advocacy.cli.main import main; main()", "report", "stay"],
        env={"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: DATABASE_URL is not set")
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_link_cannot_be_disabled(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    assert "advocacy link list" in operator.fails("link", "disable", "nosuchlink")


def test_a_link_is_moved_to_an_existing_post(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("campaign", "create", "--slug", "stay", "--name", "Stay")
    one, other = (
        operator.does("post", "create", "--campaign", "stay", "--platform", "x").split()[0]
        for _ in range(2)
    )
    made = operator.does("link", "create", "--post", one, "--to", "https://example.org/stay")
    assert "1 link with 0 clicks" in operator.does("link", "move", made.strip(), "--post", other)
    assert "advocacy link list" in operator.fails("link", "move", "nosuchlink", "--post", other)
    shared = operator.does("link", "share", made.strip()).strip()
    assert "move the one" in operator.fails("link", "move", shared, "--post", other)


def test_a_mapping_is_checked_before_it_is_stored(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    generic = ("source", "create", "--provider", "generic", "--name", "Gifts")
    assert "--mapping" in operator.fails(*generic)
    assert "donorbox" in operator.fails(*generic, "--mapping", "no-such")
    bad = tmp_path / "bad.json"
    bad.write_text('{"fields": {"id": "]["}}')
    assert "errors" in operator.fails(*generic, "--mapping", bad)
    fields = {"id": "id", "at": "at"}
    stateful = {"kind": "'donation'", "delivery": "id", "said": "status", "fields": fields}
    bad.write_text(json.dumps(stateful))
    assert "delivery does not read status" in operator.fails(*generic, "--mapping", bad)
    assert "delivery does not read status" in operator.fails("source", "try", bad, bad)
    assert "URL" in operator.does(*generic, "--mapping", "every_org")
