"""The servers of one machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
import pytest

from advocacy.cli.dev import embedded_servers

_SHOWN = """select current_setting('shared_buffers'),
                   (select modification from pg_stat_file('postgresql.auto.conf'))"""


@pytest.mark.slow
def test_postgres_is_given_its_memory_at_the_first_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    shown = []
    # Not pytest's folder: see `environment`.
    with tempfile.TemporaryDirectory(prefix="advocacy-servers-") as folder:
        for statement in ("create table kept (number int)", "select * from kept"):
            with (
                embedded_servers.servers(Path(folder)) as variables,
                psycopg.connect(variables["DATABASE_URL"]) as told,
            ):
                told.execute(statement)
                shown.append(told.execute(_SHOWN).fetchone())
    first, second = shown
    assert first == second, "nothing was left to be set at the second"
    assert first and first[0] == f"{embedded_servers._buffers_mb()}MB"
