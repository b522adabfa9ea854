"""What an operator may set, read once from the environment.

Note: nothing secret has a default. A wrong or missing value stops the start, and all mistakes are
named at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, get_type_hints
from urllib.parse import urlsplit


class SettingsError(Exception):
    """Some settings are missing or wrong; the message names each and says what to do."""


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not lowest <= number <= highest:
            raise ValueError(f"must be from {lowest} to {highest}")
        return number

    return read


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.05 <= number <= 3600:
        raise ValueError("must be from 0.05 to 3600 seconds")
    return number


def _database(text: str) -> str:
    scheme, rest = text.split(":", 1) if ":" in text else (text, "")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must begin with postgresql://")
    return f"postgresql+psycopg:{rest}"


def _redis(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return text


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError(
            "must have at least 32 characters; make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
        )
    return text


def _metrics_token(text: str) -> str:
    if not text.isascii() or any(letter.isspace() for letter in text):
        raise ValueError("must be ASCII without spaces")
    return _secret(text)


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError("must look like https://act.example.org")
    return text.rstrip("/")


def _smtp(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps", "smtp-plain"} or not parts.hostname:
        raise ValueError(
            "must look like smtp://name:password@mail.example.org:587 (STARTTLS, needed and "
            "verified), smtps://… (TLS from the start) or smtp-plain://… (no TLS, no password)"
        )
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("has an invalid port") from None
    if parts.scheme == "smtp-plain" and parts.password:
        raise ValueError("must not send a password without TLS; use smtp:// or smtps://")
    return text


def _sender(text: str) -> str:
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not (local and "." in domain and address.isascii() and "\n" not in name):
        raise ValueError("must look like Hope Project <reports@example.org>")
    return text


def _word(text: str) -> str:
    if not (text.isascii() and text.replace("-", "").isalnum()):
        raise ValueError("must be letters, digits and dashes")
    return text


def _pooler(text: str) -> str:
    if text not in {"none", "transaction"}:
        raise ValueError("must be none or transaction")
    return text


def _hosts(text: str) -> str:
    hosts = [host.strip().lower() for host in text.split(",") if host.strip()]
    if any(not host.isascii() or "/" in host or "@" in host or " " in host for host in hosts):
        raise ValueError("must be host names separated by commas, such as n8n.internal,10.0.0.7")
    return ",".join(hosts)


def _level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with what reads it and its default; `.env.example` says what each means."""

    database_url: Annotated[str, _database]
    redis_url: Annotated[str, _redis]
    secret_key: Annotated[str, _secret]
    public_url: Annotated[str, _public_url] = "http://127.0.0.1:8000"
    var_dir: Annotated[Path, Path] = Path("var")
    database_pooler: Annotated[str, _pooler] = "none"
    queue: Annotated[str, _word] = "drain"
    proxy_hops: Annotated[int, _whole(0, 5)] = 0
    body_limit_bytes: Annotated[int, _whole(1024, 64 * 1024 * 1024)] = 1024 * 1024
    batch_size: Annotated[int, _whole(1, 10_000)] = 2_000
    lease_seconds: Annotated[int, _whole(2, 3600)] = 30
    max_attempts: Annotated[int, _whole(1, 20)] = 3
    body_retention_days: Annotated[int, _whole(0, 3650)] = 30
    quarantine_retention_days: Annotated[int, _whole(0, 3650)] = 90
    click_ship_seconds: Annotated[float, _seconds] = 0.5
    links_refresh_seconds: Annotated[float, _seconds] = 1.0
    smtp_url: Annotated[str, _smtp] = ""
    mail_from: Annotated[str, _sender] = ""
    surge_window_minutes: Annotated[int, _whole(1, 60)] = 10
    surge_least_clicks: Annotated[int, _whole(1, 1_000_000)] = 30
    surge_least_actions: Annotated[int, _whole(1, 1_000_000)] = 10
    surge_times: Annotated[int, _whole(2, 1000)] = 4
    surge_quiet_hours: Annotated[int, _whole(1, 168)] = 6
    webhook_waiting: Annotated[int, _whole(1, 100_000)] = 500
    webhook_seconds: Annotated[float, _seconds] = 5.0
    outgoing_private_hosts: Annotated[str, _hosts] = ""
    live_streams: Annotated[int, _whole(0, 1000)] = 6
    metrics_token: Annotated[str, _metrics_token] = ""
    log_level: Annotated[str, _level] = "INFO"
    shared_rounding_base: Annotated[int, _whole(0, 1000)] = 5

    @property
    def https(self) -> bool:
        """Whether the outside uses TLS."""
        return self.public_url.startswith("https://")


_READERS: Mapping[str, Callable[[str], object]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}
_FORMER_NAMES = {
    "shared_rounding_base": "SMALL_GROUP_SHARED",
    "webhook_waiting": "DOOR_WAITING",
    "webhook_seconds": "DOOR_SECONDS",
}
"""What a setting was called before; it is read where the present name is not set."""
_REQUIRED = {each.name for each in fields(Settings) if each.default is MISSING}


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises `SettingsError` that names every mistake, not only the first.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    mistakes: list[str] = []
    for name, read in _READERS.items():
        variable = name.upper()
        text = environ.get(variable, "").strip()
        if not text and name in _FORMER_NAMES:
            variable = _FORMER_NAMES[name]
            text = environ.get(variable, "").strip()
        if not text:
            if name in _REQUIRED:
                mistakes.append(f"{variable} is not set")
            continue
        try:
            values[name] = read(text)
        except ValueError as error:
            mistakes.append(f"{variable} {error}")
    if "smtp_url" in values and not environ.get("MAIL_FROM", "").strip():
        mistakes.append("MAIL_FROM is not set, and SMTP_URL is")
    if mistakes:
        raise SettingsError(
            "; ".join(mistakes) + ". See .env.example, or use `make run`, which sets them itself."
        )
    return Settings(**values)  # type: ignore[arg-type]
