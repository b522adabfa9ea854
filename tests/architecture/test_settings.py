"""`.env.example` has every setting, with its default."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).resolve().parent.parent.parent
LINES = re.findall(r"^(# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
EXAMPLE = {name: value for _comment, name, value in LINES}
REQUIRED = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
GIVEN = dict.fromkeys(REQUIRED, "x") | {
    "DATABASE_URL": "postgresql://x/x",
    "REDIS_URL": "redis://x",
    "SECRET_KEY": "k" * 32,
}

# An address of the reader's own, as an example of its form; unset, the default is this machine.
OWN = {"PUBLIC_URL", "MAIL_FROM"}
FIELDS = {each.name.upper(): each for each in fields(Settings)}
# Read by the servers, not by the settings: where each is read, with its default.
SERVERS = {
    name: value
    for path in ("config/gunicorn.py", "config/granian.py")
    for name, value in re.findall(
        r"""environ\.get\(["']([A-Z_]+)["'], ["']([^"']*)["']\)""", (ROOT / path).read_text()
    )
}


def test_the_example_has_every_setting_once():
    assert set(EXAMPLE) == set(FIELDS) | set(SERVERS)
    assert len(LINES) == len(EXAMPLE)


@pytest.mark.parametrize("name", sorted(set(FIELDS) - REQUIRED - OWN))
def test_the_example_is_the_default(name):
    field = FIELDS[name]
    assert field.default is not MISSING
    read = read_settings({**GIVEN, name: EXAMPLE[name]})
    assert getattr(read, field.name) == field.default


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_the_example_is_the_default_of_the_servers(name):
    assert EXAMPLE[name] == SERVERS[name]


def test_required_settings_have_no_default():
    assert {name for name, each in FIELDS.items() if each.default is MISSING} == REQUIRED
    assert EXAMPLE["SECRET_KEY"] == ""


@pytest.mark.parametrize("name", sorted(OWN))
def test_example_values_are_valid(name):
    assert read_settings({**GIVEN, name: EXAMPLE[name]})


def test_a_former_name_of_a_setting_is_read():
    assert read_settings({**GIVEN, "SMALL_GROUP_SHARED": "3"}).shared_rounding_base == 3
    both = {**GIVEN, "SMALL_GROUP_SHARED": "3", "SHARED_ROUNDING_BASE": "0"}
    assert read_settings(both).shared_rounding_base == 0
    with pytest.raises(SettingsError, match="SMALL_GROUP_SHARED"):
        read_settings({**GIVEN, "SMALL_GROUP_SHARED": "few"})


def test_limits_of_waiting_deliveries_are_read_by_their_former_names():
    read = read_settings({**GIVEN, "DOOR_WAITING": "7", "DOOR_SECONDS": "2.5"})
    assert (read.webhook_waiting, read.webhook_seconds) == (7, 2.5)
