"""Takes the README's picture of the dashboard: `make picture`.

Servers, tables, web process and browser are real; the campaign is `tests.support.sample_campaign`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from advocacy.cli.dev.up import free_port, running_servers
from advocacy.core.ids import new_id
from tests.support.chromium import CHROMIUM, browser
from tests.support.processes import ROOT
from tests.support.sample_campaign import fill
from tests.support.web_process import gunicorn

PICTURE = ROOT / "docs" / "dashboard.png"
LARGEST_BYTES = 320 * 1024


def take(address: str, token: str) -> bytes:
    """Return a picture of the campaign's page."""
    with browser() as chromium:
        page = chromium.new_page(
            viewport={"width": 1180, "height": 900}, device_scale_factor=1, color_scheme="light"
        )
        page.goto(f"{address}/sign-in?next=/campaigns/stay")
        page.fill("#token", token)
        page.press("#token", "Enter")
        page.wait_for_selector("#by-day canvas")
        return page.screenshot(full_page=True, animations="disabled")


def main() -> int:
    """Start everything on a throw-away folder, fill it, take the picture."""
    if CHROMIUM is None:
        print("Error: Chromium is needed; `make browser` installs it")
        return 1
    port = free_port()
    for name in ("PUBLIC_URL", "SECRET_KEY"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="advocacy-picture-") as folder:
        own = f"advocacy_picture_{new_id().hex}"
        with running_servers(Path(folder), port, own) as (app, variables):
            with app.app_context():
                token = fill(app)
            with gunicorn(variables, port, Path(folder) / "gunicorn.log") as address:
                picture = take(address, token)
    if len(picture) > LARGEST_BYTES:
        print(f"Error: the picture has {len(picture)} bytes, more than {LARGEST_BYTES}")
        return 1
    PICTURE.write_bytes(picture)
    print(f"{PICTURE.relative_to(ROOT)}: {len(picture) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
