"""The machine of a measurement: a figure without it means nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from advocacy.storage.session import scalar, transaction

_SHOWN = ("shared_buffers", "synchronous_commit", "fsync", "full_page_writes", "wal_sync_method")


def describe() -> dict[str, Any]:
    """Return processor, memory, versions and the relevant settings of PostgreSQL."""
    with transaction():
        server = scalar(str, "show server_version")
        shown = {name: scalar(str, f"show {name}") for name in _SHOWN}
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": server,
        **shown,
        "load_before": round(os.getloadavg()[0], 2),
        "revision": _revision(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _revision() -> str:
    git = shutil.which("git")
    if not git:
        return ""
    found = subprocess.run(
        [git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
