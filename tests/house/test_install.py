"""What `make run` and `make test` install with: lock files, hashes, a line now and then."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ("requirements.lock", "requirements-run.lock")
MOST_MEGABYTES = 350
PIP_MEGABYTES = 20
"""What an environment has before anything is installed: pip, and on some versions setuptools."""


def pinned(name: str) -> set[str]:
    """Return the lines of a lock file that name a package and its version."""
    lines = (ROOT / name).read_text().splitlines()
    return {line.removesuffix(" \\") for line in lines if line[:1].isalnum()}


def names(pins: set[str]) -> set[str]:
    return {pin.partition("==")[0] for pin in pins}


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=; ]", each, maxsplit=1)[0].lower() for each in requirements}


def wheel(folder: Path, name: str) -> str:
    """Write a wheel of one empty module; return its line in a lock file."""
    about = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as packed:
        packed.writestr(f"{name}.py", "")
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        packed.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}==1.0 \\\n    --hash=sha256:{digest}\n    # via nothing==1\n"


def install(folder: Path, *locks: Path) -> subprocess.CompletedProcess[str]:
    variables = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_TARGET": str(folder / "installed"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "install.py"), *map(str, locks)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.fixture
def locks(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first.lock", tmp_path / "second.lock"
    first.write_text("".join(wheel(tmp_path, f"first{number}") for number in range(12)))
    second.write_text(wheel(tmp_path, "second") + wheel(tmp_path, "first1"))
    return first, second


def test_every_package_of_the_files_is_installed_and_counted(tmp_path, locks):
    done = install(tmp_path, *locks)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"installing {locks[0]} and {locks[1]} (13 packages)"
    assert "  fetched 10" in lines
    assert lines[-1].startswith("  done in ")
    assert done.stdout.replace("\n", "").isprintable()
    assert len(list((tmp_path / "installed").glob("*.py"))) == 13


def test_a_package_of_another_hash_is_refused_and_the_reason_is_shown(tmp_path, locks):
    first, _ = locks
    wheel(tmp_path, "first3")
    with ZipFile(tmp_path / "first3-1.0-py3-none-any.whl", "a") as packed:
        packed.writestr("more.py", "")
    done = install(tmp_path, first)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert done.stderr.splitlines()[-1] == f"Error: pip could not install {first}; see above"


def test_the_lock_files_hold_what_the_project_names_at_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    server, run = pinned(RUN[0]), pinned(RUN[1])
    pdf, dev = pinned("requirements-pdf.lock"), pinned("requirements-dev.lock")
    assert server | run | pdf <= dev
    assert named(project["dependencies"]) <= names(server)
    assert named(optional["embedded"]) <= names(run)
    assert named(optional["pdf"]) == names(pdf)
    assert named(optional["dev"]) <= names(dev)
    # Neither the test tools nor the optional part are installed to run.
    assert not named(optional["dev"]) - {"setuptools"} & names(server | run)
    assert not names(pdf) & names(server | run)


def test_what_runs_is_small():
    """`make run` makes an environment of at most 350 MB, counted as `du` does."""
    size = 0
    for name in names(pinned(RUN[0]) | pinned(RUN[1])):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            # It is for another system or another version of Python.
            continue
        paths = [Path(str(file.locate())) for file in files]
        size += sum(path.stat().st_blocks * 512 for path in paths if path.is_file())
    assert 100 < size / 2**20 < MOST_MEGABYTES - PIP_MEGABYTES


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def test_what_the_product_imports_is_in_the_lock_files_without_the_test_tools():
    """With the test tools installed an import works that fails where they are not."""
    # `_typeshed` is there for type checkers alone.
    known = {path.stem for path in ROOT.iterdir()} | sys.stdlib_module_names | {"_typeshed"}
    locked = names(pinned(RUN[0]) | pinned(RUN[1]) | pinned("requirements-pdf.lock"))
    owners = packages_distributions()
    modules = [
        path
        for folder in ("advocacy", "config", "migrations")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(modules) > 100
    missing = {
        (name, str(path.relative_to(ROOT)))
        for path in modules
        for name in imported(path) - known
        if not {each.lower().replace("_", "-") for each in owners.get(name, ())} & locked
    }
    assert missing == set()
