"""List, make, change and remove sources."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import current_app, g, url_for
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from advocacy.core.contacts import REGIONS
from advocacy.core.slugs import LONGEST_SLUG
from advocacy.ingestion import connections
from advocacy.providers import BY_SLUG, generic, mappings
from advocacy.storage import campaigns, sources
from advocacy.storage.models import Source
from advocacy.web import auth
from advocacy.web.api import pages
from advocacy.web.api.endpoint import Query, endpoint, of_setup
from advocacy.web.api.transactions import invalid
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem

_LONGEST_NAME = 100


class SourceSetup(Schema):
    """A source: the connection of a tool."""

    id = fields.UUID()
    provider = fields.Str()
    name = fields.Str()
    campaign = fields.Str(
        allow_none=True, metadata={"description": "The slug of its campaign; null: none."}
    )
    region = fields.Str(metadata={"description": "Default region of phone numbers."})
    disabled = fields.Bool(metadata={"description": "Its deliveries are refused."})
    archived_at = fields.DateTime(
        allow_none=True, metadata={"description": "When it was removed; its actions stay counted."}
    )
    created_at = fields.DateTime()


class SourceMade(SourceSetup):
    """A new source, with what its tool needs. It is shown once."""

    url = fields.Str(metadata={"description": "The webhook address for the tool."})
    secret = fields.Str(
        allow_none=True,
        metadata={"description": "The secret for the tool; null: the tool has none or shows one."},
    )


class SourcePage(pages.Page):
    sources = fields.List(fields.Nested(SourceSetup))


class NewSource(Schema):
    provider = fields.Str(required=True, validate=validate.OneOf(sorted(BY_SLUG)))
    name = pages.text(_LONGEST_NAME, shortest=1, required=True)
    campaign = pages.text(
        LONGEST_SLUG, "Slug of the campaign for unattributed actions.", load_default=""
    )
    region = fields.Str(
        load_default="US",
        validate=validate.OneOf(sorted(REGIONS)),
        metadata={"description": "Default region of phone numbers."},
    )
    secret = fields.Str(
        load_default="",
        validate=validate.Length(max=1000),
        metadata={"description": "As user:password for Basic authentication. Default: generated."},
    )
    mapping = fields.Str(
        load_default="",
        validate=validate.OneOf(["", *mappings.names()]),
        metadata={"description": "For `generic`: the name of an included mapping."},
    )


class SourceChange(Schema):
    """What to change; what is not sent stays."""

    name = pages.text(_LONGEST_NAME, shortest=1)
    disabled = fields.Bool()


@of_setup.route("/sources")
class Sources(MethodView):
    """Sources."""

    @endpoint(of_setup, SourcePage, "Sources", query=pages.PageQuery, of_one=False)
    def get(self, query: Query) -> dict[str, object]:
        """Return the sources, newest first, without their addresses and secrets."""
        found = sources.list_source_page(g.org_id, **pages.wanted(query))
        rows, after = pages.page(found, query)
        return {"sources": [_as_setup(each) for each in rows], "next": after}

    @endpoint(
        of_setup,
        SourceMade,
        "Connect a tool",
        body=NewSource,
        once=True,
        scope="write",
        status=201,
    )
    def post(self, asked: Query) -> tuple[dict[str, object], int, dict[str, str]]:
        """Make a source, and return the address and the secret for its tool, once."""
        settings = current_app.extensions["settings"]
        campaign = campaign_or_404(asked["campaign"]) if asked["campaign"] else None
        setup = {"mapping": mappings.get(asked["mapping"])} if asked["mapping"] else {}
        if (asked["provider"] == generic.slug) is not bool(setup):
            raise invalid("mapping", "is needed for generic, and no other provider takes one")
        try:
            made = connections.connect(
                settings.secret_key.encode(),
                g.org_id,
                asked["provider"],
                asked["name"],
                campaign_id=campaign.id if campaign else None,
                region=asked["region"],
                setup=setup,
                secret=asked["secret"],
            )
        except connections.BadConnection as error:
            raise invalid("secret" if asked["secret"] else "name", str(error.words)) from None
        auth.record_audit("source_connected", made.source.name)
        shown = {
            **_as_setup(made.source),
            "url": f"{settings.public_url}/webhooks/{made.key}",
            "secret": made.secret or None,
        }
        return shown, 201, {"Location": url_for("setup.OneSource", source_id=made.source.id)}


@of_setup.route("/sources/<uuid:source_id>")
class OneSource(MethodView):
    """A source."""

    @endpoint(of_setup, SourceSetup, "A source")
    def get(self, source_id: UUID) -> dict[str, object]:
        """Return a source, disabled or not."""
        return _as_setup(_found(source_id))

    @endpoint(of_setup, SourceSetup, "Rename or disable a source", body=SourceChange, scope="write")
    def patch(self, asked: Query, source_id: UUID) -> dict[str, object]:
        """Rename a source, disable it, or enable it again. Its actions stay counted."""
        source = _found(source_id)
        if "name" in asked:
            sources.rename_source(g.org_id, source, asked["name"])
            auth.record_audit("source_renamed", source.name)
        if "disabled" in asked:
            if asked["disabled"]:
                sources.disable_source(g.org_id, source.name, datetime.now(UTC))
            else:
                sources.enable_source(g.org_id, source.name)
            auth.record_audit(
                "source_disabled" if asked["disabled"] else "source_enabled", source.name
            )
        return _as_setup(source)

    @endpoint(of_setup, Schema, "Remove a source", body=Schema, scope="write", status=204)
    def delete(self, _asked: Query, source_id: UUID) -> None:
        """Remove a source for good; one with deliveries is archived. Its actions stay counted."""
        source = _found(source_id)
        name = source.name
        sources.remove_source(g.org_id, source, datetime.now(UTC))
        auth.record_audit("source_removed", name)


def _found(source_id: UUID) -> Source:
    found = sources.find_source(g.org_id, source_id)
    if found is None:
        raise Problem(404, "Not Found", f"There is no source {source_id}.")
    return found


def _as_setup(source: Source) -> dict[str, object]:
    slugs = {each.id: each.slug for each in campaigns.list_campaigns(g.org_id)}
    return {
        "id": source.id,
        "provider": source.provider,
        "name": source.name,
        "campaign": slugs.get(source.campaign_id) if source.campaign_id else None,
        "region": source.region,
        "disabled": source.disabled_at is not None,
        "archived_at": source.archived_at,
        "created_at": source.created_at,
    }
