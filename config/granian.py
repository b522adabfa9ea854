"""granian for redirects and webhooks as a separate process; configurable by the environment.

An event loop instead of threads: a redirect has nothing to wait for, and webhooks wait together.
granian reads requests and writes responses outside of Python, which was more than half of the cost
of a redirect under gunicorn's event loop.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

from granian import Granian
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels

from config.starting import exit_unless_ready

_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 20
_JSON = {"()": "config.logging.JSONFormatter"}


def main() -> None:
    """Serve redirects and webhooks until stopped."""
    exit_unless_ready()
    os.register_at_fork(after_in_child=partial(_end_with, os.getpid()))
    Granian(
        "advocacy.app:edge_server",
        os.environ.get("HOST", "127.0.0.1"),
        int(os.environ.get("LINKS_PORT", "8001")),
        interface=Interfaces.RSGI,
        workers=int(os.environ.get("LINKS_CONCURRENCY", "2")),
        # Two I/O threads for the one that runs Python: a fifth more redirects than with one.
        runtime_mode=RuntimeModes.mt,
        runtime_threads=2,
        http=HTTPModes.http1,
        factory=True,
        websockets=False,
        # The access log would contain source keys and codes; the metrics cover the rest.
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig={"formatters": dict.fromkeys(("generic", "access"), _JSON)},
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE_SECONDS,
    ).serve()


def _end_with(parent: int) -> None:
    """End this process, with its clicks loaded, if its parent is killed.

    Note: a thread polls, because a signal that arrives while the process starts is lost: until its
    event loop is up it has its parent's handlers. For the same reason the signal is sent
    repeatedly.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        for _ in range(int(_GRACE_SECONDS / _LOOK_SECONDS)):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


if __name__ == "__main__":
    main()
