"""Run the operator's commands on the real database of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from advocacy.cli import context, main
from advocacy.storage.db import db
from config import logging


class Operator:
    """An operator at a terminal, with environment variables."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment: dict[str, str | None] = dict(environment)

    def says(self, *words: object, answers: str = "") -> Result:
        """Run a command and return its result."""
        return CliRunner().invoke(
            main.main, [str(word) for word in words], input=answers, env=self.environment
        )

    def does(self, *words: object, answers: str = "") -> str:
        """Run a command that must succeed; return its output."""
        result = self.says(*words, answers=answers)
        assert result.exit_code == 0, (words, result.output, result.exception)
        return result.stdout

    def fails(self, *words: object) -> str:
        """Run a command that must fail with one line after the log; return the line."""
        result = self.says(*words)
        assert result.exit_code == 1, (words, result.output)
        # Any other exception would be a traceback.
        assert isinstance(result.exception, SystemExit), repr(result.exception)
        *logged, line = result.stderr.splitlines()
        assert all(each.startswith('{"') for each in logged), result.stderr
        assert line.startswith("Error: ")
        return line.removeprefix("Error: ")


@pytest.fixture
def operator(
    app: Any, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    """An operator in an empty installation."""
    made = []
    make = context.application

    def application(*args: Any) -> Any:
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(context, "application", application)
    monkeypatch.setattr(context, "VAR_DIR", tmp_path)
    # Otherwise logs would be bound to the terminal of this test.
    monkeypatch.setattr(logging, "configure", lambda _level: None)
    yield Operator({**environment, "VAR_DIR": str(tmp_path), "PUBLIC_URL": "http://127.0.0.1:8000"})
    # A command is a process that ends; here its connections must be returned to the pool.
    for each in made:
        with each.app_context():
            db.engine.dispose()
