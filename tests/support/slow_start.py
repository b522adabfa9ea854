"""The applications of the processes, that take long to load where `SLOW_START` names a file.

Run by the tests in real servers: what happens while a process starts beside others.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

if Path(os.environ["SLOW_START"]).exists():
    time.sleep(5)

from advocacy.app import edge_server, wsgi_application

__all__ = ["edge_server", "wsgi_application"]
