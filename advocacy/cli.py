"""The operator's commands: `advocacy <word> <what>`.

What a stranger would get wrong: an error is one line that says what to do, and nothing is printed
twice: keys and tokens are shown when they are made and never again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import available_timezones

import click
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from advocacy import create_app, embedded, forget, process
from advocacy.destinations import BadDestination, check_destination
from advocacy.ids import new_key
from advocacy.providers import BY_SLUG
from advocacy.report import BadRange, activation, written_money
from advocacy.store import campaigns, inbox, transaction
from config.logging import configure
from config.settings import Settings, SettingsError, read_settings

Arguments = ParamSpec("Arguments")

VAR_DIR = Path(os.environ.get("VAR_DIR", "var"))


class Refusal(click.ClickException):
    """An error of one line that says what to do."""


def application(log_level: str = "WARNING") -> Flask:
    """Return the application for the environment, or for what `make run` left in `var/env`."""
    for name, value in embedded.remembered(VAR_DIR).items():
        os.environ.setdefault(name, value)
    settings = read_settings()
    configure(os.environ.get("LOG_LEVEL", log_level))
    return create_app(settings)


def in_app(
    command: Callable[Arguments, None],
) -> Callable[Arguments, None]:
    """Run a command inside the application and put every known error into one line."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            with application().app_context():
                command(*args, **kwargs)
        except SettingsError as error:
            raise Refusal(str(error)) from None
        except (campaigns.Taken, campaigns.NotFound, BadRange) as error:
            raise Refusal(str(error)) from None
        except BadDestination as error:
            raise Refusal(f"the destination {error}") from None
        except IntegrityError:
            raise Refusal("another command made the same just now; look, and try again") from None
        except OperationalError:
            raise Refusal(
                "the database does not answer; start it with `make run`, or set DATABASE_URL"
            ) from None
        except ProgrammingError as error:
            if "UndefinedTable" in type(error.orig).__name__:
                raise Refusal("the database has no tables yet; run `advocacy migrate`") from None
            raise

    return run


def settings_now() -> Settings:
    """Return the settings of the application that a command runs in."""
    from flask import current_app

    settings: Settings = current_app.extensions["settings"]
    return settings


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns."""
    written = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[index]) for row in written) for index in range(len(headings))]
    for row in written:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def zone_name(_context: Any, _parameter: Any, name: str) -> str:
    """Check the name of a time zone."""
    if name not in available_timezones():
        raise Refusal(f"{name} is no time zone; write it as America/Chicago")
    return name


def slug_word(_context: Any, _parameter: Any, word: str) -> str:
    """Check a slug: it stands in URLs."""
    if not word or not all(
        letter.isascii() and (letter.isalnum() or letter == "-") for letter in word
    ):
        raise Refusal(f"{word!a} cannot stand in a URL; use letters, digits and dashes only")
    return word.lower()


org_option = click.option("--org", help="Slug of the organization; not needed where there is one.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Tell what social posts set in motion.

    Example, from nothing to a tracking link:

    \b
      advocacy org create --slug hope --name "Hope Project"
      advocacy campaign create --slug stay --name "Stop the execution"
      advocacy post create --campaign stay --platform instagram --title "Call today"
      advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    """


@main.group()
def org() -> None:
    """Organizations: each sees only its own."""


@org.command("create")
@click.option("--slug", required=True, callback=slug_word)
@click.option("--name", required=True)
@click.option("--timezone", default="UTC", callback=zone_name, show_default=True)
@in_app
def org_create(slug: str, name: str, timezone: str) -> None:
    """Make an organization.

    Example: advocacy org create --slug hope --name "Hope Project" --timezone America/New_York
    """
    with transaction():
        made = campaigns.put_organization(slug, name, timezone)
        click.echo(f"organization {made.slug} is made")


@org.command("list")
@in_app
def org_list() -> None:
    """List the organizations.

    Example: advocacy org list
    """
    rows = [(each.slug, each.name, each.timezone) for each in campaigns.list_organizations()]
    table(("slug", "name", "time zone"), rows)


