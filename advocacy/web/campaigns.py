"""The campaign that a page or an API endpoint is about."""

from __future__ import annotations

from flask import g
from flask_babel import gettext as _

from advocacy.storage import campaigns
from advocacy.storage.models import Campaign
from advocacy.web.errors import Problem


def campaign_or_404(slug: str) -> Campaign:
    """Return the organization's campaign with this slug; raises a 404 `Problem`."""
    campaign = campaigns.find_campaign(g.org_id, slug)
    if campaign is None:
        raise Problem(404, _("Not Found"), _("There is no campaign %(slug)s.", slug=slug))
    return campaign
