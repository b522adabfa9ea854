"""Ends a server where its processes could not start, before it makes any."""

from __future__ import annotations

import subprocess
import sys


def exit_unless_ready() -> None:
    """End this process with the reason if settings or key are wrong: see `cli.start_check`.

    Note: a process that cannot start would be started again and again, each time with a traceback.
    """
    checked = subprocess.run([sys.executable, "-m", "advocacy.cli.start_check"], check=False)
    if checked.returncode:
        sys.exit(checked.returncode)
