"""`advocacy member`: creating the first owner."""

from __future__ import annotations

import re

import pytest

from tests.support.world import PASSWORD


@pytest.fixture
def hope(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    return operator


def use(client, told: str) -> int:
    path = re.fullmatch(r"http://127\.0\.0\.1:8000(/set-password/once_[\w-]{43})\n", told)[1]
    return client.post(path, data={"password": PASSWORD}).status_code


def test_the_first_owner_is_added_by_the_cli(hope, client):
    told = hope.does("member", "add", "Ana@Example.org", "--role", "owner", "--name", "Ana")
    assert "invited" in hope.does("member", "list")
    assert use(client, told) == 302
    assert client.get("/members").status_code == 200
    listed = hope.does("member", "list").splitlines()
    assert listed[1].split()[:4] == ["ana@example.org", "Ana", "owner", "joined"]
    assert "command line" in client.get("/members").text


def test_a_lost_password_a_role_and_a_removal(hope, client):
    use(client, hope.does("member", "add", "ana@example.org", "--role", "owner"))
    hope.does("member", "add", "bob@example.org")
    again = hope.does("member", "reset", "bob@example.org")
    assert use(client, again) == 302
    assert client.get("/members").status_code == 403
    assert "is now owner" in hope.does("member", "role", "bob@example.org", "owner")
    assert client.get("/members").status_code == 200
    assert "removed" in hope.does("member", "remove", "bob@example.org")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("add", "nonsense"), "'nonsense' is not a valid email address"),
        (("add", "ANA@example.org"), "ana@example.org is already a member"),
        (("reset", "eve@example.org"), "there is no member eve@example.org; see"),
        (("remove", "eve@example.org"), "there is no member eve@example.org; see"),
        (("remove", "ana@example.org"), "cannot remove the last owner; make another"),
        (("role", "ana@example.org", "reader"), "cannot remove the last owner; make another"),
        (("list", "--org", "nothing"), "there is no organization nothing; see"),
    ],
)
def test_an_error_is_one_line(hope, words, line):
    hope.does("member", "add", "ana@example.org", "--role", "owner")
    assert hope.fails("member", *words).startswith(line)


def test_with_several_organizations_one_must_be_named(hope):
    hope.does("org", "create", "--slug", "other", "--name", "Other")
    assert "--org" in hope.fails("member", "add", "ana@example.org")
    for org in ("hope", "other"):
        hope.does("member", "add", "ana@example.org", "--org", org)
