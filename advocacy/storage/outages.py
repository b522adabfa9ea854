"""Tell outages of the infrastructure from errors that a delivery causes.

A full disk, a lock timeout, a table that a migration is changing: the next attempt may succeed with
the same delivery. Such errors postpone work, and do not count as an attempt.

Note: it depends on the SQLSTATE class (PostgreSQL, appendix A). Only classes about the data itself
are attributed to a delivery; unknown classes are not.
"""

from __future__ import annotations

from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from advocacy.storage.connections import DeadlineExceeded

# Cardinality, data exception, integrity constraint, check option, program limit exceeded.
_OWN_CLASSES = frozenset({"21", "22", "23", "44", "54"})
_NAMES_BY_STATE = {
    "25006": "read_only",
    "25P03": "timed_out",
    "40P01": "deadlock",
    "53100": "disk_full",
    "53200": "out_of_memory",
    "53300": "too_many_connections",
    "55P03": "locked",
    "57014": "timed_out",
}
_NAMES_BY_CLASS = {
    "08": "no_connection",
    "28": "not_authorized",
    "40": "contended",
    "42": "tables_differ",
    "53": "no_resources",
    "55": "locked",
    "57": "shutting_down",
    "58": "io_error",
    "XX": "database_fault",
}
ADVICE = {
    "read_only": "PostgreSQL takes no writes; see whether it is a replica or set to read only",
    "deadlock": "transactions block each other; see what else writes to the database",
    "disk_full": "PostgreSQL's disk is full; free some space",
    "out_of_memory": "PostgreSQL or a worker has no memory left; give it more",
    "too_many_connections": "PostgreSQL has no connection left; raise max_connections",
    "locked": "a table or row stays locked; see pg_locks for who holds it",
    "timed_out": "statements take too long; see what else the database is doing",
    "no_connection": "PostgreSQL does not answer; start it, or correct DATABASE_URL",
    "not_authorized": "PostgreSQL refuses the role; see its rights and DATABASE_URL",
    "contended": "transactions get into each other's way; run fewer workers if it stays so",
    "tables_differ": "tables are not what this version expects; run `advocacy migrate`",
    "no_resources": "PostgreSQL is short of resources; see its log",
    "shutting_down": "PostgreSQL is stopping or starting; it should go on when it is up",
    "io_error": "PostgreSQL cannot read or write its files; see its log and the disk",
    "database_fault": "PostgreSQL reports an internal error; see its log",
    "redis": "Redis does not answer; start it, or correct REDIS_URL",
    "job_timeout": "a job took longer than it may; see what the database is doing",
    "system": "the operating system refused something; see the worker's log",
}


def name_of(error: BaseException) -> str:
    """Return the name of an outage, a key of `ADVICE`; '' if the error is not one."""
    # Import nothing of RQ here: web processes do not need it.
    from rq.timeouts import BaseTimeoutException

    if isinstance(error, DBAPIError):
        return _name_in_database(error)
    if isinstance(error, PoolTimeout):
        return "too_many_connections"
    if isinstance(error, DeadlineExceeded):
        return "timed_out"
    if isinstance(error, MemoryError):
        return "out_of_memory"
    if isinstance(error, BaseTimeoutException):
        return "job_timeout"
    if isinstance(error, RedisError):
        return "redis"
    return "system" if isinstance(error, OSError) else ""


def _name_in_database(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        # The driver rejected a value, or the connection was closed.
        return "" if isinstance(error, (DataError, IntegrityError)) else "no_connection"
    if state[:2] in _OWN_CLASSES:
        return ""
    return _NAMES_BY_STATE.get(state) or _NAMES_BY_CLASS.get(state[:2], "database_fault")