@main.group()
def campaign() -> None:
    """Campaigns: what a report is about."""


@campaign.command("create")
@org_option
@click.option("--slug", required=True, callback=slug_word)
@click.option("--name", required=True)
@click.option("--timezone", default="", help="Where its days begin; default: the organization's.")
@in_app
def campaign_create(org: str | None, slug: str, name: str, timezone: str) -> None:
    """Make a campaign.

    Example: advocacy campaign create --slug stay --name "Stop it" --timezone America/Chicago
    """
    with transaction():
        owner = campaigns.get_organization(org)
        zone = zone_name(None, None, timezone) if timezone else owner.timezone
        made = campaigns.put_campaign(owner.id, slug, name, zone)
        click.echo(f"campaign {made.slug} is made; its days begin in {made.timezone}")


@campaign.command("list")
@org_option
@in_app
def campaign_list(org: str | None) -> None:
    """List the campaigns.

    Example: advocacy campaign list
    """
    owner = campaigns.get_organization(org)
    rows = [(each.slug, each.name, each.timezone) for each in campaigns.list_campaigns(owner.id)]
    table(("slug", "name", "time zone"), rows)


@main.group()
def post() -> None:
    """Posts: what was published on a platform."""


@post.command("create")
@org_option
@click.option("--campaign", "slug", required=True)
@click.option("--platform", required=True, help="instagram, x, facebook, tiktok, bluesky, …")
@click.option("--title", default="")
@click.option("--url", default="", help="Where the post is.")
@click.option("--medium", default="", help="video, image or text")
@click.option("--author", default="")
@in_app
def post_create(
    org: str | None, slug: str, platform: str, title: str, url: str, medium: str, author: str
) -> None:
    """Make a post of a campaign.

    Example: advocacy post create --campaign stay --platform instagram --title "Call today"
    """
    if url:
        check_destination(url)
    with transaction():
        owner = campaigns.get_organization(org)
        of = campaigns.get_campaign(owner.id, slug)
        made = campaigns.put_post(
            owner.id, of.id, platform.lower(), title=title, url=url, medium=medium, author=author
        )
        click.echo(made.id)


@post.command("list")
@org_option
@click.option("--campaign", "slug")
@in_app
def post_list(org: str | None, slug: str | None) -> None:
    """List posts, the newest first.

    Example: advocacy post list --campaign stay
    """
    owner = campaigns.get_organization(org)
    of = campaigns.get_campaign(owner.id, slug).id if slug else None
    rows = [
        (each.id, each.platform, each.title, each.url)
        for each in campaigns.list_posts(owner.id, of)
    ]
    table(("id", "platform", "title", "url"), rows)


@main.group()
def link() -> None:
    """Tracking links: what goes into a post."""


@link.command("create")
@org_option
@click.option("--post", "post_id", required=True, type=click.UUID)
@click.option("--to", "destination", required=True, help="The page where supporters act.")
@click.option("--provider", help="How the page takes our code; default: known from its host.")
@click.option(
    "--code", default="", callback=lambda _c, _p, word: slug_word(_c, _p, word) if word else ""
)
@click.option("--utm/--no-utm", default=True, help="Add utm_* parameters too.", show_default=True)
@in_app
def link_create(
    org: str | None, post_id: UUID, destination: str, provider: str | None, code: str, utm: bool
) -> None:
    """Make a tracking link of a post.

    Example: advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    """
    settings = settings_now()
    with transaction():
        owner = campaigns.get_organization(org)
        of = campaigns.get_post(owner.id, post_id)
        checked = check_destination(destination, local=not settings.https)
        made = campaigns.put_link(
            owner.id,
            of,
            checked,
            provider_for(checked, provider),
            utm_of(owner.id, of) if utm else {},
            code.replace("-", ""),
        )
        click.echo(f"{settings.public_url}/r/{made.code}")


