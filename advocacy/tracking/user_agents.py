"""Tell people from programs by their user agent.

Pure. The rules, in this order:

1. An agent that does not begin like a browser, or names no system with browsers, is a program.
2. An agent that names itself a bot, crawler, spider, preview, fetcher or similar, or that gives its
   owner's address, is a program, on whatever device it claims to be.
3. All others are people if in an app or on a phone, tablet, television or console; and on a
   computer unless the public list of crawlers (crawler-user-agents) knows them.

Note: the list comes last and is not used for devices and apps. Its patterns match anywhere in an
agent, and some match phones (`Butterfly`), builds (`AP3A.240617.008`) and apps (`MetaIAB Facebook`,
`Tumblr/`). `agents.tsv` in the tests has the expected result for known agents, so that a new
release of the list cannot change it unnoticed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crawleruseragents import is_crawler

LONGEST = 1024
"""The number of characters that are read; agents of apps have up to about 600."""

# First text browsers, used with Braille displays, and browsers of the simplest phones.
_BROWSER = re.compile(
    r"(mozilla|opera|ucweb|lynx|w3m|elinks)/\d|links \(|[\w-]+/\S* profile/midp", re.IGNORECASE
)
_TEXT_BROWSER = re.compile(r"(lynx|w3m|elinks)/\d|links \(", re.IGNORECASE)

_DEVICE = re.compile(
    r"Android|Adr \d|iPhone|iPad|iPod|Windows Phone|IEMobile|OpenHarmony|HarmonyOS|KAIOS|Tizen|Bada"
    r"|Web[0O]S|webOS|hpwOS|SMART-TV|SmartTV|HbbTV|GoogleTV|AppleTV|VIDAA|Roku|CrKey|PlayStation"
    r"|Nintendo|Xbox|BB10|BlackBerry|PlayBook|RIM Tablet|Symbian|Series ?[46]0|MIDP|J2ME|Kindle"
    r"|Silk/|\((Mobile|Tablet);|OculusBrowser|VisionOS|Tesla",
    re.IGNORECASE,
)
_COMPUTER = re.compile(
    r"Windows|Macintosh|Mac ?OS|Mac_PowerPC|X11|Linux|CrOS|BSD|SunOS|Haiku|Fuchsia|OS/2|AmigaOS",
    re.IGNORECASE,
)
# Apps that also run on computers, or on tablets that claim to be one.
_IN_APP = re.compile(
    r"\[FB|FB_IAB|MetaIAB|\b(Instagram|Barcelona|musical_ly|BytedanceWebview|MicroMessenger"
    r"|LinkedInApp|Twitter for|Slack(_SSB)?/|Tumblr|Mastodon|Pinterest/|Snapchat|KAKAOTALK|Line/)",
    re.IGNORECASE,
)

# The description of the device. Models may have any name: CUBOT, SPIDER, Crawler.
_MODEL = re.compile(
    r"\bFB(?:DV|MF|BD)/[^;\]]*"
    r"|\bAndroid \(\d+/[^)]*\)"
    r"|\b(?:Android|Adr)\b[ /-]?[\d.]*;(?: ?[a-z]{2,3}(?:[-_]\w+)?;)?"
    r"(?![^;)]*(?:(?:bot|crawler|spider|preview|fetcher)/\d|//|@))[^;)]*",
    re.IGNORECASE,
)
_NO_PROGRAMS = frozenset({"cubot"})
# Words as written, and their parts: `SkypeUriPreview`, `PreLoader`.
_WORD = re.compile(r"[A-Za-z]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENDINGS = (
    "bot",
    "bots",
    "robot",
    "robots",
    "crawler",
    "crawlers",
    "spider",
    "scraper",
    "fetcher",
    "preview",
    "previewer",
    "previews",
    "prefetch",
    "prefetcher",
    "preload",
    "preloader",
    "prerender",
    "prerenderer",
    "unfurler",
    "headless",
)
_WORDS = frozenset({"crawl", "crawling", "prefetching", "scrap", "scraping", "unfurl", "proxy"})
# Programs without any of these words that the list lacks, or that pose as phones.
_NAMES = re.compile(
    r"externalhit|externalagent|cardyb|ms-?office|landingpagefeinfra|lighthouse|\bPTST/|duplexweb"
    r"|\bhotjar\b|-optimizer-agent|adbeat|powershell|mimecast|barracuda|proofpoint|read-aloud"
    # A scanner alone is an app that reads QR codes; what scans links or mail is a program.
    r"|(?:url|uri|(?<!qr )(?<!qr)link|e-?mail|site|security|malware|phishing|virus|threat)s?[ _-]?"
    r"(?:scann?er|scan|checker|check|validator|verifier|inspector|inspection|monitor)\b",
    re.IGNORECASE,
)
# The owner's address. `Ecosia ios@10.3.1` is a version: it does not end in letters.
_OWNER = re.compile(
    r"https?:|://|\bwww\.|\bmailto\b|(?<=[\w.+-])(?:@|\(at\)|\[at\])[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}",
    re.IGNORECASE,
)
# "compatible" was used by browsers that followed Netscape's, since then by programs.
_COMPATIBLE = re.compile(r"\bcompatible[;,](?!\s*(?:MSIE|Konqueror))\s*(\w*)", re.IGNORECASE)


@lru_cache(maxsize=8192)
def is_person(agent: str) -> bool:
    """Return whether a user agent is a person's browser, including those inside apps."""
    agent = agent[:LONGEST].strip()
    if not _BROWSER.match(agent):
        return False
    if declares_bot(agent):
        return False
    if _TEXT_BROWSER.match(agent) or _DEVICE.search(agent):
        return True
    if not _COMPUTER.search(agent):
        return False
    return _IN_APP.search(agent) is not None or not is_crawler(agent)


def declares_bot(agent: str) -> bool:
    """Return whether an agent declares itself a program, whatever it runs on."""
    described = _MODEL.sub(" ", agent)
    if _OWNER.search(described) or _NAMES.search(described):
        return True
    if any(not _is_system(word) for word in _COMPATIBLE.findall(described)):
        return True
    written = _WORD.findall(described) + _PART.findall(described)
    words = {word.lower() for word in written} - _NO_PROGRAMS
    return not words.isdisjoint(_WORDS) or any(word.endswith(_ENDINGS) for word in words)


def _is_system(word: str) -> bool:
    return word == "U" or bool(_DEVICE.match(word) or _COMPUTER.match(word))
