"""How often a password may be guessed: per account and address, per account, per address.

Note: nobody is ever locked out for good. Who waits is let in again, and
a one-time link lets in at once. Redis counts for all processes; without Redis each process counts
for itself, so that guessing is slow even then. Redis never sees an e-mail or an IP address, only
keyed digests of them.
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
# A provider gives a whole /64 to one customer.
_IPV6_PREFIX = 64


class Guesses:
    """Counts tries, and says how long to wait where there were too many."""

    def __init__(self, redis_url: str, key: bytes) -> None:
        # redis-py writes unix://, limits redis+unix://.
        url = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
        self._key = key
        self._everywhere = MovingWindowRateLimiter(
            RedisStorage(
                url,
                key_prefix="guesses",
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
            )
        )
        self._here = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, account: str, address: str) -> int:
        """Count a try; 0 where it is allowed, else in how many seconds to try again."""
        try:
            return self._count(self._everywhere, account, address)
        except RedisError:
            log.warning("guesses_counted_here")
            return self._count(self._here, account, address)

    def forget(self, account: str, address: str) -> None:
        """Forget the tries at an account: its owner has come."""
        for limiter in (self._everywhere, self._here):
            try:
                for limit, *words in self._limits(account, address):
                    if limit is not ADDRESS:
                        limiter.clear(limit, *words)
            except RedisError:
                log.warning("guesses_counted_here")

    def _count(self, limiter: MovingWindowRateLimiter, account: str, address: str) -> int:
        # The narrowest first: whoever is stopped by it does not use up what others have together.
        for limit, *words in self._limits(account, address):
            if not limiter.hit(limit, *words):
                again_at = limiter.get_window_stats(limit, *words).reset_time
                return max(1, math.ceil(again_at - time.time()))
        return 0

    def _limits(self, account: str, address: str) -> list[tuple[RateLimitItem, str, str]]:
        whose, where = self._digest(account), self._digest(_network(address))
        return [
            (ACCOUNT_AND_ADDRESS, whose, where),
            (ADDRESS, "anyone", where),
            (ACCOUNT, whose, "anywhere"),
        ]

    def _digest(self, word: str) -> str:
        return hmac.digest(self._key, word.encode(), "sha256").hex()[:32]


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(int(found) >> (128 - _IPV6_PREFIX))
    return str(found)
