"""Everything on one machine: servers, tables, the address for setting up, the processes.

Note: this is for trying and for small machines. Where processes are run by something else (systemd,
a platform), the Procfile is all that is needed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate
from flask import Flask, current_app
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from advocacy.app import create_app
from advocacy.cli.dev.embedded_servers import ServersMissing, own_database, servers
from advocacy.ingestion import figures
from advocacy.reporting.email.pdf import PDF_ADVICE, pdf_installed
from advocacy.storage import campaigns, first_run, links, posts, tokens
from advocacy.storage import organizations as organizations_storage
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from advocacy.web.setup_key import setup_url
from config.logging import configure
from config.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[3]
MIGRATIONS = ROOT / "migrations"

_GREET_SECONDS = 60.0

PROCESSES = {
    "web": "python -m gunicorn --config python:config.gunicorn 'advocacy.app:wsgi_application()'",
    "links": "python -m config.granian",
    "worker": "python -m workers.run worker",
    "counter": "python -m workers.run counter",
    "clock": "python -m workers.run clock",
}
"""What is started where the package was installed without the Procfile: the same as it has."""


def migrate() -> None:
    """Bring the tables up to this version, within the current application."""
    # Bound here alone: a process that answers requests does without its ten megabytes.
    flask_migrate.Migrate(current_app, db, render_as_batch=False)
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    with transaction():
        every = [each.id for each in organizations_storage.list_organizations()]
    for org_id in every:
        figures.refill_outdated(org_id)


@contextlib.contextmanager
def running_servers(
    var_dir: Path, port: int, own: str = ""
) -> Iterator[tuple[Flask, dict[str, str]]]:
    """Start the servers and migrate; yields the application and its environment.

    With `own`, in a database of that name, which is dropped at the end.
    """
    with contextlib.ExitStack() as stack:
        public = os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}"
        variables = stack.enter_context(servers(var_dir, PUBLIC_URL=public))
        if own:
            variables = stack.enter_context(own_database(variables, own))
        os.environ.update(variables)
        settings = read_settings()
        configure("WARNING")
        app = create_app(settings)
        with app.app_context():
            migrate()
        try:
            yield app, variables
        finally:
            with app.app_context():
                db.engine.dispose()


def procfile(environment: Mapping[str, str], port: int, output: object = None) -> Manager:
    """Return honcho's manager with the Procfile's processes.

    On one machine `web` answers the redirect too; with LINKS_PORT set, `links` runs beside it.
    """
    made = Manager(Printer(output or sys.stdout))
    # Not the Procfile of the current folder: it would be of whatever else is kept there.
    file = ROOT / "Procfile"
    commands = parse_procfile(file.read_text()).processes if file.exists() else PROCESSES
    tools = str(Path(sys.executable).parent)
    variables = {
        **os.environ,
        **environment,
        "PORT": str(port),
        "PATH": os.pathsep.join([tools, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
    }
    for name, command in commands.items():
        if name == "links" and not variables.get("LINKS_PORT"):
            continue
        made.add_process(name, command, env=variables, cwd=str(ROOT))
    return made


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start(var_dir: Path, port: int, *, demo: bool = False) -> int:
    """Start everything and stay until Ctrl-C; returns the exit status.

    With `demo`, an empty installation gets an organization with a link and a token.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            print(f"Error: port {port} is in use; choose another: advocacy up --port 8080")
            return 1
    try:
        with running_servers(var_dir, port) as (app, variables):
            with app.app_context():
                greeting = _greeting(app, var_dir, demo)
            processes = procfile(variables, port)
            threading.Thread(target=_greet, args=(greeting, port), daemon=True).start()
            processes.loop()
            # 130 and 143 are what Ctrl-C and a polite stop look like from here.
            return 0 if processes.returncode in {0, 130, 143, -2, -15} else 1
    except (SettingsError, ServersMissing) as error:
        print(f"Error: {error}")
        return 1
    except KeyboardInterrupt:
        return 0


def _greet(greeting: str, port: int) -> None:
    """Print the greeting as soon as its addresses answer."""
    deadline = time.monotonic() + _GREET_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    print(greeting, flush=True)


def _greeting(app: Flask, var_dir: Path, demo: bool) -> str:
    """Return where to look: with nobody there yet, the address for setting up, and nothing else."""
    settings: Settings = app.extensions["settings"]
    if demo:
        return _demo(settings, var_dir)
    if not first_run.has_members():
        lines = [f"set up         {setup_url(settings)}  (works once, within an hour)"]
    else:
        lines = [f"dashboard      {settings.public_url}/"]
    if not pdf_installed():
        lines.append(f"PDF files      {PDF_ADVICE}")
    return "\n".join(["", *lines, "stop           Ctrl-C", ""])


def _demo(settings: Settings, var_dir: Path) -> str:
    """Make a demo organization with a link where there is none; return where to look."""
    public = settings.public_url
    noted = var_dir / "demo.txt"
    with transaction():
        organizations = organizations_storage.list_organizations()
        if not organizations:
            org = organizations_storage.put_organization(
                "demo", "Demo organization", "America/New_York"
            )
            campaign = campaigns.put_campaign(org.id, "stay", "Stop the execution", org.timezone)
            post = posts.put_post(
                org.id, campaign.id, "instagram", title="Call your legislator", medium="video"
            )
            link = links.put_link(
                org.id,
                post,
                "https://actionnetwork.org/petitions/stop-the-execution",
                "action_network",
                {"source": "instagram", "medium": "social", "campaign": "stay"},
            )
            until = datetime.now(UTC) + timedelta(days=365)
            _, token = tokens.put_token(org.id, "demo", "admin", until)
            noted.touch(mode=0o600)
            noted.write_text(f"{link.code} {token}\n")
    lines = [f"dashboard      {public}/", f"API            {public}/api/"]
    if noted.exists():
        code, token = noted.read_text().split()
        lines += [f"tracking link  {public}/r/{code}", f"token          {token}"]
        lines.append("first owner    advocacy member add you@example.org --role owner")
    else:
        lines.append("tracking link  see `advocacy link list`")
    return "\n".join(["", *lines, "stop           Ctrl-C", ""])
