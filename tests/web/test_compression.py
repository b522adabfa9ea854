"""Compression and caching of responses."""

from __future__ import annotations

import gzip
import re

import pytest

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def staff(world):
    return world.member("owner")


def plain_and_gzip(client, path, **headers):
    """Return the answers without and with gzip; both have to say the same."""
    plain = client.get(path, headers=headers)
    packed = client.get(path, headers={**GZIP, **headers})
    assert plain.status_code == packed.status_code == 200
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    assert gzip.decompress(packed.data) == plain.data
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
    return plain, packed


@pytest.mark.parametrize(
    "path",
    ["/static/style.css", "/static/vega.js", "/api/openapi.json", "/api/ui/swagger-ui-bundle.js"],
)
def test_static_files_are_compressed(world, path):
    client = world.app.test_client()
    plain_and_gzip(client, path)
    # A second time from what was kept.
    plain, packed = plain_and_gzip(client, path)
    if mark := plain.headers.get("ETag"):
        assert packed.headers["ETag"] == f"W/{mark}"
        for each in (plain, packed):
            again = client.get(path, headers={**GZIP, "If-None-Match": each.headers["ETag"]})
            assert again.status_code == 304


def test_the_charts_bundle_is_a_third_of_what_it_was(world):
    plain, packed = plain_and_gzip(world.app.test_client(), "/static/vega.js")
    assert len(packed.data) < len(plain.data) * 0.36


@pytest.mark.parametrize("accepts", ["", "identity", "gzip;q=0", "br"])
def test_without_accept_encoding_nothing_is_compressed(world, accepts):
    answer = world.app.test_client().get("/static/style.css", headers={"Accept-Encoding": accepts})
    assert "Content-Encoding" not in answer.headers


def test_ranges_and_head_are_not_compressed(world):
    client = world.app.test_client()
    part = client.get("/static/style.css", headers={**GZIP, "Range": "bytes=0-9"})
    assert part.status_code in {200, 206}
    if part.status_code == 206:
        assert "Content-Encoding" not in part.headers
    assert client.head("/static/style.css", headers=GZIP).status_code == 200


@pytest.mark.parametrize("path", ["/", "/connections", "/campaigns/stay", "/account", "/members"])
def test_no_page_is_compressed(staff, path):
    """From the length of a page that has secrets and words of its address those can be guessed."""
    answer = staff.get(path, headers=GZIP)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_api_responses_and_downloads_are_compressed(world, staff):
    for number in range(30):
        world.act("call", f"m{number}", email=f"p{number}@example.org")
    world.drain()
    token = {"Authorization": f"Bearer {world.token()}"}
    plain_and_gzip(world.app.test_client(), "/api/v1/campaigns/stay/activation", **token)
    for written in ("csv", "json"):
        plain_and_gzip(staff, f"/campaigns/stay/activation.{written}")
    book = staff.get("/campaigns/stay/activation.xlsx", headers=GZIP)
    assert "Content-Encoding" not in book.headers


def test_a_static_file_has_a_versioned_url_and_is_immutable(world, staff):
    page = staff.get("/campaigns/stay").text
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(found) >= 3
    for address in found:
        assert re.search(r"\?v=[0-9a-f]{8}$", address), address
        kept = world.app.test_client().get(address, headers=GZIP).headers["Cache-Control"]
        assert "immutable" in kept and "max-age=31536000" in kept
    for address in ("/static/style.css", "/static/style.css?v=00000000", "/connections?v="):
        other = staff.get(address).headers["Cache-Control"]
        assert "immutable" not in other
