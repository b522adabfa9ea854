"""`advocacy source`: webhook addresses of tools, their secrets and settings."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import click

from advocacy.cli.context import WHO, Refusal, counted, in_app, org_option, settings_now, table
from advocacy.core.errors import Unreadable
from advocacy.core.events import Person
from advocacy.core.ids import new_key
from advocacy.providers import BY_SLUG, generic, mappings, optional


@click.group()
def source() -> None:
    """Sources: webhook addresses, one for each connected tool."""


@source.command("create")
@org_option
@click.option("--provider", required=True, type=click.Choice(sorted(BY_SLUG)))
@click.option("--name", required=True)
@click.option("--campaign", "slug", help="Campaign for unattributed actions.")
@click.option("--region", default="US", show_default=True, help="Default region of phone numbers.")
@click.option("--secret", help="user:password for Basic authentication. Default: generated.")
@click.option("--set", "words", multiple=True, help="A setting, KEY=VALUE; repeatable.")
@click.option("--mapping", help="For generic: a JSON file, or the name of an included mapping.")
@in_app
def source_create(
    org: str | None,
    provider: str,
    name: str,
    slug: str | None,
    region: str,
    secret: str | None,
    words: tuple[str, ...],
    mapping: str | None,
) -> None:
    """Create a source and print the URL and the secret for the tool.

    \b
    Example: advocacy source create --provider actblue --name ActBlue --campaign stay
    Example: advocacy source create --provider generic --name Gifts --mapping donorbox
    """
    from advocacy.storage import campaigns, organizations, sources
    from advocacy.storage.session import transaction

    settings = settings_now()
    setup = read_setup(provider, words, mapping)
    with transaction():
        owner = organizations.get_organization(org)
        of = campaigns.get_campaign(owner.id, slug).id if slug else None
        made, key = sources.put_source(
            owner.id, provider, name, campaign_id=of, region=region.upper(), setup=setup
        )
        click.echo(f"URL     {settings.public_url}/webhooks/{key}")
        if secret := secret or new_secret(provider):
            sources.put_secret(
                settings.secret_key.encode(),
                owner.id,
                made.id,
                checked_secret(provider, secret),
                datetime.now(UTC),
                timedelta(0),
            )
            click.echo(f"secret  {secret}")
        elif secret_is_given(provider):
            click.echo(
                "secret  none yet; deliveries are rejected until it is set. "
                f"{BY_SLUG[provider].title} shows "
                f"one for this URL; set it with `advocacy source rotate --name {name!r} --secret …`"
            )
    click.echo("Store this output; it is not shown again.")


def read_setup(provider: str, words: tuple[str, ...], mapping: str | None) -> dict[str, object]:
    """Return the settings of a source; a mapping is validated first."""
    setup: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise Refusal(f"write --set as KEY=VALUE, not {word!a}")
        try:
            setup[key] = json.loads(value)
        except ValueError:
            setup[key] = value
    if (provider == generic.slug) is not (mapping is not None):
        raise Refusal("--provider generic needs --mapping, and no other provider takes one")
    if mapping is not None:
        setup["mapping"] = read_mapping(mapping)
        if mistakes := generic.check_mapping(setup["mapping"]):
            raise Refusal(f"the mapping {mapping} has errors: {'; '.join(mistakes)}")
    return setup


def read_mapping(named: str) -> object:
    """Return an included mapping by its name, or one from a file."""
    if named in mappings.names():
        return mappings.get(named)
    try:
        read: object = json.loads(Path(named).read_text(encoding="utf-8"))
        return read
    except OSError:
        known = ", ".join(mappings.names())
        raise Refusal(
            f"there is no file {named}, and no included mapping of that name; available: {known}"
        ) from None
    except ValueError as error:
        raise Refusal(f"{named} is not valid JSON: {error}") from None


@source.command("try")
@click.argument("mapping")
@click.argument("body", type=click.File("rb"))
def source_try(mapping: str, body: BinaryIO) -> None:
    """Show the actions that a mapping reads from a payload; nothing is stored.

    \b
    Example: advocacy source try donorbox body.json
    Example: pbpaste | advocacy source try my-mapping.json -
    """
    read = read_mapping(mapping)
    if mistakes := generic.check_mapping(read):
        raise Refusal(f"the mapping {mapping} has errors: {'; '.join(mistakes)}")
    try:
        events = generic.dry_run(optional.mapping(read), body.read())
    except Unreadable as error:
        raise Refusal(f"this mapping cannot read the payload: {error}") from None
    for number, event in enumerate(events, start=1):
        click.echo(f"action {number}")
        for field in fields(event):
            value = getattr(event, field.name)
            if value not in ("", None, False, (), {}, Person()):
                click.echo(f"  {field.name:14} {value}")
    click.echo(counted(len(events), "action"))


def secret_is_given(provider: str) -> bool:
    """Return whether the tool generates the secret, so that none can be generated here."""
    return BY_SLUG[provider].TRUST not in {"secret_path", "none"} and not new_secret(provider)


def new_secret(provider: str) -> str:
    """Return a new secret in the provider's format; empty if none is generated here."""
    if BY_SLUG[provider].TRUST == "basic_auth":
        return f"advocacy:{new_key('pw')}"
    if provider == "standard":
        import base64
        import secrets

        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return ""


