"""SMTP: one message to one recipient, and the answer of the mail server.

Note: rejected is not the same as unconfirmed. Before the message itself is transmitted nothing was
sent, and it can be tried again; if the server does not answer after that, the message may have
arrived, and could arrive twice. A server without STARTTLS, or with an invalid certificate, gets
neither password nor message.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime, parseaddr
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465, "smtp-plain": 25}


ADVICE = {
    "server_away": "check that it runs, and host and port in SMTP_URL",
    "no_starttls": "it offers no STARTTLS; use smtps://, or smtp-plain:// for a relay of your own",
    "tls_failed": "its certificate is invalid; set SSL_CERT_FILE for your own authority",
    "login_refused": "check user name and password in SMTP_URL",
}
"""What an operator can do, by the reason of `MailRejected`; for others see the server's log."""


class MailRejected(Exception):
    """The server did not accept the message; `permanent` if it will not accept it later.

    `unavailable`: it accepts no messages at present.
    """

    def __init__(self, reason: str, *, permanent: bool = False, unavailable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.permanent, self.unavailable = reason, permanent, unavailable


class MailUnconfirmed(Exception):
    """The message was transmitted and the server did not answer; it may have arrived."""


@dataclass(frozen=True, slots=True)
class EmailContent:
    """The content of an email, with charts (PNG) and attachments (PDF) by name."""

    subject: str
    text: str
    html: str
    pictures: Sequence[tuple[str, bytes]] = ()
    files: Sequence[tuple[str, bytes]] = ()


def message(content: EmailContent, sender: str, to: str, name: str) -> EmailMessage:
    """Return a message; its Message-ID is made from `name`.

    The HTML shows a picture as `cid:NAME`. Text is encoded as quoted-printable, since not every
    server supports 8 bits.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    made = EmailMessage(policy=SMTP)
    made["From"] = formataddr(parseaddr(sender))
    made["To"] = to
    # Titles can contain line breaks, headers cannot.
    made["Subject"] = " ".join(content.subject.split())
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = f"<{name}@{domain}>"
    # Recipients who are not members cannot unsubscribe on a page.
    made["List-Unsubscribe"] = f"<mailto:{parseaddr(sender)[1]}?subject=unsubscribe>"
    # No automatic replies (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(content.text, cte="quoted-printable")
    made.add_alternative(content.html, subtype="html", cte="quoted-printable")
    html = made.get_payload()[1]  # type: ignore[index]
    for picture, png in content.pictures:
        html.add_related(  # type: ignore[union-attr]
            png,
            "image",
            "png",
            cid=f"<{picture}>",
            disposition="inline",
            filename=f"{picture}.png",
        )
    for file, pdf in content.files:
        made.add_attachment(pdf, "application", "pdf", filename=file)
    return made


def deliver(smtp_url: str, mail: EmailMessage, timeout: float = TIMEOUT_SECONDS) -> None:
    """Send a message. Raises `MailRejected` and `MailUnconfirmed`.

    Each answer of the server may take `timeout` seconds.
    """
    parts = urlsplit(smtp_url)
    server = _connect(parts.scheme, parts.hostname or "", parts.port, timeout)
    try:
        _prepare(server, parts.scheme, unquote(parts.username or ""), unquote(parts.password or ""))
        _transmit(server, mail)
    finally:
        # The outcome is known, whether or not this succeeds.
        with suppress(smtplib.SMTPException, OSError):
            if server.sock:
                server.sock.settimeout(2.0)
                server.quit()
        server.close()


def check_login(smtp_url: str, timeout: float) -> None:
    """Connect and sign in, without sending anything. Raises `MailRejected`."""
    parts = urlsplit(smtp_url)
    server = _connect(parts.scheme, parts.hostname or "", parts.port, timeout)
    try:
        _prepare(server, parts.scheme, unquote(parts.username or ""), unquote(parts.password or ""))
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _connect(scheme: str, host: str, port: int | None, timeout: float) -> smtplib.SMTP:
    port = port or _PORTS[scheme]
    try:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(
                host, port, timeout=timeout, context=ssl.create_default_context()
            )
        return smtplib.SMTP(host, port, timeout=timeout)
    except ssl.SSLError as error:
        raise MailRejected("tls_failed", unavailable=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailRejected("server_away", unavailable=True) from error


def _prepare(server: smtplib.SMTP, scheme: str, user: str, password: str) -> None:
    """Start TLS if the scheme requires it, and sign in.

    Errors of the configuration concern all emails and can be corrected, so these are tried again.
    """
    try:
        server.ehlo_or_helo_if_needed()
        if scheme == "smtp":
            if not server.has_extn("starttls"):
                raise MailRejected("no_starttls", unavailable=True)
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if user:
            server.login(user, password)
    except ssl.SSLError as error:
        raise MailRejected("tls_failed", unavailable=True) from error
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise MailRejected("login_refused", unavailable=True) from error
    except smtplib.SMTPResponseException as error:
        reason = "tls_failed" if scheme == "smtp" else f"refused_{error.smtp_code}"
        raise MailRejected(reason, unavailable=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailRejected("server_away", unavailable=True) from error


def _transmit(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        for code, _ in (
            server.mail(parseaddr(mail["From"])[1]),
            server.rcpt(parseaddr(mail["To"])[1]),
        ):
            _check(code)
    except (smtplib.SMTPException, OSError) as error:
        raise MailRejected("server_away", unavailable=True) from error
    try:
        code, _ = server.data(mail.as_bytes())
    except smtplib.SMTPDataError as error:
        # It rejected the message before the transmission.
        raise _rejected(error.smtp_code) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnconfirmed from error
    _check(code)


def _check(code: int) -> None:
    if not 200 <= code < 300:
        raise _rejected(code)


def _rejected(code: int) -> MailRejected:
    return MailRejected(f"refused_{code}", permanent=500 <= code < 600, unavailable=code == 421)
