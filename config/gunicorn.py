"""gunicorn for the web process; every value can be turned by the environment."""

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
# The access log would hold source keys and codes; the metrics say what it would have said.
accesslog = None
errorlog = "-"
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
control_socket_disable = True


_M_ARENA_MAX = -8


def on_starting(server: Any) -> None:
    """Bind a socket that all processes share, so that a request finds any that lives."""
    exit_unless_ready()
    server.LISTENERS = create_sockets(server.cfg, server.log)


def post_fork(server: Any, worker: Any) -> None:
    """Let a process that is loading have no socket of its own, and few places to take memory from.

    Note: gunicorn binds one here because of `reuse_port`. The kernel would hand it connections that
    wait until the application is loaded while another process is idle.
    """
    for bound in worker.sockets:
        if bound not in server.LISTENERS:
            bound.close()
    worker.sockets = list(server.LISTENERS)
    # glibc keeps what each thread has freed apart, and there are sixteen; others have no such call.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def worker_exit(_server: Any, worker: Any) -> None:
    """Ship the click log before the process ends: its disk may end with it."""
    door = getattr(worker, "wsgi", None) or getattr(worker, "asgi", None)
    if finish := getattr(door, "finish", None):
        finish()


def post_worker_init(worker: Any) -> None:
    """Bind a socket of its own too, now that the application is loaded.

    On a shared socket whoever is first takes all connections, and those that stay open, as a
    proxy's do, were all answered by one core. The kernel divides them among sockets.

    Streams see that this process is told to stop; it would wait for them otherwise.
    """
    if reuse_port:
        worker.sockets = [*worker.sockets, *create_sockets(worker.cfg, worker.log)]
    tune_garbage_collection()
    if app := getattr(worker.wsgi, "app", None):
        app.extensions["stopping"] = lambda: not worker.alive
