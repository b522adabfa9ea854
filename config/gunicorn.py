"""gunicorn for the web process; every value can be turned by the environment."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from typing import Any

from gunicorn.sock import TCPSocket

from config.garbage import collect_seldom

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
reuse_port = True
threads = int(os.environ.get("WEB_THREADS", "16"))
timeout = 30
graceful_timeout = 20
keepalive = 5
# The access log would hold source keys and codes; the metrics say what it would have said.
accesslog = None
errorlog = "-"
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
control_socket_disable = True


_M_ARENA_MAX = -8


def post_fork(_server: Any, worker: Any) -> None:
    """Give a process a door of its own beside the common one, and few places to take memory from.

    At the common door whoever is first takes all that knock, and connections that stay open, as a
    proxy's do, were all answered by one core. The kernel shares them out among the doors. What
    knocks at the common one is there for whoever is alive.
    """
    worker.sockets = [
        *worker.sockets,
        *(
            type(common)(common.getsockname(), worker.cfg, worker.log)
            for common in worker.sockets
            if isinstance(common, TCPSocket) and hasattr(socket, "SO_REUSEPORT")
        ),
    ]
    # glibc keeps what each thread has freed apart, and there are sixteen; others have no such call.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def worker_exit(_server: Any, worker: Any) -> None:
    """Ship the click log before the process ends: its disk may end with it."""
    door = getattr(worker, "wsgi", None) or getattr(worker, "asgi", None)
    if finish := getattr(door, "finish", None):
        finish()


def post_worker_init(worker: Any) -> None:
    """Let streams see that this process is told to stop; it would wait for them otherwise."""
    collect_seldom()
    if served := sys.modules.get("advocacy.wsgi"):
        served.app.extensions["stopping"] = lambda: not worker.alive
