"""List, make, change and archive tracking links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import current_app, g, url_for
from flask.views import MethodView
from marshmallow import Schema, fields

from advocacy.core.urls import LONGEST
from advocacy.storage import links, sources
from advocacy.storage.links import ListedLink
from advocacy.tracking.links import check_leads_to, create_link
from advocacy.web import auth
from advocacy.web.api import pages
from advocacy.web.api.endpoint import Query, endpoint, of_setup
from advocacy.web.api.posts import find_post_and_campaign
from advocacy.web.api.transactions import invalid
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem

_LONGEST_WORD = 100


class LinkSetup(Schema):
    """A tracking link."""

    code = fields.Str()
    url = fields.Str(metadata={"description": "The URL to publish."})
    destination = fields.Str()
    campaign = fields.Str(metadata={"description": "The slug of its campaign."})
    post_id = fields.UUID()
    utm = fields.Dict(keys=fields.Str(), values=fields.Str())
    disabled = fields.Bool(
        metadata={"description": "A disabled link shows a page that says so; it does not redirect."}
    )
    archived = fields.Bool(
        metadata={
            "description": "Itself, its post or its campaign. It is in no list and redirects."
        }
    )
    created_at = fields.DateTime()


class LinkPage(pages.Page):
    links = fields.List(fields.Nested(LinkSetup))


class LinksQuery(pages.PageQuery):
    """Which links."""

    campaign = fields.Str(metadata={"description": "Only of the campaign with this slug."})
    post_id = fields.UUID(metadata={"description": "Only of this post."})


class NewLink(Schema):
    post_id = fields.UUID(required=True)
    destination = pages.text(LONGEST, "The page it leads to.", shortest=1, required=True)
    source = pages.text(
        _LONGEST_WORD, "The name of the source whose tool has the page.", load_default=""
    )
    code = pages.text(64, "Your own words in place of a random code.", load_default="")
    utm = fields.Bool(load_default=True, metadata={"description": "Add utm_source and the others."})


class LinkChange(Schema):
    """What to change; what is not sent stays."""

    destination = pages.text(LONGEST, shortest=1)
    disabled = fields.Bool()
    archived = fields.Bool()


@of_setup.route("/links")
class Links(MethodView):
    """Tracking links."""

    @endpoint(of_setup, LinkPage, "Tracking links", query=LinksQuery)
    def get(self, query: Query) -> dict[str, object]:
        """Return tracking links, newest first, without those that supporters share on."""
        campaign = campaign_or_404(query["campaign"]) if "campaign" in query else None
        found = links.list_page(
            g.org_id,
            campaign.id if campaign else None,
            post_id=query.get("post_id"),
            **pages.wanted(query),
        )
        rows, after = pages.page(found, query)
        return {"links": [_as_setup(each) for each in rows], "next": after}

    @endpoint(
        of_setup,
        LinkSetup,
        "Make a tracking link",
        body=NewLink,
        once=True,
        scope="write",
        status=201,
    )
    def post(self, asked: Query) -> tuple[dict[str, object], int, dict[str, str]]:
        """Make a tracking link of a post. A code that is in use is refused (409)."""
        post, _campaign = find_post_and_campaign(asked["post_id"])
        settings = current_app.extensions["settings"]
        if asked["source"] and asked["source"] not in {
            each.name for each in sources.list_sources(g.org_id)
        }:
            raise invalid("source", "is not the name of a source")
        made = create_link(
            g.org_id,
            post,
            check_leads_to(asked["destination"], local=not settings.https),
            local=not settings.https,
            source=asked["source"] or None,
            utm=asked["utm"],
            code=asked["code"],
        )
        auth.record_audit("link_made", made.code)
        location = url_for("setup.OneLink", code=made.code)
        return _as_setup(_found(made.code)), 201, {"Location": location}


@of_setup.route("/links/<code>")
class OneLink(MethodView):
    """A tracking link."""

    @endpoint(of_setup, LinkSetup, "A tracking link")
    def get(self, code: str) -> dict[str, object]:
        """Return a tracking link, archived or not."""
        return _as_setup(_found(code))

    @endpoint(of_setup, LinkSetup, "Change or archive a link", body=LinkChange, scope="write")
    def patch(self, asked: Query, code: str) -> dict[str, object]:
        """Change where a link leads, disable, archive or restore it.

        A new destination is for the same tool. Redirects change within seconds.
        """
        code = _found(code).code
        link, now = links.get_link(g.org_id, code), datetime.now(UTC)
        if "destination" in asked:
            local = not current_app.extensions["settings"].https
            links.redirect_to(link, check_leads_to(asked["destination"], local=local), now)
            auth.record_audit("link_changed", code)
        if "disabled" in asked:
            if asked["disabled"]:
                links.disable_link(g.org_id, code, now)
            else:
                links.enable_link(g.org_id, code, now)
            auth.record_audit("link_disabled" if asked["disabled"] else "link_enabled", code)
        if "archived" in asked:
            links.archive_link(link, now if asked["archived"] else None)
            auth.record_audit("link_archived" if asked["archived"] else "link_restored", code)
        return _as_setup(_found(code))


def _found(code: str) -> ListedLink:
    rows = links.list_page(g.org_id, None, 1, code=code.lower(), archived=None)
    if not rows:
        raise Problem(404, "Not Found", f"There is no link {code}.")
    return rows[0]


def _as_setup(row: ListedLink) -> dict[str, Any]:
    public = current_app.extensions["settings"].public_url
    return {**row._asdict(), "url": f"{public}/r/{row.code}"}
