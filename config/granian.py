"""granian for the doors as a process of their own; every value can be turned by the environment.

An event loop instead of threads: there is nothing to wait for in a redirect, and deliveries wait
together. granian reads requests and writes answers outside of Python, which was more than half of
what a redirect cost under gunicorn's event loop.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve the doors until told to stop."""
    os.register_at_fork(after_in_child=_end_with_parent)
    Granian(
        "advocacy.doors:doors",
        os.environ.get("HOST", "127.0.0.1"),
        int(os.environ.get("LINKS_PORT", "8001")),
        interface=Interfaces.RSGI,
        workers=int(os.environ.get("LINKS_CONCURRENCY", "2")),
        # Two threads read and write for the one that runs Python: a fifth more redirects than one.
        runtime_mode=RuntimeModes.mt,
        runtime_threads=2,
        http=HTTPModes.http1,
        websockets=False,
        # The access log would hold source keys and codes; the metrics say what it would have said.
        log_access=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=20,
    ).serve()


def _end_with_parent() -> None:
    """Let a process end, and ship, when the one that watches it was killed: nobody else would."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main()
