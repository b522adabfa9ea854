"""Install lock files into the environment that runs this, saying how far it is.

    .venv/bin/python tools/install.py requirements.lock requirements-run.lock

Needs pip and nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from pathlib import Path

_PIP = [
    *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
    *("--progress-bar", "off", "--require-hashes"),
]
_EVERY = 10
_LAST_LINES = 30


def main(files: list[str]) -> int:
    """Run pip and print a line now and then; on failure print the end of pip's output."""
    print(f"installing {' and '.join(files)} ({_packages(files)} packages)", flush=True)
    began = time.monotonic()
    fetched = 0
    last: deque[str] = deque(maxlen=_LAST_LINES)
    command = [*_PIP, *(part for file in files for part in ("--requirement", file))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as pip:
        for line in pip.stdout or ():
            last.append(line)
            # What pip prints of each package it fetches, from an index or from this machine.
            if line.startswith(("Collecting ", "Processing ")):
                fetched += 1
                if fetched % _EVERY == 0:
                    print(f"  fetched {fetched}", flush=True)
            elif line.startswith("Installing collected packages"):
                print(f"  fetched {fetched}, unpacking them", flush=True)
    if pip.returncode:
        sys.stderr.write("".join(last))
        print(f"Error: pip could not install {' and '.join(files)}; see above", file=sys.stderr)
        return 1
    print(f"  done in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _packages(files: list[str]) -> int:
    """Return how many packages the files name; some may be for other systems only."""
    lines = (line for file in files for line in Path(file).read_text().splitlines())
    return len({line.split("==")[0] for line in lines if line[:1].isalnum() and "==" in line})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
