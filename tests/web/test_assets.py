"""Files of others are as they were published, each with its licence, and none is unlisted."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "advocacy/web/static/vendor"
ASSETS = tomllib.loads((ROOT / "assets.lock").read_text())["asset"]


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset["path"])
def test_a_vendored_file_is_the_published_one(asset):
    assert hashlib.sha256((ROOT / asset["path"]).read_bytes()).hexdigest() == asset["sha256"]
    assert asset["licence"] in {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
    assert (ROOT / asset["licence_file"]).stat().st_size > 500


def test_every_vendored_file_is_listed():
    listed = {ROOT / asset[name] for asset in ASSETS for name in ("path", "licence_file")}
    assert set(VENDOR.iterdir()) == listed
