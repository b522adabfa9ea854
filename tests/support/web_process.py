"""Start the web process of the Procfile, as an operator does."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.processes import ROOT


@contextlib.contextmanager
def gunicorn(variables: Mapping[str, str], port: int, log: Path) -> Iterator[str]:
    """Run the web process of the Procfile; yields its address when it is ready."""
    address = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ.get("PATH", ""),
        **variables,
        "PUBLIC_URL": address,
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    command = [str(Path(sys.executable).parent / "gunicorn"), "--config", "config/gunicorn.py"]
    with log.open("wb") as output:
        running = subprocess.Popen(
            [*command, "wsgi:application"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            _until_ready(address, running, log)
            yield address
        finally:
            running.terminate()
            running.wait(timeout=30)


def _until_ready(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while running.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ready", timeout=2):  # noqa: S310
            return
        time.sleep(0.1)
    raise RuntimeError(f"gunicorn did not start:\n{log.read_text()[-2000:]}")
