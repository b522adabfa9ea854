"""Check what staff say about a post, and change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from advocacy.core.messages import N_, Phrase, say
from advocacy.core.platforms import plain_post_url, platform_of_post
from advocacy.core.urls import BadDestination, check_destination
from advocacy.storage import posts
from advocacy.storage.models import Post

LONGEST_TITLE = 300
_LONGEST_PLATFORM = 40
_LONGEST_AUTHOR = 100
_OF_POST = N_("the post's URL %(why)s")
# The value by which filters ask for posts without an author.
_NO_AUTHOR = "-"


class BadPost(ValueError):
    """What is said about a post is wrong: the name of the field, and what to do."""

    def __init__(self, field: str, words: Phrase) -> None:
        super().__init__(words)
        self.field, self.words = field, words


@dataclass(frozen=True, slots=True)
class PostAbout:
    """What is known about a post, as it is stored. Medium and author may be empty."""

    url: str
    platform: str
    title: str
    medium: str
    author: str


def check_post(
    *, url: str = "", platform: str = "", title: str = "", medium: str = "", author: str = ""
) -> PostAbout:
    """Return what staff say about a post as it is stored. Raises `BadPost`."""
    if url:
        url = check_post_url(url)
    platform = platform.lower() or platform_of_post(url)
    if not platform:
        raise BadPost(
            "platform", say("the platform cannot be detected from the post's URL; enter it")
        )
    if not _is_word(platform):
        raise BadPost("platform", say("the platform must be one word, e.g. instagram"))
    if not url and not title:
        raise BadPost("title", say("enter the post's URL, or a title if it is not published yet"))
    check_title(title)
    return PostAbout(
        plain_post_url(url), platform, title, check_medium(medium), check_author(author)
    )


def check_post_url(url: str) -> str:
    """Return the address of a post. Raises `BadPost`."""
    try:
        return check_destination(url)
    except BadDestination as error:
        raise BadPost("url", say(_OF_POST, why=error.args[0])) from None


def check_title(title: str) -> str:
    """Return the title of a post. Raises `BadPost`."""
    if len(title) > LONGEST_TITLE:
        raise BadPost(
            "title", say("the title may have at most %(most)s characters", most=LONGEST_TITLE)
        )
    return title


def check_medium(medium: str) -> str:
    """Return the medium of a post in lower case. Raises `BadPost`."""
    medium = medium.lower()
    if medium and not _is_word(medium):
        raise BadPost("medium", say("the medium must be one word, e.g. video"))
    return medium


def check_author(author: str) -> str:
    """Return the author of a post. Raises `BadPost`."""
    if len(author) > _LONGEST_AUTHOR or author == _NO_AUTHOR:
        raise BadPost(
            "author",
            say("the author's name may have at most %(most)s characters", most=_LONGEST_AUTHOR),
        )
    return author


def edit_post(
    post: Post,
    *,
    title: str | None = None,
    url: str | None = None,
    medium: str = "",
    author: str = "",
    published_at: datetime | None = None,
) -> None:
    """Change a post; None, and an empty medium or author, change nothing. Raises `BadPost`.

    A post has a title or an address.
    """
    new_url = post.url if url is None else url and plain_post_url(check_post_url(url))
    new_title = post.title if title is None else check_title(title)
    if not new_url and not new_title:
        raise BadPost("title", say("enter the post's URL, or a title if it is not published yet"))
    medium, author = check_medium(medium), check_author(author)
    posts.update_post(post, title=new_title, url=new_url, published_at=published_at)
    posts.describe_post(post, medium=medium, author=author)


def _is_word(written: str) -> bool:
    return len(written) <= _LONGEST_PLATFORM and written.replace("-", "").isalnum()
