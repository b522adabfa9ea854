"""Platforms: URLs of posts and referrers, including apps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from advocacy.attribution.touchpoints import TouchLookup, collect_touchpoints
from advocacy.core.events import Tier
from advocacy.core.platforms import PLATFORMS, platform_of_host, platform_of_post
from advocacy.core.urls import host_of
from advocacy.web.redirect import referrer_host

HOSTS = [(host, name) for name, of in PLATFORMS.items() for host in of.hosts]
APPS = [(app, name) for name, of in PLATFORMS.items() for app in of.apps]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(("host", "platform"), HOSTS)
def test_the_url_of_a_post_is_recognized_as_a_referrer(host, platform):
    for written in (host, f"www.{host}", host.upper(), f"{host}."):
        assert platform_of_post(f"https://{written}/a/1") == platform
        assert platform_of_host(f"https://{written}/a?b=1") == platform
        assert platform_of_host(written) == platform


@pytest.mark.parametrize(("app", "platform"), APPS)
def test_the_stored_host_of_an_app_is_recognized_as_a_referrer(app, platform):
    for written in (f"android-app://{app}/", f"android-app://{app}", f"ios-app://{app}/a/b", app):
        assert platform_of_host(written) == platform
        assert platform_of_host(host_of(written)) == platform
    assert referrer_host(f"android-app://{app}/https/example.org") == app


@pytest.mark.parametrize(
    ("referrer", "platform"),
    [
        ("android-app://com.linkedin.android/", "linkedin"),
        ("android-app://com.facebook.katana/", "facebook"),
        ("android-app://com.twitter.android/", "x"),
        ("android-app://com.instagram.android/", "instagram"),
        ("android-app://com.reddit.frontpage/", "reddit"),
        ("android-app://org.telegram.messenger/", "telegram"),
        ("android-app://m.facebook.com/", "facebook"),
        ("ios-app://544007664/youtube/watch", "youtube"),
        ("https://web.telegram.org/", "telegram"),
        ("https://l.messenger.com/", "facebook"),
        ("https://l.facebook.com/l.php?u=a", "facebook"),
        ("https://lm.facebook.com/", "facebook"),
        ("https://l.instagram.com/", "instagram"),
        ("https://l.threads.com/", "threads"),
        ("https://out.reddit.com/", "reddit"),
        ("https://t.umblr.com/redirect?z=a", "tumblr"),
        ("https://away.vk.com/", "vk"),
        ("https://go.bsky.app/", "bluesky"),
        ("https://web.whatsapp.com/", "whatsapp"),
        ("https://www.pinterest.co.uk/", "pinterest"),
        ("https://fr.pinterest.com/", "pinterest"),
        ("https://www.pinterest.fr/", "pinterest"),
    ],
)
def test_referrers_map_to_platforms(referrer, platform):
    assert platform_of_host(referrer) == platform
    (touch,) = collect_touchpoints(NOW, TouchLookup(), referrer=referrer)
    assert (touch.tier, touch.platform) == (Tier.REFERRER, platform)


@pytest.mark.parametrize(
    "referrer",
    [
        *("https://netflix.com/", "https://notfacebook.com/", "https://facebook.com.evil.example/"),
        *("android-app://com.google.android.gm/", "android-app://com.example.com.whatsapp/"),
        *("ios-app://1/", "https://pinterest.evil.example/", "", "//", "https://[", "com"),
    ],
)
def test_other_hosts_have_no_platform(referrer):
    assert platform_of_host(referrer) == ""
    assert collect_touchpoints(NOW, TouchLookup(), referrer=referrer) == []


def test_no_host_belongs_to_two_platforms():
    names = [name for name, _ in HOSTS + APPS]
    assert len(names) == len(set(names))