def provider_for(destination: str, named: str | None = None) -> str:
    """Return the provider whose way of carrying a code a destination takes."""
    if named is not None:
        if named not in BY_SLUG:
            raise Refusal(f"there is no provider {named}; there are {', '.join(sorted(BY_SLUG))}")
        return named
    host = urlsplit(destination).hostname or ""
    for ending, slug in (("actionnetwork.org", "action_network"), ("actblue.com", "actblue")):
        if host == ending or host.endswith(f".{ending}"):
            return slug
    return "standard"


def utm_of(org_id: UUID, of: Any) -> dict[str, str]:
    """Return the UTM by which a post can be known where nothing else comes back."""
    slug = next(each.slug for each in campaigns.list_campaigns(org_id) if each.id == of.campaign_id)
    return {
        "source": of.platform,
        "medium": "social",
        "campaign": slug,
        "content": of.id.hex[-12:],
    }


@link.command("list")
@org_option
@click.option("--campaign", "slug")
@in_app
def link_list(org: str | None, slug: str | None) -> None:
    """List tracking links, the newest first.

    Example: advocacy link list --campaign stay
    """
    public = settings_now().public_url
    owner = campaigns.get_organization(org)
    of = campaigns.get_campaign(owner.id, slug).id if slug else None
    rows = [
        (f"{public}/r/{each.code}", each.provider, each.destination)
        for each in campaigns.list_links(owner.id, of)
    ]
    table(("link", "provider", "leads to"), rows)


@main.group()
def source() -> None:
    """Sources: the addresses to which tools send their webhooks."""


@source.command("create")
@org_option
@click.option("--provider", required=True, type=click.Choice(sorted(BY_SLUG)))
@click.option("--name", required=True)
@click.option("--campaign", "slug", help="Where actions go that no post is found for.")
@click.option("--region", default="US", show_default=True, help="Where phone numbers are from.")
@click.option("--secret", help="user:password for Basic; default: one is made.")
@in_app
def source_create(
    org: str | None, provider: str, name: str, slug: str | None, region: str, secret: str | None
) -> None:
    """Make a source and print the URL and the secret that the tool needs.

    Example: advocacy source create --provider actblue --name ActBlue --campaign stay
    """
    settings = settings_now()
    with transaction():
        owner = campaigns.get_organization(org)
        of = campaigns.get_campaign(owner.id, slug).id if slug else None
        made, key = campaigns.put_source(
            owner.id, provider, name, campaign_id=of, region=region.upper()
        )
        click.echo(f"URL     {settings.public_url}/webhooks/{key}")
        if secret := secret or new_secret(provider):
            campaigns.put_secret(
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
                f"secret  none yet, and nothing is let in before: {BY_SLUG[provider].title} shows "
                f"one for this URL; say it with `advocacy source rotate --name {name!r} --secret …`"
            )
    click.echo("Keep what is printed; it is not shown again.")


def secret_is_given(provider: str) -> bool:
    """Say whether it is the tool that makes the secret, so that none can be made here."""
    return BY_SLUG[provider].TRUST not in {"secret_path", "none"} and not new_secret(provider)


def new_secret(provider: str) -> str:
    """Return a fresh secret of the form that a provider uses; empty where none is made here."""
    if BY_SLUG[provider].TRUST == "basic_auth":
        return f"advocacy:{new_key('pw')}"
    if provider == "standard":
        import base64
        import secrets

        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return ""


def checked_secret(provider: str, secret: str) -> str:
    """Refuse a secret that could never fit."""
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
@click.option("--secret", help="The new one; default: one is made.")
@click.option("--hours", default=24.0, show_default=True, help="How long the old one stays valid.")
@in_app
def source_rotate(org: str | None, name: str, secret: str | None, hours: float) -> None:
    """Give a source a new secret; the old one stays valid for a while.

    Example: advocacy source rotate --name ActBlue --hours 48
    """
    settings = settings_now()
    with transaction():
        owner = campaigns.get_organization(org)
        found = campaigns.get_source(owner.id, name)
        secret = secret or new_secret(found.provider)
        if not secret and secret_is_given(found.provider):
            raise Refusal(f"say the secret that {BY_SLUG[found.provider].title} shows: --secret …")
        if not secret:
            raise Refusal("this provider has no secret but the URL; make a new source instead")
        campaigns.put_secret(
            settings.secret_key.encode(),
            owner.id,
            found.id,
            checked_secret(found.provider, secret),
            datetime.now(UTC),
            timedelta(hours=hours),
        )
    click.echo(f"secret  {secret}")


