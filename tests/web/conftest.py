"""Fixtures that tests of several pages share."""

from __future__ import annotations

import pytest

from tests.support.walks import days, walk


@pytest.fixture
def walked(world):
    walk(world)
    world.act("call", id="stranger", email="eli@example.org", at=days(1))
    world.drain()
    return world
