"""Run the README's commands from a first link to a first counted action."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from advocacy.cli.dev.up import free_port
from tests.support.processes import CLOCK, WEB, WORKER, answers, until
from tests.support.processes import process as running


@pytest.mark.slow
def test_the_first_link_leads_to_a_first_counted_action(app, environment, root, tmp_path):
    blocks = re.findall(r"^```sh\n(.*?)^```", (root / "README.md").read_text(), re.S | re.M)
    assert blocks[0] == "make run\n"
    port = free_port()
    variables = {
        **environment,
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "VAR_DIR": str(tmp_path),
    }
    # Where a person would wait for a moment, wait: the click is shipped after its redirect.
    script = "sleep 1\n".join(blocks[1:]).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    script = script.replace('export PATH="$PWD/.venv/bin:$PATH"', "")
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with running(variables, *WEB), running(variables, *WORKER), running(variables, *CLOCK):
        until(lambda: answers(port))
        done = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=root,
            env={**os.environ, **variables, "PATH": tools},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert "1 supporter activated: 1 new, 0 returning; 1 action\n" in done.stdout
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["clicks"] == {"human": 2, "other": 0}
    assert report["posts"][0]["by_kind"] == {"signature": 1}
    assert report["posts"][0]["post"]["title"] == "Sign today"
