"""What an operator may turn, read once from the environment.

Here lives one frozen record and the function that reads it. No behaviour, and no default for
anything secret: a wrong or missing value stops the start, and all mistakes are named at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """Some settings are missing or wrong; the message names each and says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See `.env.example` for what each means."""

    database_url: str
    redis_url: str
    secret_key: str
    public_url: str = "http://127.0.0.1:8000"
    var_dir: Path = Path("var")
    database_pooler: str = "none"
    queue: str = "drain"
    proxy_hops: int = 0
    body_limit_bytes: int = 1024 * 1024
    batch_size: int = 2_000
    lease_seconds: int = 30
    max_attempts: int = 3
    body_retention_days: int = 30
    quarantine_retention_days: int = 90
    click_ship_seconds: float = 0.5
    links_refresh_seconds: float = 1.0
    smtp_url: str = ""
    mail_from: str = ""
    surge_window_minutes: int = 10
    surge_least_clicks: int = 30
    surge_least_actions: int = 10
    surge_times: int = 4
    surge_quiet_hours: int = 6
    door_waiting: int = 500
    door_seconds: float = 5.0
    live_streams: int = 6
    log_level: str = "INFO"
    small_group: int = 0
    small_group_shared: int = 5

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")


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
        raise ValueError("has a port that is none") from None
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


def _level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


_READERS: Mapping[str, Callable[[str], object]] = {
    "database_url": _database,
    "redis_url": _redis,
    "secret_key": _secret,
    "public_url": _public_url,
    "var_dir": Path,
    "database_pooler": _pooler,
    "queue": _word,
    "proxy_hops": _whole(0, 5),
    "body_limit_bytes": _whole(1024, 64 * 1024 * 1024),
    "batch_size": _whole(1, 10_000),
    "lease_seconds": _whole(2, 3600),
    "max_attempts": _whole(1, 20),
    "body_retention_days": _whole(0, 3650),
    "quarantine_retention_days": _whole(0, 3650),
    "click_ship_seconds": _seconds,
    "links_refresh_seconds": _seconds,
    "smtp_url": _smtp,
    "mail_from": _sender,
    "surge_window_minutes": _whole(1, 60),
    "surge_least_clicks": _whole(1, 1_000_000),
    "surge_least_actions": _whole(1, 1_000_000),
    "surge_times": _whole(2, 1000),
    "surge_quiet_hours": _whole(1, 168),
    "door_waiting": _whole(1, 100_000),
    "door_seconds": _seconds,
    "live_streams": _whole(0, 1000),
    "log_level": _level,
    "small_group": _whole(0, 1000),
    "small_group_shared": _whole(0, 1000),
}
_REQUIRED = ("database_url", "redis_url", "secret_key")


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
