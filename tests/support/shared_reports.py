"""Shared reports with many people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"}


def make(client, slug="stay", **form) -> str:
    answer = client.post(f"/campaigns/{slug}/view-links", data=form)
    assert answer.status_code == 200, answer.text
    return re.search(r"http://127\.0\.0\.1:8000(/view/view_[\w-]{43})", answer.text)[1]


def look(world, path: str):
    return world.app.test_client().get(path, headers=PHONE)


def crowd(world, number, platform="", kind="call", since=0):
    for n in range(since, since + number):
        more = {"click_id": world.click(platform, at=YESTERDAY)} if platform else {}
        world.act(kind, email=f"p{n}@example.org", at=YESTERDAY, **more)
