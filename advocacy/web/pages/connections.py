"""The connections: which tools are connected and how they are, connecting one, and its page.

Note: the address of a source is shown once, when it is made, since only a digest of its key is
stored; its secret likewise. Whoever has lost one makes a new one on the page of the tool.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from babel import Locale
from flask import Blueprint, current_app, g, jsonify, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.core.contacts import REGIONS
from advocacy.core.messages import say
from advocacy.ingestion import connections
from advocacy.ingestion.connections import BadConnection, Connected
from advocacy.ingestion.facts import facts_by_delivery
from advocacy.ingestion.integration_test import IntegrationResult, try_source
from advocacy.providers import BY_SLUG, PROVIDERS, generic, mappings, optional
from advocacy.storage import campaigns, delivery_log, inbox, source_health, sources, totals
from advocacy.storage.connections import set_deadline
from advocacy.storage.delivery_log import LoggedRequest
from advocacy.storage.errors import Taken
from advocacy.storage.models import Source
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.delivery_reasons import hints
from advocacy.web.errors import Problem
from advocacy.web.i18n import said

blueprint = Blueprint("connections", __name__)

for_editors = auth.needs_role("editor")

OUTCOMES = ("stored", "waiting", "quarantined", "refused")
TEST_SECONDS = 15.0
"""How long a page waits for a worker to process a test action."""
OWN_MAPPING = "own"
"""The tile for a tool that staff describe by a mapping of their own."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tile: a tool that can be connected."""

    slug: str
    title: str
    provider: str
    mapping: str = ""

    @property
    def steps(self) -> Sequence[str]:
        """What to do in the tool."""
        return BY_SLUG[self.provider].SETUP_STEPS


def tools() -> list[Tool]:
    """Return the tools that can be connected, by title; what needs a programmer comes last."""
    known = [Tool(each.slug, each.title, each.slug) for each in PROVIDERS]
    mapped = [
        Tool(name, str(mappings.get(name)["title"]), generic.slug, name)
        for name in mappings.names()
    ]
    plain = [each for each in known if each.slug not in {generic.slug, "standard"}]
    own = [each for each in known if each.slug == "standard"]
    return [
        *sorted(plain + mapped, key=lambda each: each.title.lower()),
        *own,
        Tool(OWN_MAPPING, _("Any other tool"), generic.slug, OWN_MAPPING),
    ]


@blueprint.get("/sources")
@auth.needs_session
def former_page() -> Response:
    """Redirect from the former address."""
    return redirect(url_for("connections.page"), 301)


@blueprint.get("/connections")
@auth.needs_session
def page() -> str:
    """Show the health of each connected tool, and the tools that can be connected."""
    figures = totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
    return render_template(
        "connections.html",
        sources=source_health.read_health(g.org_id),
        waiting=inbox.count_open(g.org_id),
        adapters=BY_SLUG,
        lost={
            each.source: in_words(each, adapter.CODE_PARAMETERS, adapter.title)
            for each in lost_sources(Carried(*row) for row in figures)
            if (adapter := BY_SLUG[each.provider])
        },
        zone=campaigns.zones(g.org_id)[None],
        look_back=source_health.LOOK_BACK_DAYS,
        unread_days=source_health.UNREAD_DAYS,
        tools=tools(),
        removed=request.args.get("removed", ""),
    )


# Connecting a tool.


@blueprint.get("/connections/new/<tool>")
@for_editors
def form(tool: str) -> str:
    """Show the form for name and campaign of a tool."""
    return _form(_tool(tool), {"name": "", "campaign": request.args.get("campaign", "")})


@blueprint.post("/connections/new/<tool>")
@for_editors
def make(tool: str) -> auth.Page:
    """Connect the tool; show its address and secret, once."""
    chosen = _tool(tool)
    asked = {
        name: request.form.get(name, "").replace("\0", "").strip()
        for name in ("name", "campaign", "region", "mapping")
    }
    campaign = campaigns.find_campaign(g.org_id, asked["campaign"]) if asked["campaign"] else None
    if asked["campaign"] and campaign is None:
        return _form(chosen, asked, _("Choose a campaign from the list.")), 422
    region = asked["region"] or "US"
    if region not in REGIONS:
        return _form(chosen, asked, _("Choose a country from the list.")), 422
    try:
        with transaction():
            made = connections.connect(
                _master(),
                g.org_id,
                chosen.provider,
                asked["name"] or chosen.title,
                campaign_id=campaign.id if campaign else None,
                region=region,
                setup=_setup(chosen, asked["mapping"]),
            )
            auth.record_audit("source_connected", made.source.name)
            source_id = made.source.id
    except BadConnection as error:
        return _form(chosen, asked, f"{said(error.words)}."), 422
    except Taken:
        name = asked["name"] or chosen.title
        return _form(chosen, asked, _("There is already a tool %(name)s.", name=name)), 409
    return _source_page(_source(source_id), made=made)