@source.command("list")
@org_option
@in_app
def source_list(org: str | None) -> None:
    """List the sources.

    Example: advocacy source list
    """
    owner = campaigns.get_organization(org)
    rows = [
        (each.name, each.provider, BY_SLUG[each.provider].TRUST, each.region)
        for each in campaigns.list_sources(owner.id)
    ]
    table(("name", "provider", "trust", "region"), rows)


@main.group()
def token() -> None:
    """Tokens: for the API and the dashboard."""


@token.command("create")
@org_option
@click.option("--name", required=True)
@click.option(
    "--scope", default="reports", type=click.Choice(["reports", "admin"]), show_default=True
)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
@in_app
def token_create(org: str | None, name: str, scope: str, days: int) -> None:
    """Make a token and print it, once.

    Example: advocacy token create --name "Monday report"
    """
    with transaction():
        owner = campaigns.get_organization(org)
        until = datetime.now(UTC) + timedelta(days=days)
        _, word = campaigns.put_token(owner.id, name, scope, until)
        click.echo(word)


@token.command("list")
@org_option
@in_app
def token_list(org: str | None) -> None:
    """List the tokens, without their text.

    Example: advocacy token list
    """
    owner = campaigns.get_organization(org)
    rows = [
        (each.name, each.scope, each.expires_at.date(), "revoked" if each.revoked_at else "valid")
        for each in campaigns.list_tokens(owner.id)
    ]
    table(("name", "scope", "until", "state"), rows)


@token.command("revoke")
@org_option
@click.option("--name", required=True)
@in_app
def token_revoke(org: str | None, name: str) -> None:
    """End a token at once.

    Example: advocacy token revoke --name "Monday report"
    """
    with transaction():
        owner = campaigns.get_organization(org)
        campaigns.revoke_token(owner.id, name, datetime.now(UTC))
    click.echo(f"token {name} is revoked")


@main.command()
@org_option
@click.option("--list", "only_list", is_flag=True, help="Show what is quarantined, and do nothing.")
@click.option("--reason", help="Only what was quarantined for this reason.")
@click.option("--id", "ids", multiple=True, type=click.UUID, help="Only this delivery; repeatable.")
@in_app
def replay(org: str | None, only_list: bool, reason: str | None, ids: tuple[UUID, ...]) -> None:
    """Try quarantined deliveries again.

    Example: advocacy replay --reason room_failed
    """
    owner = campaigns.get_organization(org)
    if only_list:
        rows = [
            (row.id, row.source, f"{row.received_at:%Y-%m-%d %H:%M}", row.reason, row.detail)
            for row in inbox.list_quarantined(owner.id)
        ]
        table(("id", "source", "received", "reason", "detail"), rows)
        return
    with transaction():
        put_back = inbox.put_back(owner.id, reason=reason, ids=ids or None)
    settings = settings_now()
    drained = process.Drained()
    while (more := process.drain(settings, owner.id)).stopped_early:
        drained.quarantined += more.quarantined
    still = inbox.counts(owner.id)["quarantined"]
    click.echo(f"{put_back} tried again, {still} are quarantined now")


@main.command()
@org_option
@in_app
def rebuild(org: str | None) -> None:
    """Make actions, people and totals anew from the inbox and the clicks.

    Example: advocacy rebuild
    """
    owner = campaigns.get_organization(org)
    every = inbox.counts(owner.id)["done"]
    with click.progressbar(length=every, label="deliveries", file=sys.stderr) as bar:
        done = process.rebuild(settings_now(), owner.id, lambda n: bar.update(n - bar.pos))
    click.echo(f"{done} deliveries were worked through again")


