"""gunicorn for the doors as a process of their own; every value can be turned by the environment.

With gunicorn's event loop instead of its threads: there is nothing to wait for in a
redirect, and deliveries wait together.
"""

import os
import sys
from typing import Any

from config.gunicorn import *  # noqa: F403 -- all but what follows is as for the web process

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('LINKS_PORT', '8001')}"
workers = int(os.environ.get("LINKS_CONCURRENCY", "2"))
worker_class = "asgi"
threads = 1


def post_fork(_server: Any, _worker: Any) -> None:
    """Hand the interpreter over sooner: a redirect must not wait 5 ms for a thread that ships."""
    sys.setswitchinterval(0.0005)
