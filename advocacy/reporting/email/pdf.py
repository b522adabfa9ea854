"""PDF files: charts are drawn by vl-convert, pages are set by Typst.

Note: this takes some 260 MB of memory. Workers do it in a child process; a web process calls
`typeset_in_subprocess`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import msgspec

from advocacy.core.records import JsonObject
from advocacy.reporting.charts import Definition

_TEMPLATE = Path(__file__).parents[2] / "web" / "templates" / "mail" / "sheet.typ"
_MOST_SECONDS = 60
_PACKAGES = ("typst", "vl_convert")

PDF_ADVICE = "install them with `pip install 'advocacy[pdf]'`, or `make pdf` in a checkout"


@dataclass(frozen=True, slots=True)
class Task:
    """What to set: the content of a sheet, and its charts by name."""

    sheet: JsonObject
    charts: Mapping[str, Definition]
    locales: Definition
    made_at: datetime


def pdf_installed() -> bool:
    """Return whether the optional packages for charts and PDF are installed."""
    return all(find_spec(name) for name in _PACKAGES)


def typeset(task: Task) -> bytes:
    """Return the PDF of what `render.to_set` returned."""
    # Imported here, as both packages take much memory.
    import typst
    import vl_convert

    with tempfile.TemporaryDirectory(prefix="advocacy-report-") as name:
        folder = Path(name)
        for chart, definition in task.charts.items():
            (folder / f"{chart}.pdf").write_bytes(
                vl_convert.vegalite_to_pdf(definition, **task.locales)
            )
        (folder / "sheet.json").write_text(json.dumps(task.sheet))
        (folder / "sheet.typ").write_bytes(_TEMPLATE.read_bytes())
        # The same figures give the same file, byte for byte.
        made_at = task.made_at.astimezone(UTC)
        compiler = typst.Compiler(folder / "sheet.typ", root=folder)
        made = compiler.compile(format="pdf", timestamp=made_at)
    assert isinstance(made, bytes)  # noqa: S101 -- in this format it is a single file
    return made


def typeset_in_subprocess(task: Task) -> bytes:
    """Do the same in a process of its own. Raises `subprocess.SubprocessError`."""
    return subprocess.run(
        [sys.executable, "-m", "advocacy.reporting.email.pdf"],
        input=msgspec.json.encode(task),
        capture_output=True,
        timeout=_MOST_SECONDS,
        check=True,
    ).stdout


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
