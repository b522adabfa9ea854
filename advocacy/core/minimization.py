"""Reduce a tool's texts to what is stored: names plain or hashed, everything else bounded.

Pure. Applied to every statement before it becomes a fact, whether it came by webhook, export or
rebuild, so that no provider adapter has to do it or can forget it.

- Names (`external_id`, `statement_id`, `recurs_as`, `same_as`, and a delivery's own) stay if they
  have one of the few forms that no address, number or digest can have (`is_plain_name`); all others
  become keyed digests. The same name always gives the same digest, so that a refund finds its gift.
- `code`, `click_id` and UTM have bounded alphabets; of a referrer only the host stays.
- `target` is a legislator's name or district. A phone number becomes a keyed digest, since with
  click-to-call it may be the supporter's own.

Note: an integer of seven digits or more is not a plain name, because it looks like a phone number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from uuid import UUID

from advocacy.core.crypto import digest, fingerprint
from advocacy.core.ids import BODY_ID
from advocacy.core.personal_data import (
    BETWEEN_DIGITS,
    PLACEHOLDER,
    reads_as_personal,
    scrub,
    without_dates,
)
from advocacy.core.platforms import PLATFORMS
from advocacy.core.tracking_parameters import (
    CLICK_ID_LENGTH,
    CODE_LENGTH,
    fold_utm,
    is_our_code,
    utm_of,
)
from advocacy.core.urls import host_of

KEYED = "keyed:"
"""The prefix of a name that is a keyed digest."""

_MOST_DIGITS = 6
_WORD = re.compile(r"[a-z_-]{0,20}")
_SHORT = re.compile(rf"[a-z_-]{{0,12}}\d{{1,{_MOST_DIGITS}}}")
# The random ids of Stripe and Standard Webhooks: letters of both cases and digits.
_DRAWN = re.compile(
    r"(?:evt|pi|ch|py|in|sub|cs|re|pyr|du|dp|msg)_(?:test_|live_)?(?=\w*[A-Z])(?=\w*[a-z])(?=\w*\d)"
    r"[A-Za-z0-9]{14,80}"
)
_CALL = re.compile(r"CA[0-9a-f]{32}")
_ORDER = re.compile(r"AB\d{1,9}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_RANDOM_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# The forms of most names, which the rules below accept too.
_USUAL = re.compile(rf"action_network:{_RANDOM_UUID.pattern}|{_WORD.pattern}")
_TOTAL = re.compile(r"refund:total:\d{1,16}")
_SORTED = re.compile(r"([a-z_]{1,20}:).")

_CLICK_ID = re.compile(rf"[a-z2-7]{{{CLICK_ID_LENGTH}}}")
_ANY_CODE = re.compile(r"[a-z0-9_-]{1,64}")
_RUN = re.compile(r"[a-z0-9]{14,}")
_PHONE = re.compile(rf"\+?\(?\d[\d{BETWEEN_DIGITS}]{{5,24}}\d")
_HOST_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_APPS = frozenset(app for platform in PLATFORMS.values() for app in platform.apps)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


def is_plain_name(name: str) -> bool:
    """Return whether a name has a form that no address, number or digest of one can have."""
    if _USUAL.fullmatch(name):
        return True
    if _TOTAL.fullmatch(name):
        return True
    parts = name.split(":")
    digits = 0
    for before, part in zip(["", *parts], parts, strict=False):
        if _WORD.fullmatch(part) or _DRAWN.fullmatch(part) or _CALL.fullmatch(part):
            continue
        if _SHORT.fullmatch(part):
            digits += sum(each.isdigit() for each in part)
        elif not (
            _ORDER.fullmatch(part)
            or (_DAY.fullmatch(part) and _ORDER.fullmatch(before))
            or (_RANDOM_UUID.fullmatch(part) and before == "action_network")
        ):
            return False
    return digits <= _MOST_DIGITS


def retained_name(name: str, key: bytes) -> str:
    """Return a name as it is stored: plain, or a keyed digest."""
    return name if not name or is_plain_name(name) else KEYED + digest(key, "name", name)


def retained_statement_id(name: str, key: bytes) -> str:
    """Return a statement's id as it is stored; the word before its colon names its kind."""
    if is_plain_name(name):
        return name
    sort = found[1] if (found := _SORTED.match(name)) else ""
    return sort + retained_name(name, key)


@lru_cache(maxsize=8192)
def retained_code(code: str) -> str:
    """Return a tracking code as it is stored, or '' if it may be something else."""
    if _is_ours(code):
        return code
    if not _ANY_CODE.fullmatch(code) or _may_be_personal(code):
        return ""
    return code


def _is_ours(code: str) -> bool:
    click_id = code[CODE_LENGTH:]
    return is_our_code(code[:CODE_LENGTH]) and (not click_id or _is_click_id(click_id))


def _is_click_id(text: str) -> bool:
    return _CLICK_ID.fullmatch(text) is not None


def _may_be_personal(folded: str) -> bool:
    """Return `reads_as_personal` for a lower-cased text, which may have been base64.

    Lower-cased base64 cannot be decoded, so everything that looks random counts.
    """
    return reads_as_personal(folded) or any(
        map(_changes_often, _RUN.findall(without_dates(folded)))
    )


def _changes_often(run: str) -> bool:
    """Return whether letters and digits alternate as often as in random text."""
    return sum(one.isdigit() != other.isdigit() for one, other in pairwise(run)) >= 3


def retained_utm(utm: Mapping[str, str]) -> dict[str, str]:
    """Return UTM as it is stored, with `PLACEHOLDER` in place of personal data.

    Such a value matches none of our links either way.
    """
    return {
        name: value
        if _is_ours(value.lower())
        else PLACEHOLDER
        if "@" in value or _may_be_personal(value.lower())
        else value
        for name, value in utm.items()
    }


def utm_comes_back(value: str) -> bool:
    """Say whether a UTM value is read and stored as it is, and so leads back to its link."""
    folded = {"campaign": fold_utm(value)}
    return utm_of({"utm_campaign": value}) == folded == retained_utm(folded)


@lru_cache(maxsize=8192)
def retained_host(referrer: str) -> str:
    """Return the host of a referrer as it is stored, without labels that may name a person."""
    kept: list[str] = []
    host = host_of(referrer)
    if host in _APPS:
        # Some apps are only known by their number in the store.
        return host
    for label in reversed(host.rstrip(".").split(".")):
        if not _HOST_LABEL.fullmatch(label) or _may_be_personal(label):
            break
        kept.insert(0, label)
    # An IP address may identify a person and is no platform's.
    return "" if kept and kept[-1].isdigit() else ".".join(kept)


def retained_target(target: str, key: bytes) -> str:
    """Return to whom an action was addressed: a name or district, or the digest of a number."""
    if _PHONE.fullmatch(target) and reads_as_personal(target):
        digits = "".join(each for each in target if each.isdigit())
        return f"number:{digest(key, 'target', digits)[:16]}"
    return target if _is_number_digest(target) else scrub(target)


def _is_number_digest(target: str) -> bool:
    return re.fullmatch(r"number:[0-9a-f]{16}", target) is not None


def retained_media_type(content_type: str) -> str:
    """Return the media type of a Content-Type header, without its parameters."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else ""


def keyed_name(master: bytes, org_id: UUID, name: str) -> str:
    """Return a delivery's id as it is stored: a keyed digest if it is not plain."""
    if is_plain_name(name):
        return name
    if name.startswith(BODY_ID):
        return f"body:{fingerprint(master, org_id, name.encode()).hex()}"
    return f"{KEYED}{fingerprint(master, org_id, name.encode()).hex()[:32]}"
