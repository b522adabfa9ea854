"""The links page: single links, the list, and many links from a spreadsheet."""

from __future__ import annotations

import base64
import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.core.platforms import plain_post_url, platform_of_post
from advocacy.storage import campaigns
from advocacy.storage import links as links_storage
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from advocacy.tracking.link_sheet import ADDED, COLUMNS, BadSheet, read_sheet, template
from tests.support.sql import run
from tests.support.world import World

PETITION = "https://actionnetwork.org/petitions/save"
POST = "https://www.instagram.com/p/C1a2b3c4d5e/"
ASKED = {"campaign": "stay", "post_url": POST, "title": "Call today", "destination": PETITION}


@pytest.fixture
def staff(world):
    return world.member("editor")


def links() -> list:
    return run(
        """select l.*, p.platform, p.title, p.url from links l
           join posts p on p.org_id = l.org_id and p.id = l.post_id
           where l.destination <> 'https://actionnetwork.org/petitions/stay' order by l.id"""
    )


def sent(client, text: str | bytes, **form: str):
    data = text.encode() if isinstance(text, str) else text
    return client.post(
        "/links/bulk", data={"sheet": (io.BytesIO(data), "links.csv"), "which": "all", **form}
    )


def result_of(answer) -> list[dict[str, str]]:
    (found,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', answer.text)
    return list(csv.DictReader(io.StringIO(base64.b64decode(found).decode("utf-8-sig"))))


# Which platform.


@pytest.mark.parametrize(
    ("url", "platform"),
    [
        ("https://www.instagram.com/reel/C1/", "instagram"),
        ("https://x.com/hope/status/17", "x"),
        ("https://mobile.twitter.com/hope/status/17", "x"),
        ("https://vm.tiktok.com/ZM/", "tiktok"),
        ("https://www.tiktok.com/@hope/video/7312345678", "tiktok"),
        ("https://m.facebook.com/story.php?story_fbid=1", "facebook"),
        ("https://fb.watch/abc/", "facebook"),
        ("https://youtu.be/abc", "youtube"),
        ("https://www.youtube.com/shorts/abc", "youtube"),
        ("https://bsky.app/profile/hope.org/post/3k", "bluesky"),
        ("https://www.threads.net/@hope/post/C1", "threads"),
        ("https://www.threads.com/@hope/post/C1", "threads"),
        ("https://www.linkedin.com/posts/hope_activity-7", "linkedin"),
        ("https://mastodon.social/@hope/111222333", "mastodon"),
        ("https://hachyderm.io/@hope/111222333444", "mastodon"),
        ("https://kolektiva.social/@hope@mas.to/111222333", "mastodon"),
        ("https://chaos.social/users/hope/statuses/111222333/", "mastodon"),
        ("https://www.reddit.com/r/a/comments/b/c/", "reddit"),
        ("https://medium.com/@hope/111222333444", "medium"),
        ("https://example.org/@hope/about", ""),
        ("https://notinstagram.com/p/1", ""),
        ("https://instagram.com.evil.example/p/1", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_a_platform_is_detected_from_a_post_s_url(url, platform):
    assert platform_of_post(url) == platform


@given(st.text(max_size=80))
def test_any_text_is_a_url_of_some_platform_or_none(text):
    assert isinstance(platform_of_post(text), str)
    assert isinstance(platform_of_post(f"https://{text}/@a/1234567"), str)


@pytest.mark.parametrize(
    ("shared", "plain"),
    [
        (f"{POST}?igsh=MzRlODBiNWFlZA==", POST),
        ("https://x.com/a/status/1?s=20&t=abc", "https://x.com/a/status/1"),
        ("https://youtu.be/a?si=b&t=30", "https://youtu.be/a?t=30"),
        ("https://www.youtube.com/watch?v=a&feature=shared", "https://www.youtube.com/watch?v=a"),
        (f"{POST}?utm_source=ig_web#top", POST),
        (
            "https://m.facebook.com/s?story_fbid=1&id=2",
            "https://m.facebook.com/s?story_fbid=1&id=2",
        ),
    ],
)
def test_sharing_parameters_do_not_make_another_post(shared, plain):
    assert plain_post_url(shared) == plain


# One link.


def test_a_link_is_made_and_shown_with_its_utm_and_its_code(world, staff):
    answer = staff.post("/links", data=ASKED)
    assert answer.status_code == 303
    (link,) = links()
    assert (link.platform, link.title, link.url) == ("instagram", "Call today", POST)
    assert (link.provider, link.destination) == ("action_network", PETITION)
    page = staff.get(answer.headers["Location"]).text
    assert f"http://127.0.0.1:8000/r/{link.code}" in page
    content = link.post_id.hex[-12:]
    assert (
        f"utm_source=instagram&amp;utm_medium=social&amp;utm_campaign=stay&amp;utm_content={content}"
        in page
    )
    assert f'src="/links/{link.code}/qr.svg"' in page
    assert page.count(link.code) > 3


def test_it_is_the_link_that_the_command_would_make(world, staff):
    from advocacy.tracking.links import create_link

    staff.post("/links", data=ASKED)
    (link,) = links()
    with transaction():
        post = posts_storage.get_post(world.org_id, link.post_id)
        made = create_link(world.org_id, post, PETITION, local=True)
        assert (made.provider, made.utm, made.carries) == (link.provider, link.utm, link.carries)


def test_the_same_request_gives_the_same_link(world, staff):
    first = staff.post("/links", data=ASKED).headers["Location"]
    again = staff.post("/links", data={**ASKED, "post_url": f"{POST}?igsh=abc"})
    assert again.headers["Location"] == first
    staff.post("/links", data={**ASKED, "destination": "https://secure.actblue.com/donate/x"})
    assert [each.provider for each in links()] == ["action_network", "actblue"]
    assert len({each.post_id for each in links()}) == 1
    # One that leads nowhere now is not handed out again.
    with transaction():
        from datetime import UTC, datetime

        links_storage.disable_link(world.org_id, links()[0].code, datetime.now(UTC))
    assert staff.post("/links", data=ASKED).headers["Location"] != first


def test_medium_and_author_are_stored_and_can_be_added_later(world, staff):
    told = {"medium": "Video", "author": "Ana  "}
    staff.post("/links", data=ASKED)
    staff.post("/links", data=ASKED | told)
    staff.post("/links", data=ASKED)
    posts = posts_storage.list_posts(world.org_id, world.campaign_id)
    assert [(post.medium, post.author) for post in posts if post.url] == [("video", "Ana")]
    code = links()[0].code
    world.act("signature", email="a@example.org", code=code)
    world.drain()
    for by, key in (("medium", "video"), ("author", "Ana")):
        page = staff.get("/campaigns/stay/posts", query_string={"group_by": by, by: key}).text
        assert re.search(rf'<th scope="row"><a href="[^"]*">{key}</a></th>', page)
    offered = staff.get("/links").text
    assert '<option value="Ana">' in offered and '<option value="video">' in offered
    sheet = sent(staff, sheet_of(ASKED | {"medium": "image", "author": "Eli"}))
    assert sheet.status_code == 200
    posts = posts_storage.list_posts(world.org_id, world.campaign_id)
    assert [(post.medium, post.author) for post in posts if post.url] == [("image", "Eli")]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"medium": "a short film"}, "the medium must be one word"),
        ({"medium": "-"}, "the medium must be one word"),
        ({"author": "-"}, "the author&#39;s name may have"),
        ({"author": "a" * 101}, "the author&#39;s name may have"),
    ],
)
def test_an_invalid_medium_or_author_is_refused(world, staff, told, said):
    answer = staff.post("/links", data=ASKED | told)
    assert (answer.status_code, said in answer.text, links()) == (422, True, [])


