"""Any other tool, by a mapping that staff write as data.

The mapping is in the source's setup: JMESPath expressions (jmespath.org) from the body to the
fields of an action, and how the tool authenticates. `mappings/` has some for known tools;
`README.md` explains every key. `check_mapping` finds mistakes before a mapping is saved, `dry_run`
shows what it makes of a body. Test deliveries come from inverting the mapping, or from its
`example` (see `sample_payloads`).

Note: expressions are not trusted to be cheap. JMESPath can double a list with a few characters, so
an expression is short and has few brackets. An expression that finds nothing is not an error:
required fields are checked separately.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import jmespath
from jmespath.exceptions import JMESPathError

from advocacy.core import dates, ids, money, tracking_parameters, urls
from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import (
    ActionEvent,
    ActionKind,
    Delivery,
    Person,
    StatementType,
    Trust,
    Verified,
)
from advocacy.core.messages import say
from advocacy.providers import (
    gifts,
    optional,
    parsing,
    sample_payloads,
    signatures,
    test_deliveries,
)

slug = "generic"
title = "Any tool, by a mapping"
# The weakest trust that holds for every mapping; one with an `auth` method is checked by it.
TRUST: Trust = "secret_path"
ANSWER = 200
CODE_PARAMETERS: str = say("utm_content=, or the field the mapping names")

LONGEST_EXPRESSION = 300
MOST_BRACKETS = 6
MOST_ITEMS = 1_000

_METHODS = ("hmac", "basic", "bearer", "header", "secret_path")
_ALGORITHMS = ("sha256", "sha1", "sha512")
_DECODERS = {"hex": signatures.from_hex, "base64": signatures.from_base64}
_TEXTS = ("email", "phone", "person_id", "recurs_as")
_HINTS = ("code", "click_id", "referrer", "target")
_FIELDS = frozenset(
    (
        *_TEXTS,
        *_HINTS,
        "id",
        "at",
        "stated_at",
        "amount",
        "amount_minor",
        "currency",
        "returned",
        "renewal",
        "test",
        "url",
        "statement",
        *(f"utm_{name}" for name in tracking_parameters.UTM_NAMES),
    )
)
_EXPRESSIONS = ("delivery", "each", "when", "kind", "said")
_KEYS = frozenset(
    (
        *_EXPRESSIONS,
        "title",
        "evidence",
        "source",
        "body",
        "auth",
        "kinds",
        "says",
        "fields",
        "currency",
        "zone",
        "at_format",
        "destination",
        "example",
        "notes",
    )
)
_AUTH_KEYS = frozenset(
    (
        "method",
        "header",
        "algorithm",
        "encoding",
        "prefix",
        "timestamp_header",
        "timestamp_before",
        "joined_by",
    )
)
_YES = frozenset({"true", "1", "yes", "on", "t", "y"})


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify a delivery by the method that the mapping names."""
    auth = _mapping_of(delivery.setup).get("auth")
    if auth is not None:
        if _auth_mistakes(auth):
            raise Refused("bad_mapping")
        if auth["method"] != "secret_path":
            if not any(secrets):
                raise Refused("no_secret")
            _check(auth["method"], auth, delivery, secrets, now)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id from the mapping's `delivery`, else a digest of the body."""
    mapping = _mapping_of(verified.setup)
    try:
        whole = _read(mapping, verified.body)
        name = parsing.text(_find(mapping.get("delivery"), whole), "delivery", 200)
        if name:
            name += _state_of(mapping, whole)
    except Unreadable:
        name = ""
    return name or ids.body_id(verified.body)