def _setup(tool: Tool, mapping: str) -> dict[str, object]:
    if not tool.mapping:
        return {}
    if tool.mapping != OWN_MAPPING:
        return {"mapping": mappings.get(tool.mapping)}
    try:
        return {"mapping": json.loads(mapping)}
    except ValueError as error:
        raise BadConnection(say("the mapping is not valid JSON: %(why)s", why=str(error))) from None


def _form(tool: Tool, asked: Mapping[str, str], trouble: str = "") -> str:
    return render_template(
        "connect.html",
        tool=tool,
        asked=asked,
        trouble=trouble,
        campaigns=campaigns.list_active_campaigns(g.org_id),
        regions=_regions(),
        own=tool.mapping == OWN_MAPPING,
        first_run="first-run" in request.args,
    )


def _regions() -> list[tuple[str, str]]:
    """Return codes and names of the countries, by name."""
    names = (get_locale() or Locale("en")).territories
    return sorted(((code, names.get(code, code)) for code in REGIONS), key=lambda each: each[1])


def _tool(slug: str) -> Tool:
    found = next((each for each in tools() if each.slug == slug), None)
    if found is None:
        raise Problem(404, _("Not Found"), _("There is no such tool."))
    return found


# The page of a tool.


@blueprint.get("/connections/<uuid:source_id>")
@auth.needs_session
def source_page(source_id: UUID) -> str:
    """Show a connected tool: its steps, what arrived, its log, and what can be changed."""
    return _source_page(_source(source_id))


@blueprint.get("/connections/<uuid:source_id>/live")
@auth.needs_session
def arrivals(source_id: UUID) -> Response:
    """Say whether something arrived from the tool, for the page that waits for it."""
    _source(source_id)
    found = delivery_log.read_arrivals(g.org_id, source_id)
    answer: Response = jsonify(real=found.real, test=found.test)
    return answer


@blueprint.post("/connections/<uuid:source_id>/test")
@for_editors
def test(source_id: UUID) -> str:
    """Send a test action as the tool would, and show what became of it."""
    source = _source(source_id)
    # This page waits for a worker, not for the database, so the usual limit does not apply.
    set_deadline(None)
    row = next(each for each in sources.list_sources(g.org_id) if each.id == source.id)
    result = try_source(current_app.extensions["settings"], row, wait_seconds=TEST_SECONDS)
    return _source_page(_source(source_id), result=result)


@blueprint.post("/connections/<uuid:source_id>/rotate")
@for_editors
def rotate(source_id: UUID) -> auth.Page:
    """Set or generate a new secret; the one before stays valid for a day."""
    source = _source(source_id)
    given = request.form.get("secret", "").replace("\0", "").strip()
    try:
        with transaction():
            secret = connections.rotate_secret(_master(), source, given)
            auth.record_audit("source_secret_rotated", source.name)
    except BadConnection as error:
        return _source_page(_source(source_id), trouble=f"{said(error.words)}."), 422
    if given:
        return redirect(url_for("connections.source_page", source_id=source_id, done="secret"), 303)
    return _source_page(_source(source_id), secret=secret)


@blueprint.post("/connections/<uuid:source_id>/address")
@for_editors
def replace_address(source_id: UUID) -> str:
    """Give the tool a new address, and show it once; the one before stops working."""
    source = _source(source_id)
    with transaction():
        key = sources.replace_key(g.org_id, source)
        auth.record_audit("source_address_replaced", source.name)
    return _source_page(_source(source_id), key=key)


@blueprint.post("/connections/<uuid:source_id>/state")
@for_editors
def set_state(source_id: UUID) -> Response:
    """Pause a tool or let it go on."""
    source, state = _source(source_id), request.form.get("state", "")
    if state not in {"off", "on"}:
        raise Problem(422, _("Nothing selected"), _("Choose a tool from this page."))
    with transaction():
        if state == "off":
            sources.disable_source(g.org_id, source.name, datetime.now(UTC))
        else:
            sources.enable_source(g.org_id, source.name)
        auth.record_audit("source_disabled" if state == "off" else "source_enabled", source.name)
    return redirect(url_for("connections.source_page", source_id=source_id), 303)