@main.command()
@org_option
@click.argument("slug")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers.")
@in_app
def report(
    org: str | None, slug: str, first: datetime | None, last: datetime | None, as_json: bool
) -> None:
    """Print the activation of a campaign.

    Example: advocacy report stay --from 2026-11-01 --to 2026-11-07
    """
    owner = campaigns.get_organization(org)
    found = activation(
        campaigns.get_campaign(owner.id, slug),
        first.date() if first else None,
        last.date() if last else None,
    )
    if as_json:
        click.echo(json.dumps(found, default=str, indent=2))
    else:
        print_activation(found)


def print_activation(found: dict[str, Any]) -> None:
    """Print an activation report as text."""
    people, clicks = found["supporters"], found["clicks"]
    about = found["campaign"]
    click.echo(f"{about['name']}, {found['from']} to {found['to']} ({about['timezone']})")
    click.echo(
        f"{people['distinct']} supporters activated: {people['new']} new, "
        f"{people['returning']} returning; {found['actions']} actions"
    )
    for money in found["money"]:
        gross, refunded, net = (
            written_money(money[name], money["currency"])
            for name in ("gross_minor", "refunded_minor", "net_minor")
        )
        click.echo(f"raised {net}: {gross} given, {refunded} refunded")
    click.echo(f"{clicks['human']} clicks by people, {clicks['other']} others\n")
    rows = [
        (
            row["post"]["title"] or row["post"]["id"] if row["post"] else "(no post found)",
            row["post"]["platform"] if row["post"] else "",
            row["clicks"]["human"],
            row["actions"],
            row["supporters"]["distinct"],
            row["supporters"]["new"],
            ", ".join(f"{kind} {n}" for kind, n in row["by_kind"].items()),
            ", ".join(written_money(each["net_minor"], each["currency"]) for each in row["money"]),
        )
        for row in found["posts"]
    ]
    table(("post", "platform", "clicks", "actions", "supporters", "new", "by kind", "net"), rows)
    click.echo()
    table(
        ("evidence", "actions", "share"),
        [(each["tier"], each["actions"], f"{each['share']:.0%}") for each in found["evidence"]],
    )


@main.command()
@org_option
@click.option("--email", default="")
@click.option("--phone", default="")
@click.option("--region", default="US", show_default=True)
@click.confirmation_option(prompt="Erase this person for good?")
@in_app
def erase(org: str | None, email: str, phone: str, region: str) -> None:
    """Erase one person; the counts stay.

    Example: advocacy erase --email someone@example.org
    """
    owner = campaigns.get_organization(org)
    try:
        erased = forget.erase(
            settings_now(), owner.id, email=email, phone=phone, region=region.upper()
        )
    except ValueError as error:
        raise Refusal(str(error)) from None
    click.echo(
        f"{erased.actions} actions lost their person, {erased.bodies} bodies and the trail of "
        f"{erased.clicks} clicks are gone"
    )


@main.command()
@in_app
def migrate() -> None:
    """Bring the tables up to this version.

    Example: advocacy migrate
    """
    from advocacy.up import migrate as bring_up

    bring_up()
    click.echo("the tables are up to date")


@main.command()
def doctor() -> None:
    """Say in words what is wrong with the set-up.

    Example: advocacy doctor
    """
    from advocacy.doctor import examine

    troubles = 0
    for name, trouble in examine(application):
        click.echo(
            f"{'wrong' if trouble else 'ok   '}  {name}" + (f": {trouble}" if trouble else "")
        )
        troubles += bool(trouble)
    if troubles:
        raise Refusal(f"{troubles} to mend")


@main.command()
@click.option("--port", default=8000, show_default=True)
def up(port: int) -> None:
    """Start everything on this machine: servers, tables, web, worker, clock.

    Example: advocacy up --port 8080
    """
    from advocacy.up import start

    sys.exit(start(VAR_DIR, port))


@main.command()
def demo() -> None:
    """Do one whole round on free ports and a throw-away folder, and check every figure.

    Example: advocacy demo
    """
    from advocacy.demo import play

    sys.exit(play())