def _state_of(mapping: Mapping[str, Any], whole: Any) -> str:
    """Return what distinguishes this state of an action from others, if `delivery` does not.

    Sources keep the mapping that they were created with, and older ones were not checked for this.
    """
    expressions = [expression for expression, missing in _states(mapping).values() if missing]
    if not expressions:
        return ""
    items = _find(mapping["each"], whole) if mapping.get("each") else [whole]
    found = [
        _find(expression, item)
        for item in (items if isinstance(items, list) else [])
        for expression in expressions
    ]
    if not any(found):
        return ""
    return ":" + hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def _states(mapping: Mapping[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Return the expressions by which one action has several states in turn.

    Each comes with the fields that it reads and `delivery` does not: without them, the second state
    would look like a redelivery of the first.
    """
    fields = mapping.get("fields")
    fields = fields if isinstance(fields, dict) else {}
    expressions = {
        "said": mapping.get("said"),
        "when": mapping.get("when"),
        "fields.returned": fields.get("returned"),
        "fields.statement": fields.get("statement"),
    }
    kinds = mapping.get("kinds")
    if isinstance(kinds, dict) and None in kinds.values():
        expressions["kind"] = mapping.get("kind")
    named = _names_read(mapping.get("delivery"))
    if not named:
        return {}
    return {
        which: (str(expression), sorted(_names_read(expression) - named))
        for which, expression in expressions.items()
        if expression
    }


def _names_read(expression: Any) -> set[str]:
    """Return the names of the fields that an expression reads; none if it is invalid."""
    if not isinstance(expression, str) or len(expression) > LONGEST_EXPRESSION:
        return set()
    try:
        nodes = [_compiled(expression).parsed]
    except (JMESPathError, RecursionError, ValueError, TypeError):
        return set()
    names = set()
    while nodes:
        node = nodes.pop()
        if node["type"] == "field":
            names.add(str(node["value"]))
        nodes += [child for child in node["children"] if isinstance(child, dict)]
    return names


def parse(verified: Verified) -> list[ActionEvent]:
    """Return what the mapping finds in the body, one action for each item."""
    mapping = _mapping_of(verified.setup)
    if mistakes := reading_mistakes(mapping):
        raise Unreadable("bad_mapping", mistakes[0])
    whole = _read(mapping, verified.body)
    items = _find(mapping["each"], whole) if mapping.get("each") else [whole]
    if not isinstance(items, list):
        raise Unreadable("wrong_type", "each is not a list")
    if len(items) > MOST_ITEMS:
        raise Unreadable("too_large", f"over {MOST_ITEMS} items")
    return [event for item in items for event in _events(mapping, item)]


def destination(
    url: str, code: str, click_id: str, mapping: Mapping[str, Any] | None = None
) -> str:
    """Return the URL with code and click id as the mapping says; by default in `utm_content=`.

    In the mapping's `destination`, `{code}`, `{click_id}` and `{both}` are placeholders.
    """
    wanted = _places(mapping or {})
    words = {
        "{code}": code,
        "{click_id}": click_id,
        "{both}": tracking_parameters.join_code(code, click_id),
    }
    return urls.with_query(
        url, **{str(name): words.get(str(which), str(which)) for name, which in wanted.items()}
    )


def query_template(mapping: Mapping[str, Any]) -> str:
    """Return the parameters in which the code travels by this mapping, as `CODE_PARAMETERS`."""
    said = ""
    for name in _places(mapping):
        said = say("%(one)s and %(other)s", one=said, other=f"{name}=") if said else f"{name}="
    return said


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, Any],
    url: str,
) -> Delivery:
    """Return the action of a supporter who arrived at `landing`, in the mapping's format.

    Raises `Unreadable`: "bad_mapping", or "no_example" if neither the inverted mapping nor its
    `example` gives a body that it can read as an action.
    """
    mapping = _mapping_of(setup)
    if mistakes := reading_mistakes(mapping):
        raise Unreadable("bad_mapping", mistakes[0])
    body = _example(mapping, landing, message_id, now)
    proofs = _proofs(mapping.get("auth") or {}, body, secret, now)
    if mapping.get("body") == "form":
        proofs = {"content-type": "application/x-www-form-urlencoded", **proofs}
    return test_deliveries.signed_delivery(body, proofs, setup, url)


def dry_run(mapping: Mapping[str, Any], body: bytes) -> list[ActionEvent]:
    """Return the actions that a mapping makes of a body. Raises `Unreadable` as `parse` does."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    return parse(Verified(body=body, received_at=epoch, setup={"mapping": mapping}))


def check_mapping(mapping: Any) -> list[str]:
    """Return the mistakes of a mapping in plain words, the most serious first; [] if valid."""
    return reading_mistakes(mapping) or [
        f"delivery does not read {', '.join(missing)}, as {which} does: when that changes, the "
        "tool sends the same action in another state, which needs a delivery name of its own"
        for which, (_, missing) in _states(mapping).items()
        if missing
    ]


def reading_mistakes(mapping: Any) -> list[str]:
    """Return the mistakes because of which no body can be read, the most serious first."""
    if not isinstance(mapping, dict):
        return ["the mapping is not an object"]
    mistakes = [f"unknown key {key!r}" for key in mapping if key not in _KEYS]
    if mapping.get("body", "json") not in ("json", "form"):
        mistakes.append("body is neither 'json' nor 'form'")
    for name in _EXPRESSIONS:
        mistakes += _expression_mistakes(name, mapping.get(name))
    fields = mapping.get("fields")
    if not isinstance(fields, dict):
        return [*mistakes, "fields is not an object"]
    for name, written in fields.items():
        if name not in _FIELDS:
            mistakes.append(f"unknown field {name!r}")
        mistakes += _expression_mistakes(f"fields.{name}", written)
    for name in ("id", "at"):
        if not fields.get(name):
            mistakes.append(f"fields.{name} is missing")
    if not mapping.get("kind"):
        mistakes.append("kind is missing: an expression, or a quoted word like 'donation'")
    mistakes += _words_mistakes("kinds", mapping.get("kinds"), [*ActionKind, None])
    mistakes += _words_mistakes("says", mapping.get("says"), [*StatementType, None])
    return mistakes + _other_mistakes(mapping) + _auth_mistakes(mapping.get("auth"))


def _expression_mistakes(name: str, written: Any) -> list[str]:
    if written is None:
        return []
    if not isinstance(written, str):
        return [f"{name} is not an expression"]
    if len(written) > LONGEST_EXPRESSION or written.count("[") > MOST_BRACKETS:
        return [f"{name} is too long or has too many brackets"]
    try:
        _compiled(written)
    except (JMESPathError, RecursionError, ValueError, TypeError) as error:
        first_line = str(error).partition("\n")[0]
        return [f"{name} is not a JMESPath expression: {first_line}"]
    return []


def _words_mistakes(name: str, words: Any, allowed: Sequence[str | None]) -> list[str]:
    if words is None:
        return []
    if not isinstance(words, dict):
        return [f"{name} is not an object"]
    return [
        f"{name}.{word} is {meant!r}, which is not one of "
        + ", ".join("null" if each is None else str(each) for each in allowed)
        for word, meant in words.items()
        if meant is not None and meant not in [str(each) for each in allowed]
    ]


def _other_mistakes(mapping: Mapping[str, Any]) -> list[str]:
    mistakes = []
    try:
        parsing.currency_code(mapping.get("currency"))
    except Unreadable:
        mistakes.append("currency is not a three-letter code")
    try:
        dates.zone(str(mapping.get("zone", "UTC")))
    except (ValueError, OSError, LookupError):
        mistakes.append("zone is not a time zone like 'America/New_York'")
    if not _is_date_form(mapping.get("at_format", "")):
        mistakes.append("at_format is not a format like '%m/%d/%Y'")
    places = mapping.get("destination", {})
    if not isinstance(places, dict) or not all(isinstance(each, str) for each in places.values()):
        mistakes.append("destination is not an object of query parameters")
    if not isinstance(mapping.get("example", {}), dict | list):
        mistakes.append("example is not a body: an object or a list")
    return mistakes


def _is_date_form(form: Any) -> bool:
    """Return whether dates can be written and read in this format."""
    if not isinstance(form, str):
        return False
    if form == "" or form in parsing.DATE_FORMS:
        return True
    try:
        written = datetime(2026, 5, 1, 12, 5, tzinfo=UTC).strftime(form)
        datetime.strptime(written, form)  # noqa: DTZ007 -- only tried
    except (ValueError, TypeError, re.error):
        return False
    return True


def _auth_mistakes(auth: Any) -> list[str]:
    if auth is None:
        return []
    if not isinstance(auth, dict):
        return ["auth is not an object"]
    mistakes = [f"unknown key auth.{key}" for key in auth if key not in _AUTH_KEYS]
    if wrong := [key for key, value in auth.items() if not isinstance(value, str)]:
        return [*mistakes, *(f"auth.{key} is not a string" for key in wrong)]
    method = auth.get("method")
    if method not in _METHODS:
        mistakes.append("auth.method is not one of " + ", ".join(_METHODS))
    if method in {"hmac", "header"} and not auth.get("header"):
        mistakes.append("auth.header is missing")
    if auth.get("algorithm", "sha256") not in _ALGORITHMS:
        mistakes.append("auth.algorithm is not one of " + ", ".join(_ALGORITHMS))
    if auth.get("encoding", "hex") not in _DECODERS:
        mistakes.append("auth.encoding is neither 'hex' nor 'base64'")
    return mistakes


def _check(
    method: str,
    auth: Mapping[str, str],
    delivery: Delivery,
    secrets: Sequence[str],
    now: datetime,
) -> None:
    if method == "basic":
        return signatures.check_basic(delivery.headers, secrets)
    if method == "bearer":
        scheme, _, token = delivery.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else ""
        return signatures.check_header({"token": given}, "token", secrets)
    header = auth["header"].lower()
    if method == "header":
        return signatures.check_header(delivery.headers, header, secrets)
    written = delivery.headers.get(header, "").strip()
    timestamp = ""
    if separator := auth.get("timestamp_before"):
        timestamp, _, written = written.partition(separator)
    elif auth.get("timestamp_header"):
        timestamp = delivery.headers.get(auth["timestamp_header"].lower(), "")
    prefix = auth.get("prefix", "")
    if not written or not written.startswith(prefix):
        raise Refused("no_signature")
    signed = delivery.body
    if auth.get("timestamp_before") or auth.get("timestamp_header"):
        signatures.check_fresh(timestamp, now)
        signed = f"{timestamp}{auth.get('joined_by', '.')}".encode() + delivery.body
    decode = _DECODERS[auth.get("encoding", "hex")]
    given_digest = decode(written.removeprefix(prefix).strip())
    signatures.check_hmac(signed, [given_digest], secrets, auth.get("algorithm", "sha256"))
    return None


def _proofs(auth: Mapping[str, str], body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers that `_check` expects."""
    method, header = auth.get("method"), auth.get("header", "").lower()
    if method == "basic":
        return signatures.basic(secret)
    if method == "bearer":
        return {"authorization": f"Bearer {secret}"}
    if method == "header":
        return {header: secret}
    if method != "hmac":
        return {}
    stamp, separator = signatures.stamp(now), auth.get("timestamp_before", "")
    stamped = bool(separator or auth.get("timestamp_header"))
    signed = f"{stamp}{auth.get('joined_by', '.')}".encode() + body if stamped else body
    digest = signatures.digest(secret, signed, auth.get("algorithm", "sha256"))
    in_base64 = auth.get("encoding") == "base64"
    written = base64.b64encode(digest).decode() if in_base64 else digest.hex()
    written = auth.get("prefix", "") + written
    if separator:
        return {header: f"{stamp}{separator}{written}"}
    if stamped:
        return {auth["timestamp_header"].lower(): stamp, header: written}
    return {header: written}


def _mapping_of(setup: Mapping[str, Any]) -> dict[str, Any]:
    mapping = setup.get("mapping")
    return mapping if isinstance(mapping, dict) else {}


def _read(mapping: Mapping[str, Any], body: bytes) -> Any:
    if mapping.get("body") != "form":
        return parsing.read_json(body)
    fields: dict[str, Any] = {}
    for name, value in parsing.read_form(body):
        # A repeated field is a list, as in most tools that read forms.
        if name in fields:
            earlier = fields[name]
            fields[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            fields[name] = value
    return fields


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def _find(expression: Any, value: Any) -> Any:
    """Return what an expression finds in a value, or None."""
    if not expression:
        return None
    if not isinstance(expression, str) or len(expression) > LONGEST_EXPRESSION:
        raise Unreadable("bad_mapping", "an expression is too long")
    try:
        return _compiled(expression).search(value)
    except Exception as error:
        # JMESPath functions fail in many ways on values of the wrong type.
        raise Unreadable("mapping_failed", type(error).__name__) from None


def _hint(expression: Any, item: Any) -> Any:
    """Return what an expression finds, or None, also if it fails on the value."""
    try:
        return _find(expression, item)
    except Unreadable:
        return None


def _events(mapping: Mapping[str, Any], item: Any) -> list[ActionEvent]:
    if mapping.get("when") and not _yes(_find(mapping["when"], item)):
        return []
    kind = _kind(mapping, item)
    said = _said(mapping, item)
    if kind is None or said is None:
        return []
    fields = mapping["fields"]
    given = {name: _find(fields.get(name), item) for name in _TEXTS}
    texts = {name: parsing.text(value, name, 2048) for name, value in given.items()}
    name = parsing.text(_find(fields["id"], item), "id", 200)
    if not name:
        raise Unreadable("missing", "id")
    occurred = _instant(mapping, _find(fields["at"], item), "at")
    found = _find(fields.get("stated_at"), item)
    stated = occurred if found is None else _instant(mapping, found, "stated_at")
    currency, amount = _money(mapping, item, kind, said)
    hints = {name: optional.text(_hint(fields.get(name), item), 2048) for name in _HINTS}
    query = tracking_parameters.query_of(optional.text(_hint(fields.get("url"), item), 8000))
    code, click_id = _code(mapping, hints, query)
    utm = tracking_parameters.utm_of(query) | tracking_parameters.utm_of(
        {key: _hint(fields.get(key), item) for key in fields if key.startswith("utm_")}
    )
    event = ActionEvent(
        kind=kind,
        external_id=name,
        # `at` is when the gift was made; it was returned or ended when that was stated.
        occurred_at=stated
        if said in (StatementType.REFUNDED, StatementType.RECURRING_ENDED)
        else occurred,
        said=said,
        statement_id=parsing.text(_find(fields.get("statement"), item), "statement", 200) or said,
        stated_at=stated,
        person=Person(
            email=texts["email"],
            phone=parsing.contact(given["phone"], "phone"),
            person_id=texts["person_id"],
        ),
        code=code,
        click_id=click_id,
        utm=utm,
        referrer=hints["referrer"],
        amount_minor=amount,
        currency=currency,
        recurs_as=texts["recurs_as"],
        renewal=bool(texts["recurs_as"]) and _yes(_find(fields.get("renewal"), item)),
        target=hints["target"],
        test=_yes(_find(fields.get("test"), item)),
    )
    return [event, *_returned(mapping, item, event)]


def _kind(mapping: Mapping[str, Any], item: Any) -> ActionKind | None:
    written = parsing.text(_find(mapping["kind"], item), "kind", 200)
    kinds = mapping.get("kinds") or {}
    if written in kinds and kinds[written] is None:
        return None
    try:
        return ActionKind(kinds.get(written, written))
    except ValueError:
        raise Unreadable("unknown_kind", written) from None


def _said(mapping: Mapping[str, Any], item: Any) -> StatementType | None:
    """Return the type of statement; a word that `says` does not list means "created"."""
    says = mapping.get("says") or {}
    written = parsing.text(_find(mapping.get("said"), item), "said", 200)
    if written in says:
        return None if says[written] is None else StatementType(says[written])
    return StatementType(written) if written in set(StatementType) else StatementType.CREATED


def _money(
    mapping: Mapping[str, Any], item: Any, kind: ActionKind, said: StatementType
) -> tuple[str, int | None]:
    if kind is not ActionKind.DONATION or said is StatementType.RECURRING_ENDED:
        return "", None
    fields = mapping["fields"]
    default = parsing.currency_code(mapping.get("currency"), "USD")
    currency = parsing.currency_code(_find(fields.get("currency"), item), default)
    amount: int | None = None
    if (minor := _find(fields.get("amount_minor"), item)) is not None:
        amount = money.whole_minor(
            parsing.whole_number(minor, "amount_minor") if isinstance(minor, str) else minor,
            "amount_minor",
        )
    elif (written := _find(fields.get("amount"), item)) is not None:
        amount = money.to_minor(written, currency)
    if said is StatementType.CREATED:
        if amount is None:
            raise Unreadable("missing", "amount")
        gifts.given(amount)
    if amount is not None and amount < 0:
        raise Unreadable("bad_amount", "amount is negative")
    return currency, amount


def _returned(mapping: Mapping[str, Any], item: Any, made: ActionEvent) -> list[ActionEvent]:
    """Return what the same item says was returned so far, all returns together."""
    written = _find(mapping["fields"].get("returned"), item)
    if (
        written is None
        or made.said is not StatementType.CREATED
        or made.kind is not ActionKind.DONATION
    ):
        return []
    back = abs(money.to_minor(written, made.currency))
    if not back:
        return []
    return [
        ActionEvent(
            kind=made.kind,
            external_id=made.external_id,
            occurred_at=made.stated_at or made.occurred_at,
            said=StatementType.REFUNDED,
            statement_id=f"refund:total:{back}",
            stated_at=made.stated_at,
            amount_minor=back,
            currency=made.currency,
            cumulative=True,
        )
    ]


def _instant(mapping: Mapping[str, Any], value: Any, what: str) -> datetime:
    """Read unix seconds, ISO 8601, or the mapping's own format."""
    zone = str(mapping.get("zone", "UTC"))
    if isinstance(value, Decimal) and not value.is_finite():
        raise Unreadable("bad_instant", what)
    # A very long number takes minutes to expand, and is not an instant anyway.
    short = isinstance(value, Decimal) and value.adjusted() <= money.MOST_DIGITS
    if short and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, int):
        return parsing.from_unix(value, what)
    written = parsing.text(value, what, 64)
    if written.isascii() and written.isdigit() and 9 <= len(written) <= 11:
        return parsing.from_unix(int(written), what)
    form = str(mapping.get("at_format") or "")
    if written and form in parsing.DATE_FORMS and parsing.is_spreadsheet_date(written):
        return parsing.spreadsheet_date(written, what, form, zone)
    if written and form and form not in parsing.DATE_FORMS:
        try:
            moment = datetime.strptime(written, form)  # noqa: DTZ007 -- the zone comes next
        except (ValueError, re.error):
            raise Unreadable("bad_instant", what) from None
        return parsing.in_utc(moment, what, zone)
    return parsing.instant(written, what, zone)


def _write_instant(mapping: Mapping[str, Any], moment: datetime) -> str:
    """Write an instant as `_instant` reads it."""
    if form := mapping.get("at_format"):
        local = moment.astimezone(dates.zone(str(mapping.get("zone", "UTC"))))
        return local.strftime(parsing.DATE_FORMS.get(form, form))
    return test_deliveries.write_instant(moment)


def _places(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping.get("destination") or {"utm_content": "{both}"}


def _arrived(mapping: Mapping[str, Any], landing: str) -> tuple[str, str]:
    """Return code and click id from where `destination` had put them."""
    query = tracking_parameters.query_of(landing)
    code, click_id = "", ""
    for name, which in _places(mapping).items():
        carried = query.get(str(name), "")
        if which == "{click_id}":
            click_id = carried or click_id
        elif which in ("{code}", "{both}"):
            found = tracking_parameters.split_code(carried)
            code, click_id = found[0] or code, found[1] or click_id
    return code, click_id


def _example(mapping: Mapping[str, Any], landing: str, message_id: str, now: datetime) -> bytes:
    """Return the first body, from the mapping's example or the inverted mapping, that works."""
    code, click_id = _arrived(mapping, landing)
    both = tracking_parameters.join_code(code, click_id)
    words = {
        "code": code,
        "click_id": click_id,
        "both": both,
        "id": message_id,
        "now": _write_instant(mapping, now),
        "landing": landing,
    }
    if mapping.get("example"):
        # A test is meant to reveal an example that does not hand the code back.
        return _first_read(mapping, [sample_payloads.fill(mapping["example"], words)], {})
    fields = mapping["fields"]
    values = {
        "id": message_id,
        "at": words["now"],
        # A code in a field of its own comes back by itself.
        "code": code if "{click_id}" in _places(mapping).values() else both,
        "click_id": click_id,
        "url": landing,
        "email": test_deliveries.SAMPLE_EMAIL,
        "amount": "1",
        "amount_minor": 100,
        "test": True,
        **{
            f"utm_{name}": word
            for name, word in tracking_parameters.utm_of(
                tracking_parameters.query_of(landing)
            ).items()
        },
    }
    wanted = {"code": code} if fields.get("code") or fields.get("url") else {}
    if fields.get("click_id"):
        wanted["click_id"] = click_id
    return _first_read(mapping, sample_payloads.invert(mapping, values), wanted)


def _first_read(
    mapping: Mapping[str, Any], proposed: Iterable[Any], wanted: Mapping[str, str]
) -> bytes:
    """Return the first body that is read as an action with the wanted values, or raise."""
    why = "the mapping reads no action with our code out of it"
    for value in proposed:
        try:
            body = _write(mapping, value)
            events = dry_run(mapping, body)
        except Unreadable as error:
            why = str(error)
            continue
        for event in events:
            read = {"code": event.code, "click_id": event.click_id}
            if event.said is StatementType.CREATED and wanted.items() <= read.items():
                return body
    raise Unreadable("no_example", f"{why}; give the mapping an example that it can read")


def _write(mapping: Mapping[str, Any], value: Any) -> bytes:
    if mapping.get("body") != "form":
        return test_deliveries.write_json(value)
    if not isinstance(value, dict):
        raise Unreadable("wrong_type", "a form is an object of fields")
    return urlencode(value, doseq=True).encode()


def _code(
    mapping: Mapping[str, Any], hints: Mapping[str, str], query: Mapping[str, str]
) -> tuple[str, str]:
    """Return the code from its field, else from the page's URL, where `destination` had put it."""
    code, click_id = tracking_parameters.surest_code(
        hints["code"], *(query.get(name, "") for name in _places(mapping))
    )
    return code, click_id or tracking_parameters.click_id_or_none(hints["click_id"])


def _yes(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _YES
    return bool(value)
