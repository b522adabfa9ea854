"""Structured logs, one JSON object a line, without personal data.

Note: fields that are not on the list are dropped, so that no one can log a body, an address or a
header by accident. Texts are cut at 256 characters.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

_OF_EVERY_LINE = ("logger", "event", "level", "timestamp", "exception", "error", "reason")
_OF_WORK = ("deliveries", "done", "quarantined", "restated", "clicks", "links", "bodies", "seconds")
_OF_PLACE = (
    "provider",
    "source",
    "request_id",
    "work",
    "job",
    "status",
    "method",
    "port",
    "pid",
    "logger",
)
ALLOWED = frozenset((*_OF_EVERY_LINE, *_OF_WORK, *_OF_PLACE))
_LONGEST = 256


def drop_personal(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    """Keep only fields that cannot contain personal data."""
    for name in list(event):
        if name not in ALLOWED:
            del event[name]
        elif isinstance(event[name], str) and name != "exception":
            event[name] = event[name][:_LONGEST]
    return event


def _where_only(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    """Replace an exception by its type and its places: messages can contain data."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException):
        places = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["exception"] = f"{type(error).__name__} at {' > '.join(places[-8:])}"
    return event


class JSONFormatter(logging.Formatter):
    """Formats what libraries log like our own lines.

    Note: of a message only its template is logged, since its arguments can contain data; of an
    exception its type and its places.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        event: MutableMapping[str, Any] = {
            "event": str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "exc_info": record.exc_info[1] if record.exc_info else None,
        }
        for process in (_where_only, drop_personal):
            event = process(None, "", event)
        return json.dumps(event, sort_keys=True)


def configure(level: str = "INFO") -> None:
    """Log to standard error from now on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where_only,
            drop_personal,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # RQ adds handlers of its own only if there are none.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.getLogger("rq").handlers = [handler]
