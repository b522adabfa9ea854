"""Documents name files that exist, list every module, and install the hooks of `make check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("advocacy", "workers", "config", "migrations", "tests", "bench", "docs", "tools")
PACKAGES = sorted(path.parent.name for path in ROOT.glob("advocacy/*/__init__.py"))


DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *(each for name in FOLDERS for each in ROOT.glob(f"{name}/**/*.md")),
    )
)


def slug(heading: str) -> str:
    """Return the anchor of a heading as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.S | re.M)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.M)}


def broken(document: Path, text: str) -> Iterator[str]:
    """Yield the links and paths of a document that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target
    for span in re.findall(r"`([^`\n]+)`", text):
        in_root = re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+", span)
        in_package = re.fullmatch(rf"(?:{'|'.join(PACKAGES)})/[\w./-]+\.py", span)
        if (in_root and not (ROOT / span).exists()) or (
            in_package and not (ROOT / "advocacy" / span).exists()
        ):
            yield span


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_paths_exist(name):
    assert list(broken(ROOT / name, (ROOT / name).read_text())) == []


def test_a_broken_link_or_path_is_found():
    text = "[a](no.md) [b](README.md#no) [c](README.md#concepts) [d](https://x.org)"
    text += " `docs/no.md` `web/no.py`"
    assert [*broken(ROOT / "x.md", text)] == ["no.md", "README.md#no", "docs/no.md", "web/no.py"]


def test_the_architecture_lists_every_module():
    """Packages are written as `name/`, modules as the first word of a line."""
    tree = re.search(
        r"^```tree\n(.*?)^```", (ROOT / "docs/architecture.md").read_text(), re.S | re.M
    )
    assert tree
    listed, folders = set(), []
    for line in tree[1].splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name.rstrip("/")]
        if name.endswith(".py"):
            listed.add("/".join(folders))
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("advocacy", "workers", "config")
        for path in ROOT.glob(f"{package}/**/*.py")
        if path.name != "__init__.py"
    }
    assert listed == modules


def test_hooks_run_what_make_check_runs():
    makefile = (ROOT / "Makefile").read_text()
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.M)
    assert check
    commands = re.findall(r"\$\(BIN\)/([^&\n\\]+?)\s*(?:&&|\\|$)", check[1], re.M)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"entry: \.venv/bin/(.+)", hooks)
    assert sorted(command.removesuffix(" .") for command in commands) == sorted(entries)
