"""The heavy part of making a PDF: charts are drawn by vl-convert, pages are set by Typst.

Note: this takes a process some 260 MB. A worker's child may have them;
a web process calls `apart`, which does it in a process that ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).parents[2] / "web" / "templates" / "mail" / "sheet.typ"
_MOST_SECONDS = 60
_PACKAGES = ("typst", "vl_convert")

PDF_ADVICE = "install them with `pip install 'advocacy[pdf]'`, or `make pdf` in a checkout"


def pdf_installed() -> bool:
    """Return whether the optional packages that draw charts and set pages are there."""
    return all(find_spec(name) for name in _PACKAGES)


def typeset(task: Mapping[str, Any]) -> bytes:
    """Set what `paper.to_set` made as PDF, in this process."""
    # Here, so that processes that make no report do not hold a browser's engine in memory.
    import typst
    import vl_convert

    with tempfile.TemporaryDirectory(prefix="advocacy-report-") as name:
        folder = Path(name)
        for chart, definition in task["charts"].items():
            (folder / f"{chart}.pdf").write_bytes(
                vl_convert.vegalite_to_pdf(definition, **task["locales"])
            )
        (folder / "sheet.json").write_text(json.dumps(task["sheet"]))
        (folder / "sheet.typ").write_bytes(_TEMPLATE.read_bytes())
        # The same figures give the same file, byte for byte.
        made_at = datetime.fromisoformat(task["made_at"]).astimezone(UTC)
        compiler = typst.Compiler(folder / "sheet.typ", root=folder)
        made = compiler.compile(format="pdf", timestamp=made_at)
    assert isinstance(made, bytes)  # noqa: S101 -- of this form it is one file
    return made


def apart(task: Mapping[str, Any]) -> bytes:
    """Set it as PDF in a process of its own. Raises `subprocess.SubprocessError`."""
    return subprocess.run(
        [sys.executable, "-m", "advocacy.reporting.email.pdf"],
        input=json.dumps(task).encode(),
        capture_output=True,
        timeout=_MOST_SECONDS,
        check=True,
    ).stdout


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(json.load(sys.stdin)))
