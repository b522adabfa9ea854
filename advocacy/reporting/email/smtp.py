"""Mail: one message to one person by SMTP, and what the server said to it.

Note: not taken and not known are two things. Until the message itself is
on its way nothing was sent, and it may be tried again; once it is and no answer comes, it may have
arrived, and sending it again could be twice. A server without STARTTLS, or with a certificate that
does not hold, gets neither password nor message.
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
    "server_away": "look whether it runs, and whether host and port in SMTP_URL are right",
    "no_starttls": "it offers no STARTTLS; use smtps://, or smtp-plain:// for a relay of your own",
    "tls_failed": "its certificate does not hold; set SSL_CERT_FILE for an authority of your own",
    "login_refused": "look at the name and the password in SMTP_URL",
}
"""What an operator can do about a word of `NotTaken`; of what a server refuses, its log tells."""


class NotTaken(Exception):
    """The server did not take it. `word` says why; `for_good` that trying again is of no use.

    `server_away`: nothing that is sent now would fare better.
    """

    def __init__(self, word: str, *, for_good: bool = False, server_away: bool = False) -> None:
        super().__init__(word)
        self.word, self.for_good, self.server_away = word, for_good, server_away


class NotKnown(Exception):
    """The message was handed over and no answer came: it may have arrived or not."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: plain, as HTML, with pictures (by name, PNG) and files (PDF, by name)."""

    subject: str
    text: str
    html: str
    pictures: Sequence[tuple[str, bytes]] = ()
    files: Sequence[tuple[str, bytes]] = ()


def message(letter: Letter, sender: str, to: str, name: str) -> EmailMessage:
    """Put a letter into a message; `name` makes its Message-ID, so that the same name is the same.

    The HTML shows a picture as `cid:NAME`. Text goes as quoted-printable, since not every server
    takes 8 bits.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    made = EmailMessage(policy=SMTP)
    made["From"] = formataddr(parseaddr(sender))
    made["To"] = to
    # A title can have a line break; a header cannot.
    made["Subject"] = " ".join(letter.subject.split())
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = f"<{name}@{domain}>"
    # Whoever is no member has no page on which to end these mails; whoever sends them can.
    made["List-Unsubscribe"] = f"<mailto:{parseaddr(sender)[1]}?subject=unsubscribe>"
    # Answering machines leave such mail alone (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text, cte="quoted-printable")
    made.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    html = made.get_payload()[1]  # type: ignore[index]
    for picture, content in letter.pictures:
        html.add_related(  # type: ignore[union-attr]
            content,
            "image",
            "png",
            cid=f"<{picture}>",
            disposition="inline",
            filename=f"{picture}.png",
        )
    for file, content in letter.files:
        made.add_attachment(content, "application", "pdf", filename=file)
    return made


def deliver(smtp_url: str, mail: EmailMessage, timeout: float = TIMEOUT_SECONDS) -> None:
    """Hand a message to the server, or raise `NotTaken` or `NotKnown`. It is taken on return.

    Each answer of the server is waited for `timeout` seconds.
    """
    parts = urlsplit(smtp_url)
    server = _connect(parts.scheme, parts.hostname or "", parts.port, timeout)
    try:
        _prepare(server, parts.scheme, unquote(parts.username or ""), unquote(parts.password or ""))
        _hand_over(server, mail)
    finally:
        # It is taken or not by now, whatever comes of saying goodbye.
        with suppress(smtplib.SMTPException, OSError):
            if server.sock:
                server.sock.settimeout(2.0)
                server.quit()
        server.close()


def reach(smtp_url: str, timeout: float) -> None:
    """Go as far as signing in, and send nothing. Raises `NotTaken`."""
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
        raise NotTaken("tls_failed", server_away=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken("server_away", server_away=True) from error


def _prepare(server: smtplib.SMTP, scheme: str, user: str, password: str) -> None:
    """Greet, go over to TLS where the scheme says so, and sign in.

    A mistake in the set-up stands in the way of all mail and can be mended: it is tried again.
    """
    try:
        server.ehlo_or_helo_if_needed()
        if scheme == "smtp":
            if not server.has_extn("starttls"):
                raise NotTaken("no_starttls", server_away=True)
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if user:
            server.login(user, password)
    except ssl.SSLError as error:
        raise NotTaken("tls_failed", server_away=True) from error
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise NotTaken("login_refused", server_away=True) from error
    except smtplib.SMTPResponseException as error:
        word = "tls_failed" if scheme == "smtp" else f"refused_{error.smtp_code}"
        raise NotTaken(word, server_away=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken("server_away", server_away=True) from error


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        for code, _ in (
            server.mail(parseaddr(mail["From"])[1]),
            server.rcpt(parseaddr(mail["To"])[1]),
        ):
            _taken(code)
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken("server_away", server_away=True) from error
    try:
        code, _ = server.data(mail.as_bytes())
    except smtplib.SMTPDataError as error:
        # It refused before the message was on its way.
        raise _not_taken(error.smtp_code) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotKnown from error
    _taken(code)


def _taken(code: int) -> None:
    if not 200 <= code < 300:
        raise _not_taken(code)


def _not_taken(code: int) -> NotTaken:
    return NotTaken(f"refused_{code}", for_good=500 <= code < 600, server_away=code == 421)
