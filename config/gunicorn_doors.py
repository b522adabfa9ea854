"""gunicorn for the doors as a process of their own; every value can be turned by the environment.

With gunicorn's event loop instead of its threads: there is nothing to wait for in a
redirect, and deliveries wait together.
"""

import os
import socket
import sys
from typing import Any

from gunicorn.sock import TCPSocket

from config.gunicorn import *  # noqa: F403 -- all but what follows is as for the web process

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('LINKS_PORT', '8001')}"
workers = int(os.environ.get("LINKS_CONCURRENCY", "2"))
worker_class = "asgi"
threads = 1
reuse_port = True


def post_fork(_server: Any, worker: Any) -> None:
    """Give a process a door of its own beside the common one, and hand the interpreter over sooner.

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
    # A redirect must not wait 5 ms for a thread that ships.
    sys.setswitchinterval(0.0005)
