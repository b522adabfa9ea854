"""Limit password attempts per account and IP address.

Note: no account is ever locked permanently. Waiting helps, and a one-time link works at once.
Redis counts for all processes; while it is down, each process counts on its own. Redis stores no
email or IP address, only keyed digests of them.
"""

from __future__ import annotations

import hmac
import math
import time
from ipaddress import IPv6Address, ip_address

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

log = structlog.get_logger()

ACCOUNT_AND_ADDRESS = parse("10 per 15 minutes")
ACCOUNT = parse("50 per hour")
ADDRESS = parse("100 per 15 minutes")
_REDIS_SECONDS = 0.25
# Internet providers assign a whole /64 to one customer.
_IPV6_PREFIX = 64


class LoginThrottle:
    """Counts password attempts, and returns how long to wait after too many."""

    def __init__(self, redis_url: str, key: bytes) -> None:
        # The scheme is unix:// for redis-py, and redis+unix:// for limits.
        url = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
        self._key = key
        self._shared = MovingWindowRateLimiter(
            RedisStorage(
                url,
                key_prefix="guesses",
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
            )
        )
        self._local = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, account: str, address: str) -> int:
        """Count an attempt; return 0 if it is allowed, else the seconds until the next one is."""
        try:
            return self._count(self._shared, account, address)
        except RedisError:
            log.warning("guesses_counted_here")
            return self._count(self._local, account, address)

    def forget(self, account: str, address: str) -> None:
        """Forget the attempts at an account after its owner has signed in."""
        for limiter in (self._shared, self._local):
            try:
                for limit, *keys in self._limits(account, address):
                    if limit is not ADDRESS:
                        limiter.clear(limit, *keys)
            except RedisError:
                log.warning("guesses_counted_here")

    def _count(self, limiter: MovingWindowRateLimiter, account: str, address: str) -> int:
        # Narrowest limit first: an attempt that it rejects does not count against the wider ones.
        for limit, *keys in self._limits(account, address):
            if not limiter.hit(limit, *keys):
                again_at = limiter.get_window_stats(limit, *keys).reset_time
                return max(1, math.ceil(again_at - time.time()))
        return 0

    def _limits(self, account: str, address: str) -> list[tuple[RateLimitItem, str, str]]:
        account_key, network_key = self._digest(account), self._digest(_network(address))
        return [
            (ACCOUNT_AND_ADDRESS, account_key, network_key),
            (ADDRESS, "anyone", network_key),
            (ACCOUNT, account_key, "anywhere"),
        ]

    def _digest(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:32]


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(int(found) >> (128 - _IPV6_PREFIX))
    return str(found)
