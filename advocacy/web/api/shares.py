"""Links that are passed on: a tool's share page asks here for a supporter's own link."""

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
    "links", __name__, url_prefix="/api/v1/links", description="Tracking links, passed on."
)


class PassedOn(Schema):
    code = fields.Str()
    url = fields.Str(metadata={"description": "What the supporter passes on."})
    generation = fields.Int(metadata={"description": "1 for the share of a post's own link."})


@blueprint.route("/<code>/shares")
class SharesOf(MethodView):
    """Links that pass one on."""

    @endpoint(blueprint, PassedOn, "Make a link that passes this one on", scope="admin", status=201)
    def post(self, code: str) -> dict[str, object]:
        """Make a link of the same post and page, one generation further.

        What it brings counts for the post whose link was first in the chain. Nothing of the
        supporter who passes it on is asked or kept.
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
