"""Which platform a post is on, told from its address alone, and that address without its trackers.

Pure. What a stranger would get wrong: Mastodon has no host of its own. Any server may be one; it is
known by the form of its paths, and only where the host is of no other platform.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from advocacy.trail import platform_of_host

# What posts are reached by besides the hosts that referrers come from.
_SHORT_HOSTS = {
    "fb.watch": "facebook",
    "fb.com": "facebook",
    "instagr.am": "instagram",
    "redd.it": "reddit",
    "pin.it": "pinterest",
    "telegram.me": "telegram",
    "tumblr.com": "tumblr",
    "twitch.tv": "twitch",
    "nextdoor.com": "nextdoor",
    "truthsocial.com": "truthsocial",
    "vk.com": "vk",
    "discord.com": "discord",
    "medium.com": "medium",
    "substack.com": "substack",
}
_MASTODON = re.compile(r"/@[^/@]+(@[^/]+)?/\d{6,}|/users/[^/]+/statuses/\d{6,}|/deck/@[^/]+/\d{6,}")

# Who shared a post with whom; it is the same post without.
_SHARED_BY = frozenset(
    {"igsh", "igshid", "si", "fbclid", "mibextid", "feature", "is_from_webapp", "sender_device"}
)
_SHARED_BY_ON = {"x": frozenset({"s", "t"}), "threads": frozenset({"xmt"})}


def platform_of_post(url: str) -> str:
    """Return the platform that a post's address is on, or an empty string."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        found = platform_of_host(host)
    except ValueError:
        return ""
    labels = host.split(".")
    for start in range(len(labels) - 1):
        found = found or _SHORT_HOSTS.get(".".join(labels[start:]), "")
    if not found and _MASTODON.fullmatch(parts.path.rstrip("/")):
        return "mastodon"
    return found


def plain_post_url(url: str) -> str:
    """Return a post's address without what tells by whom it was shared."""
    parts = urlsplit(url)
    dropped = _SHARED_BY | _SHARED_BY_ON.get(platform_of_post(url), frozenset())
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(k, v) for k, v in pairs if k not in dropped and not k.startswith("utm_")]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
