"""The known platforms: their hosts and apps, and the URLs of their posts.

Pure. One table for posts and referrers: where a post is published, people also come from.

Note: Mastodon has no host of its own. Any server may be one; it is recognized by the form of its
paths, and only if the host is no other platform's.

Note: a referrer is stored as a host alone, without its scheme, so an app is listed by what follows
`android-app://` (its package) and `ios-app://` (its package, or its number in Apple's store).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from advocacy.core.urls import host_of


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a platform is found: `hosts` including their subdomains, `apps` exactly."""

    hosts: tuple[str, ...]
    apps: tuple[str, ...] = ()


PLATFORMS: Mapping[str, Platform] = {
    "x": Platform(
        ("x.com", "twitter.com", "t.co"),
        ("com.twitter.android", "com.twitter.android.lite", "com.atebits.tweetie2", "333903271"),
    ),
    "facebook": Platform(
        ("facebook.com", "fb.com", "fb.me", "fb.watch", "messenger.com", "m.me"),
        (
            *("com.facebook.katana", "com.facebook.lite", "com.facebook.facebook", "284882215"),
            *("com.facebook.orca", "com.facebook.mlite", "com.facebook.messenger", "454638411"),
        ),
    ),
    "instagram": Platform(
        ("instagram.com", "instagr.am", "ig.me"),
        ("com.instagram.android", "com.instagram.lite", "com.burbn.instagram", "389801252"),
    ),
    "threads": Platform(
        ("threads.net", "threads.com"),
        ("com.instagram.barcelona", "com.burbn.barcelona", "6446901002"),
    ),
    "tiktok": Platform(
        ("tiktok.com",),
        (
            *(
                "com.zhiliaoapp.musically",
                "com.zhiliaoapp.musically.go",
                "com.ss.android.ugc.trill",
            ),
            *("com.tiktok.lite.go", "com.ss.iphone.ugc.tiktok", "835599320"),
        ),
    ),
    "youtube": Platform(
        ("youtube.com", "youtu.be", "youtube-nocookie.com"),
        ("com.google.android.youtube", "com.google.ios.youtube", "544007664"),
    ),
    "linkedin": Platform(
        ("linkedin.com", "lnkd.in"),
        ("com.linkedin.android", "com.linkedin.android.lite", "com.linkedin.linkedin", "288429040"),
    ),
    "reddit": Platform(
        ("reddit.com", "redd.it"),
        ("com.reddit.frontpage", "com.reddit.reddit", "1064216828"),
    ),
    "bluesky": Platform(
        ("bsky.app", "bsky.social", "go.bsky.app"),
        ("xyz.blueskyweb.app", "6444370199"),
    ),
    "mastodon": Platform(
        ("mastodon.social", "mastodon.online", "joinmastodon.org"),
        (
            *("org.joinmastodon.android", "org.joinmastodon.app", "1571998974"),
            *("com.keylesspalace.tusky", "at.connyduck.tusky"),
        ),
    ),
    "pinterest": Platform(
        ("pinterest.com", "pin.it"),
        ("com.pinterest", "com.pinterest.twa", "pinterest", "429047995"),
    ),
    "snapchat": Platform(
        ("snapchat.com",),
        ("com.snapchat.android", "com.toyopagroup.picaboo", "447188370"),
    ),
    "telegram": Platform(
        ("telegram.org", "telegram.me", "telegram.dog", "t.me"),
        (
            *("org.telegram.messenger", "org.telegram.messenger.web", "org.telegram.plus"),
            *("org.thunderdog.challegram", "ph.telegra.telegraph", "686449807"),
        ),
    ),
    "whatsapp": Platform(
        ("whatsapp.com", "whatsapp.net", "wa.me"),
        ("com.whatsapp", "com.whatsapp.w4b", "net.whatsapp.whatsapp", "310633997"),
    ),
    "tumblr": Platform(
        ("tumblr.com", "tmblr.co", "umblr.com"),
        ("com.tumblr", "com.tumblr.tumblr", "305343404"),
    ),
    "twitch": Platform(("twitch.tv",), ("tv.twitch.android.app", "tv.twitch", "460177396")),
    "nextdoor": Platform(("nextdoor.com",), ("com.nextdoor", "com.nextdoor.nextdoor", "640360962")),
    "truthsocial": Platform(("truthsocial.com",), ("com.truthsocial.android.app", "1586018825")),
    "vk": Platform(
        ("vk.com", "vk.me", "vk.ru"), ("com.vkontakte.android", "com.vk.vkclient", "564177498")
    ),
    "discord": Platform(
        ("discord.com", "discord.gg", "discordapp.com"),
        ("com.discord", "com.hammerandchisel.discord", "985746746"),
    ),
    "medium": Platform(("medium.com",), ("com.medium.reader", "828256236")),
    "substack": Platform(
        ("substack.com",), ("com.substack.app", "com.substack.reader", "1581650857")
    ),
}

_OF_HOST = {host: name for name, of in PLATFORMS.items() for host in of.hosts}
_OF_APP = {app: name for name, of in PLATFORMS.items() for app in of.apps}
# Pinterest has a host for each country: pinterest.fr, pinterest.co.uk, es.pinterest.com.
_PINTEREST = re.compile(r"(.+\.)?pinterest\.([a-z]{2}|(com?|or)\.[a-z]{2})")
_MASTODON = re.compile(r"/@[^/@]+(@[^/]+)?/\d{6,}|/users/[^/]+/statuses/\d{6,}|/deck/@[^/]+/\d{6,}")

# Parameters that say who shared a post; the post is the same without them.
_SHARED_BY = frozenset(
    {"igsh", "igshid", "si", "fbclid", "mibextid", "feature", "is_from_webapp", "sender_device"}
)
_SHARED_BY_ON = {"x": frozenset({"s", "t"}), "threads": frozenset({"xmt"})}


def platform_of_host(referrer: str) -> str:
    """Return the platform of a referrer (URL, host or app), or ''."""
    host = host_of(referrer).lower().rstrip(".")
    if found := _OF_APP.get(host):
        return found
    labels = host.split(".")
    for start in range(len(labels) - 1):
        if found := _OF_HOST.get(".".join(labels[start:])):
            return found
    return "pinterest" if _PINTEREST.fullmatch(host) else ""


def platform_of_post(url: str) -> str:
    """Return the platform of a post's URL, or ''."""
    try:
        parts = urlsplit(url)
        found = platform_of_host(parts.hostname or "")
    except ValueError:
        return ""
    if not found and _MASTODON.fullmatch(parts.path.rstrip("/")):
        return "mastodon"
    return found


def plain_post_url(url: str) -> str:
    """Return a post's URL without parameters that say who shared it."""
    parts = urlsplit(url)
    dropped = _SHARED_BY | _SHARED_BY_ON.get(platform_of_post(url), frozenset())
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(k, v) for k, v in pairs if k not in dropped and not k.startswith("utm_")]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


OTHER_CHANNELS = frozenset({"email", "sms", "web"})
"""Platforms that are not social: a link in a newsletter is a post on `email`."""


def channel_of(platform: str) -> str:
    """Return the channel of a platform."""
    return platform if platform in OTHER_CHANNELS else "social"