def checked_secret(provider: str, secret: str) -> str:
    """Check the format of a secret."""
    if BY_SLUG[provider].TRUST == "basic_auth" and ":" not in secret:
        raise Refusal("write the secret as user:password")
    if provider == "standard":
        from advocacy.providers.signatures import standard_key

        try:
            length = len(standard_key(secret))
        except ValueError:
            length = 0
        if not 24 <= length <= 64:
            raise Refusal("write the secret as whsec_ and the base64 of 24 to 64 bytes")
    return secret


@source.command("rotate")
@org_option
@click.option("--name", required=True)
@click.option("--secret", help="The new secret. Default: generated.")
@click.option("--hours", default=24.0, show_default=True, help="How long the old one stays valid.")
@in_app
def source_rotate(org: str | None, name: str, secret: str | None, hours: float) -> None:
    """Give a source a new secret; the old one stays valid for a while.

    Example: advocacy source rotate --name ActBlue --hours 48
    """
    from advocacy.storage import organizations, sources
    from advocacy.storage.session import transaction

    settings = settings_now()
    with transaction():
        owner = organizations.get_organization(org)
        found = sources.get_source(owner.id, name)
        secret = secret or new_secret(found.provider)
        if not secret and secret_is_given(found.provider):
            raise Refusal(
                f"enter the secret that {BY_SLUG[found.provider].title} shows: --secret …"
            )
        if not secret:
            raise Refusal(
                "this provider has no secret other than the URL; create a new source instead"
            )
        sources.put_secret(
            settings.secret_key.encode(),
            owner.id,
            found.id,
            checked_secret(found.provider, secret),
            datetime.now(UTC),
            timedelta(hours=hours),
        )
    click.echo(f"secret  {secret}")


@source.command("disable")
@org_option
@click.option("--name", required=True)
@in_app
def source_disable(org: str | None, name: str) -> None:
    """Disable a source. Actions already counted stay counted.

    Example: advocacy source disable --name ActBlue

    Its tool receives 401, as for an address that does not exist, and nothing is stored. Most tools
    retry for hours or days, so missed deliveries can still arrive after `source enable`.
    """
    from advocacy.storage import audit, organizations, sources
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        sources.disable_source(owner.id, name, datetime.now(UTC))
        audit.record(owner.id, WHO, "source_disabled", name)
    click.echo(f"source {name} is disabled")


@source.command("enable")
@org_option
@click.option("--name", required=True)
@in_app
def source_enable(org: str | None, name: str) -> None:
    """Enable a source, with the same address and secret.

    Example: advocacy source enable --name ActBlue
    """
    from advocacy.storage import audit, organizations, sources
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        sources.enable_source(owner.id, name)
        audit.record(owner.id, WHO, "source_enabled", name)
    click.echo(f"source {name} is enabled")


@source.command("list")
@org_option
@in_app
def source_list(org: str | None) -> None:
    """List the sources.

    Unreadable contacts: actions of the last seven days with an email address or phone number, none
    of which could be read. The actions count, their supporters do not.

    Example: advocacy source list
    """
    from advocacy.storage import organizations, source_health, sources

    owner = organizations.get_organization(org)
    unread = {each.id: each.unread for each in source_health.read_health(owner.id)}
    rows = [
        (
            each.name,
            each.provider,
            BY_SLUG[each.provider].TRUST,
            each.region,
            unread[each.id],
            "disabled" if each.disabled_at else "",
        )
        for each in sources.list_sources(owner.id)
    ]
    table(("name", "provider", "trust", "region", "unreadable contacts", "state"), rows)
