"""Share links: a tool's share page requests a supporter's own link here."""

from __future__ import annotations

from flask import current_app, g
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from advocacy.storage import errors, links
from advocacy.storage.session import transaction
from advocacy.web.api.endpoint import endpoint
from advocacy.web.errors import Problem

blueprint = Blueprint(
    "links", __name__, url_prefix="/api/v1/links", description="Share links of tracking links."
)


class PassedOn(Schema):
    code = fields.Str()
    url = fields.Str(metadata={"description": "The URL that the supporter shares."})
    generation = fields.Int(metadata={"description": "1 for the share of a post's own link."})


@blueprint.route("/<code>/shares")
class SharesOf(MethodView):
    """Share links of a link."""

    @endpoint(blueprint, PassedOn, "Create a share link of this link", scope="write", status=201)
    def post(self, code: str) -> dict[str, object]:
        """Create a link with the same post and destination, one generation further.

        Its actions are credited to the post of the first link in the chain. Nothing about the
        supporter who shares it is requested or stored.
        """
        try:
            with transaction():
                link = links.create_share_link(g.org_id, code.lower())
                public = current_app.extensions["settings"].public_url
                return {
                    "code": link.code,
                    "url": f"{public}/r/{link.code}",
                    "generation": link.generation,
                }
        except errors.NotFound:
            raise Problem(404, "Not Found", f"There is no link {code}.") from None
