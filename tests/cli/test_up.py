"""`advocacy up`: commands in another terminal find the running installation."""

from __future__ import annotations

import pytest

from advocacy.cli.dev import up
from advocacy.cli.dev.up import running_servers


@pytest.mark.parametrize(
    ("own", "public"),
    [("", "http://127.0.0.1:8765"), ("https://act.example.org", "https://act.example.org")],
)
def test_commands_in_another_shell_use_the_running_url(
    operator, environment, tmp_path, monkeypatch, own, public
):
    for name, value in {**environment, "VAR_DIR": str(tmp_path), "PUBLIC_URL": own}.items():
        monkeypatch.setenv(name, value)
    # Logs would be bound to the terminal of this one test.
    monkeypatch.setattr(up, "configure", lambda _level: None)
    with running_servers(tmp_path, 8765):
        pass
    operator.environment["PUBLIC_URL"] = None
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    said = operator.does("member", "add", "ann@example.org", "--role", "owner")
    assert f"{public}/set-password/" in said
    said = operator.does("source", "create", "--provider", "action_network", "--name", "an")
    assert f"{public}/webhooks/" in said
