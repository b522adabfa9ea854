"""The applications of the processes, slow to load while the file in `SLOW_START` exists.

Run by tests in real servers, to see what happens while a process starts.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

if Path(os.environ["SLOW_START"]).exists():
    time.sleep(5)

from advocacy.app import edge_server, wsgi_application

__all__ = ["edge_server", "wsgi_application"]
