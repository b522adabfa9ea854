"""gunicorn for the web process; configurable by the environment."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from typing import Any

from gunicorn.sock import create_sockets

from config.garbage import tune_garbage_collection
from config.starting import exit_unless_ready

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
reuse_port = hasattr(socket, "SO_REUSEPORT")
threads = int(os.environ.get("WEB_THREADS", "16"))
timeout = 30
graceful_timeout = 20
keepalive = 5
# The access log would contain source keys and codes; the metrics cover the rest.
accesslog = None
errorlog = "-"
loglevel = "warning"
logconfig_dict = {
    "formatters": {"generic": {"()": "config.logging.JSONFormatter"}},
    # With a configuration of its own, gunicorn no longer looks at `loglevel`.
    "loggers": {
        "gunicorn.error": {
            "level": loglevel.upper(),
            "handlers": ["error_console"],
            "propagate": False,
        }
    },
}
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
control_socket_disable = True


_M_ARENA_MAX = -8


def on_starting(server: Any) -> None:
    """Bind a socket that all processes share, so that any living process can take a request."""
    exit_unless_ready()
    server.LISTENERS = create_sockets(server.cfg, server.log)


def post_fork(server: Any, worker: Any) -> None:
    """Close sockets of a process that is still loading, and limit its memory arenas.

    Note: gunicorn binds one here because of `reuse_port`. The kernel would give it connections that
    wait until the application is loaded while another process is idle.
    """
    for bound in worker.sockets:
        if bound not in server.LISTENERS:
            bound.close()
    worker.sockets = list(server.LISTENERS)
    # glibc keeps freed memory per thread, and there are sixteen; others have no such call.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def worker_exit(_server: Any, worker: Any) -> None:
    """Load the click log before the process ends: its disk may end with it."""
    application = getattr(worker, "wsgi", None) or getattr(worker, "asgi", None)
    if finish := getattr(application, "finish", None):
        finish()


def post_worker_init(worker: Any) -> None:
    """Bind a socket of its own too, now that the application is loaded.

    On a shared socket the first process takes all connections, so that those kept open, as a
    proxy's are, were all served by one core. The kernel distributes them among sockets.

    Live pages learn that this process is stopping; it would wait for them otherwise.
    """
    if reuse_port:
        worker.sockets = [*worker.sockets, *create_sockets(worker.cfg, worker.log)]
    tune_garbage_collection()
    if app := getattr(worker.wsgi, "app", None):
        app.extensions["stopping"] = lambda: not worker.alive
