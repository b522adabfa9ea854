"""`advocacy source`: webhook addresses of tools, their secrets and settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from advocacy.cli.context import WHO, Refusal, counted, in_app, org_option, settings_now, table
from advocacy.core.errors import Unreadable
from advocacy.core.events import Person
from advocacy.providers import BY_SLUG, generic, mappings, optional

if TYPE_CHECKING:
    from advocacy.storage.sources import SourceRow


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
    from advocacy.ingestion import connections
    from advocacy.storage import campaigns, organizations
    from advocacy.storage.session import transaction

    settings = settings_now()
    setup = read_setup(provider, words, mapping)
    with transaction():
        owner = organizations.get_organization(org)
        of = campaigns.get_campaign(owner.id, slug).id if slug else None
        with accepted():
            made = connections.connect(
                settings.secret_key.encode(),
                owner.id,
                provider,
                name,
                campaign_id=of,
                region=region.upper(),
                setup=setup,
                secret=secret or "",
            )
        click.echo(f"URL     {settings.public_url}/webhooks/{made.key}")
        if made.secret:
            click.echo(f"secret  {made.secret}")
        elif connections.is_secret_given(provider):
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


@contextmanager
def accepted() -> Iterator[None]:
    """Refuse the command with the reason for which settings are not acceptable."""
    from advocacy.ingestion.connections import BadConnection

    try:
        yield
    except BadConnection as error:
        raise Refusal(str(error)) from None


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
    from advocacy.ingestion import connections
    from advocacy.storage import organizations, sources
    from advocacy.storage.session import transaction

    settings = settings_now()
    with transaction():
        owner = organizations.get_organization(org)
        found = sources.get_source(owner.id, name)
        with accepted():
            secret = connections.rotate_secret(
                settings.secret_key.encode(), found, secret or "", timedelta(hours=hours)
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
            unread.get(each.id, 0),
            _state(each),
        )
        for each in sources.list_sources(owner.id)
    ]
    table(("name", "provider", "trust", "region", "unreadable contacts", "state"), rows)


def _state(row: SourceRow) -> str:
    return "archived" if row.archived_at else "disabled" if row.disabled_at else ""