def test_two_concurrent_identical_requests_give_one_link(world):
    def ask(number: int) -> str:
        with world.app.app_context():
            client = world.member("editor", f"editor{number}@example.org")
            return client.post("/links", data=ASKED).headers["Location"]

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(12)))) == 1
    assert len(links()) == 1


def test_a_post_that_is_not_published_yet_goes_by_its_title(world, staff):
    asked = {**ASKED, "post_url": "", "platform": "TikTok"}
    first = staff.post("/links", data=asked)
    assert first.headers["Location"] == staff.post("/links", data=asked).headers["Location"]
    (link,) = links()
    assert (link.platform, link.title, link.url) == ("tiktok", "Call today", "")


def test_a_source_has_the_parameters_of_its_page(world, staff):
    carries = {"utm_content": "{code}.{click_id}"}
    world.add_source("generic", "", {"mapping": {"destination": carries}})
    staff.post("/links", data={**ASKED, "tool": "generic"})
    staff.post("/links", data={**ASKED, "tool": "stripe"})
    assert [(each.provider, each.carries) for each in links()] == [
        ("generic", carries),
        ("stripe", {}),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"destination": "javascript:alert(1)"}, "the destination must begin with https://"),
        ({"destination": ""}, "the destination must begin with https://"),
        ({"destination": "https://10.0.0.1/x"}, "the destination must name a host"),
        ({"post_url": "ftp://x.org"}, "the post&#39;s URL must begin with https://"),
        ({"post_url": "https://example.org/p"}, "the platform cannot be detected"),
        ({"platform": "in sta"}, "one word"),
        ({"post_url": "", "title": "", "platform": "x"}, "or a title if it is not published yet"),
        ({"campaign": "nothing"}, "available: stay"),
        ({"tool": "nothing"}, "there is no tool"),
        ({"title": "x" * 301}, "at most 300"),
    ],
)
def test_an_invalid_form_is_explained_and_keeps_its_values(world, staff, wrong, words):
    answer = staff.post("/links", data={**ASKED, **wrong})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'role="alert"' in answer.text
    kept = {**ASKED, **wrong}["title"]
    assert f'value="{kept}"' in answer.text
    assert links() == []


HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def test_a_title_is_escaped(world, staff):
    staff.post("/links", data={**ASKED, "title": HOSTILE})
    for page in (staff.get("/links").text, sent(staff, sheet_of({**ASKED, "title": HOSTILE})).text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_qr_code_says_the_link(world, staff):
    code = world.links["x"]
    svg = staff.get(f"/links/{code}/qr.svg")
    assert svg.content_type == "image/svg+xml"
    assert svg.data.startswith(b"<svg") and b"#fff" in svg.data
    png = staff.get(f"/links/{code}/qr.png?download")
    assert png.data.startswith(b"\x89PNG")
    assert png.headers["Content-Disposition"] == f'attachment; filename="{code}.png"'
    assert staff.get("/links/nothing/qr.svg").status_code == 404


def test_links_are_paged_and_filtered_by_campaign(world, staff):
    with transaction():
        other = campaigns.put_campaign(world.org_id, "other", "Other", "UTC")
        post = posts_storage.put_post(world.org_id, other.id, "x", title="elsewhere")
        for number in range(53):
            links_storage.put_link(world.org_id, post, f"https://a.org/{number}", "standard", {})
    seen: list[str] = []
    path = "/links?of=other"
    for _ in range(2):
        page = staff.get(path).text
        seen += re.findall(r'<td class="named">https://a.org/(\d+)</td>', page)
        then = re.findall(r'rel="next" href="([^"]+)"', page)
        path = then[0].replace("&amp;", "&") if then else ""
    assert len(seen) == len(set(seen)) == 53 and path == ""
    assert "elsewhere" not in staff.get("/links?of=stay").text
    assert staff.get("/links?before=nonsense&of=nothing").status_code == 200


def test_links_are_an_organization_s_own(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    client = alice.member("editor")
    page = client.get("/links").text
    theirs = bob.links["x"]
    assert theirs not in page and alice.links["x"] in page
    assert client.get(f"/links/{theirs}/qr.svg").status_code == 404
    assert f"/r/{theirs}" not in client.get(f"/links?made={theirs}").text
    before = run("select count(*) from links where org_id = :o", o=bob.org_id)
    client.post("/links", data=ASKED)
    sent(client, sheet_of(ASKED))
    assert run("select count(*) from links where org_id = :o", o=bob.org_id) == before


@pytest.mark.parametrize("path", ["/links", "/links/bulk"])
def test_a_form_of_another_site_makes_nothing(world, staff, path):
    answer = staff.post(path, data=ASKED, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert links() == []


# Many links.


def sheet_of(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in COLUMNS} for row in rows)
    return out.getvalue()


def many(count: int) -> list[dict[str, str]]:
    return [
        {**ASKED, "post_url": f"https://x.com/a/status/{n}", "title": f"n{n}"} for n in range(count)
    ]


def test_a_sheet_makes_its_links_and_the_same_sheet_makes_the_same(world, staff):
    answer = sent(staff, sheet_of(*many(20)))
    assert answer.status_code == 200
    assert "20 links are ready" in answer.text and "20 of them new" in answer.text
    first = result_of(answer)
    assert list(first[0]) == [*COLUMNS, *ADDED]
    assert [row["line"] for row in first] == [str(n) for n in range(2, 22)]
    made = {each.code: each for each in links()}
    for row in first:
        link = made[row["link"].rpartition("/")[2]]
        assert (row["title"], row["post_url"]) == (link.title, link.url)
        assert row["utm"].startswith("utm_source=x&utm_medium=social&utm_campaign=stay")
        assert row["state"] == "new"

    again = sent(staff, sheet_of(*many(20)))
    assert "0 of them new" in again.text
    assert [row["link"] for row in result_of(again)] == [row["link"] for row in first]
    assert len(links()) == 20
    # And so does what came back.
    (found,) = re.findall(r"base64,([^\"]+)\"", again.text)
    third = sent(staff, base64.b64decode(found))
    assert [row["link"] for row in result_of(third)] == [row["link"] for row in first]
    assert len(links()) == 20


def test_where_a_row_is_wrong_nothing_is_made_and_each_is_named(world, staff):
    rows = many(4)
    rows[1]["destination"] = "http://a.org"
    rows[3]["campaign"] = "nothing"
    text = sheet_of(*rows)
    answer = sent(staff, text)
    assert answer.status_code == 422
    assert "2 rows have errors. No links were created." in answer.text
    assert links() == []
    result = result_of(answer)
    assert [(row["line"], bool(row["link"])) for row in result] == [
        ("2", False),
        ("3", False),
        ("4", False),
        ("5", False),
    ]
    assert result[0]["state"] == "not made"
    assert result[1]["state"] == "the destination must begin with https://"
    assert "there is no campaign" in result[3]["state"]

    good = sent(staff, text, which="good")
    assert good.status_code == 200
    assert "2 links are ready" in good.text and "2 rows have errors." in good.text
    assert {each.title for each in links()} == {"n0", "n2"}
    # Mended, the rest is made and what was made stays as it is.
    rows[1]["destination"], rows[3]["campaign"] = PETITION, "stay"
    mended = result_of(sent(staff, sheet_of(*rows)))
    assert [row["state"] for row in mended] == ["was there", "new", "was there", "new"]


def test_a_row_that_is_there_twice_is_one_link(world, staff):
    result = result_of(sent(staff, sheet_of(ASKED, ASKED)))
    assert result[0]["link"] == result[1]["link"]
    assert len(links()) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sheet_may_come_from_any_spreadsheet(separator, encoding, end):
    lines = [
        "Campaign;Post URL;Platform;Title;Destination",
        "stay;;x;„Grüße“;https://a.org/b",
        ";;;;",
    ]
    data = end.join(line.replace(";", separator) for line in lines).encode(encoding)
    ((line, wanted),) = read_sheet(data)
    assert (line, wanted.title, wanted.destination) == (2, "„Grüße“", "https://a.org/b")


def test_lines_are_those_of_the_file_also_behind_a_break_in_a_cell():
    text = 'campaign,destination,title\nstay,https://a.org,"two\nlines"\n\nstay,https://b.org,x\n'
    assert [line for line, _ in read_sheet(text.encode())] == [2, 5]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"campaign,destination\n", "no rows"),
        (b"campaign\nstay", "these columns are missing: destination; line 1 has: campaign"),
        (b"campaign,destination,color\nstay,x,y", "no column &#39;color&#39;"),
        (b"campaign,destination,title,title\na,b,c,d", "title appears twice"),
        (b"campaign,destination\nstay,x,y,z", "line 2 has more cells"),
        (b"campaign,destination\nstay\n", "line 2 has fewer cells"),
        ("campaign,destination\nstay,ééééé\n".encode() + b"stay,\xff\n", "line 3 is not UTF-8"),
        (b"PK\x03\x04....", "damaged or cut off"),
        (b"campaign,destination\nstay,\0\n", "line 2 has a NUL"),
        (b"campaign,destination\n" + b"stay,https://a.org\n" * 1001, "upload at most 1000"),
        (b'campaign,destination\nstay,"' + b"x" * 140_000 + b'"', "line 2 has a cell"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_file_that_is_no_sheet_is_refused_in_words(world, staff, data, words):
    answer = sent(staff, data)
    assert answer.status_code == 422
    assert words in answer.text
    assert links() == []


def test_an_empty_or_too_large_sheet_is_refused(world, staff):
    assert "Choose a file first" in staff.post("/links/bulk", data={}).text
    assert sent(staff, b"x" * (2 * 1024 * 1024)).status_code == 413


def test_a_preview_says_what_the_sheet_is_taken_for_and_makes_nothing(world, staff):
    text = f"campaign;platform;destination;title\nstay;x;{PETITION};Año\n".encode("cp1252")
    shown = sent(staff, text, preview="yes")
    assert shown.status_code == 200
    assert "CSV, Windows-1252 (guessed), separated by semicolon, headers on line 1, 1 row." in (
        shown.text
    )
    assert "No links were created yet. These are the first rows" in shown.text
    assert '<td class="named">Año</td>' in shown.text
    assert links() == []
    made = sent(staff, text)
    assert made.status_code == 200 and "Windows-1252 (guessed)" in made.text
    assert [each.title for each in links()] == ["Año"]


def test_a_sheet_may_be_a_workbook(world, staff):
    from openpyxl import Workbook

    book, out = Workbook(), io.BytesIO()
    book.active.append(["Campaign", "Destination", "Title", "Platform"])
    book.active.append(["stay", PETITION, "Straße", "x"])
    book.save(out)
    assert sent(staff, out.getvalue()).status_code == 200
    assert [each.title for each in links()] == ["Straße"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sheet_or_refused(data):
    try:
        rows = read_sheet(b"campaign,destination,title\n" + data)
    except BadSheet:
        return
    assert all(line >= 2 for line, _ in rows)


def test_the_template_can_be_sent_as_it_is(world, staff):
    answer = staff.get("/links/template.csv")
    assert answer.data == template()
    assert 'filename="links.csv"' in answer.headers["Content-Disposition"]
    assert sent(staff, answer.data).status_code == 200
    (link,) = links() or run(
        "select p.platform from links l join posts p on p.id = l.post_id "
        "where p.title = 'Call today'"
    )
    assert link.platform == "instagram"


def test_a_title_that_would_be_a_formula_comes_back_as_text_and_stays_itself(world, staff):
    answer = sent(staff, sheet_of({**ASKED, "title": "=1+1"}))
    (row,) = result_of(answer)
    assert row["title"] == "'=1+1"
    again = sent(staff, sheet_of({**ASKED, "title": row["title"], "post_url": "", "platform": "x"}))
    assert again.status_code == 200
    assert {each.title for each in links()} == {"=1+1"}