@blueprint.post("/connections/<uuid:source_id>/rename")
@for_editors
def rename(source_id: UUID) -> auth.Page:
    """Give the tool another name."""
    source = _source(source_id)
    try:
        with transaction():
            name = connections.check_name(request.form.get("name", ""))
            before = source.name
            sources.rename_source(g.org_id, source, name)
            auth.record_audit("source_renamed", f"{before}, {name}")
    except BadConnection as error:
        return _source_page(_source(source_id), trouble=f"{said(error.words)}."), 422
    except Taken:
        trouble = _("There is already a tool %(name)s.", name=name)
        return _source_page(_source(source_id), trouble=trouble), 409
    return redirect(url_for("connections.source_page", source_id=source_id), 303)


@blueprint.post("/connections/<uuid:source_id>/remove")
@for_editors
def remove(source_id: UUID) -> Response:
    """Remove the tool; what it brought stays counted."""
    source = _source(source_id)
    name = source.name
    with transaction():
        sources.remove_source(g.org_id, source, datetime.now(UTC))
        auth.record_audit("source_removed", name)
    return redirect(url_for("connections.page", removed=name), 303)


def _source(source_id: UUID) -> Source:
    found = sources.find_source(g.org_id, source_id)
    if found is None:
        raise Problem(404, _("Not Found"), _("There is no such tool."))
    return found


def _source_page(
    source: Source,
    *,
    made: Connected | None = None,
    key: str = "",
    secret: str = "",
    result: IntegrationResult | None = None,
    trouble: str = "",
) -> str:
    adapter = BY_SLUG[source.provider]
    mapping = optional.mapping(source.setup.get("mapping"))
    public = current_app.extensions["settings"].public_url
    key, secret = (made.key, made.secret) if made else (key, secret)
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    rows = delivery_log.read_log(g.org_id, source.id, outcome)
    basic = adapter.TRUST == "basic_auth"
    user, _colon, password = secret.partition(":") if basic else ("", "", secret)
    return render_template(
        "connection.html",
        source=source,
        adapter=adapter,
        tool=str(mapping.get("title") or adapter.title),
        carries=generic.query_template(mapping) if mapping else adapter.CODE_PARAMETERS,
        campaign=next(
            (each for each in campaigns.list_campaigns(g.org_id) if each.id == source.campaign_id),
            None,
        ),
        address=f"{public}/webhooks/{key}" if key else "",
        user=user,
        secret=password,
        made=made is not None,
        arrived=delivery_log.read_arrivals(g.org_id, source.id),
        newest=next((each.at for each in rows if each.outcome == "stored"), None),
        returned=_returned(source),
        lately=LATELY_DAYS,
        has_secret=bool(connections.new_secret(source.provider)),
        takes_secret=connections.needs_given_secret(source) or source.provider == "proca",
        result=result,
        trouble=trouble,
        rows=rows,
        kinds=_kinds(rows),
        outcome=outcome,
        outcomes=_outcomes(),
        hints=hints(),
        tried=request.args.get("tried", type=int),
        done=request.args.get("done", ""),
        kept=delivery_log.KEPT,
        look_back=delivery_log.LOOK_BACK_DAYS,
        zone=campaigns.zones(g.org_id)[None],
        first_run="first-run" in request.args,
    )


def _returned(source: Source) -> float | None:
    """Return which share of the source's recent actions came with a code of ours."""
    rows = (Carried(*row) for row in totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS))
    found = next((each for each in rows if each.source == source.name), None)
    return found.recent_with_code / found.recent if found and found.recent else None


def _outcomes() -> dict[str, str]:
    return {
        "stored": _("processed"),
        "waiting": _("pending"),
        "quarantined": _("could not be read"),
        "refused": _("refused"),
    }


def _kinds(rows: Sequence[LoggedRequest]) -> dict[UUID, list[str]]:
    """Return the kinds of action that each processed delivery reported."""
    done = [each.id for each in rows if each.outcome == "stored"]
    found = facts_by_delivery(_master(), g.org_id, inbox.read_deliveries(g.org_id, done))
    return {
        delivery_id: sorted({fact.kind for fact in facts if fact.kind})
        for delivery_id, facts in found.items()
    }


def _master() -> bytes:
    found: bytes = current_app.extensions["settings"].secret_key.encode()
    return found
