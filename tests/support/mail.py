"""A real mail server on a socket, with the mails it received."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from advocacy.cli.dev.up import free_port
from advocacy.reporting.email import outbox
from advocacy.storage import email_outbox
from advocacy.storage.session import transaction
from config.settings import Settings

SENDER = "Hope Project <reports@example.org>"


class Mailbox:
    """Receives mail; `answer` is a reply to send instead, `drop` closes the connection."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.to: list[str] = []
        self.answers: list[str] = []
        self.rcpt_answer = ""
        self.drop = False
        self.users: list[str] = []
        self.tls: list[bool] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        self.to += envelope.rcpt_tos
        self.tls.append(session.ssl is not None)
        if self.drop:
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 OK"

    def authenticate(self, _s: Any, _e: Any, _v: Any, _m: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (b"hope", b"p@ss/word")
        self.users += [given.login.decode()] if right else []
        return AuthResult(success=right, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def serve(mailbox: Mailbox) -> Iterator[Callable[..., int]]:
    """Start a server for the mailbox; return its port."""
    running: list[Controller] = []

    def start(port: int = 0, **more: Any) -> int:
        port = port or free_port()
        controller = Controller(mailbox, hostname="localhost", port=port, **more)
        controller.start()
        running.append(controller)
        return port

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def smtp(serve: Callable[..., int], settings: Settings) -> Settings:
    """Return settings for a server without TLS and without rounding.

    So that tests can compare exact figures; `tests/disclosure` tests rounding.
    """
    settings = replace(settings, shared_rounding_base=0)
    return with_server(settings, f"smtp-plain://localhost:{serve()}")


def with_server(settings: Settings, url: str) -> Settings:
    return replace(settings, smtp_url=url, mail_from=SENDER)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate for localhost, and the server's TLS context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def subscribe(world: Any, email: str = "lead@example.org", **more: Any) -> Any:
    """Add a subscription to the weekly report, Mondays at eight; return its id."""
    wanted = {
        "what": "weekly",
        "email": email,
        "campaign_id": world.campaign_id,
        "weekday": 0,
        "on_date": None,
        "send_at": time(8),
        "language": "en",
        **more,
    }
    with transaction():
        return email_outbox.put_subscription(world.org_id, email_outbox.NewSubscription(**wanted))


def next_monday() -> datetime:
    """Return the next Monday after eight in New York, when the current week is the last one."""
    today = datetime.now(ZoneInfo("America/New_York")).date()
    return datetime.combine(today + timedelta(7 - today.weekday()), time(15), UTC)


def statuses(world: Any) -> list[tuple[str, str]]:
    with transaction():
        return [(row.status, row.error) for row in email_outbox.list_sent(world.org_id)]


@pytest.fixture
def without_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the imports of the optional extra `pdf` fail."""
    for name in ("typst", "vl_convert"):
        monkeypatch.setitem(sys.modules, name, None)


MONDAY = next_monday()


def send(world, settings, now=MONDAY):
    return outbox.send_due(settings, world.org_id, now)
