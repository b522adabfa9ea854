"""End a server whose processes could not start, before it creates any."""

from __future__ import annotations

import subprocess
import sys


def exit_unless_ready() -> None:
    """Exit with the reason if the settings or the key are wrong: see `cli.start_check`.

    Note: a process that cannot start would be restarted again and again, each time with a
    traceback.
    """
    checked = subprocess.run([sys.executable, "-m", "advocacy.cli.start_check"], check=False)
    if checked.returncode:
        sys.exit(checked.returncode)
