"""The applications, wired from settings: pages and API, the edge server, a command's.

Note: modules are imported inside of the functions, so that the pure rooms can be imported without
Flask and SQL.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from advocacy.web.edge import EdgeServer
    from advocacy.web.redirect import Redirector
    from config.settings import Settings


def create_edge_app(settings: Settings) -> Flask:
    """Configure the redirect and the webhook endpoint, without pages: see `edge_server`."""
    from advocacy.web import errors, health, metrics, webhooks

    # Its few statements are the same each time, and to plan them is half of their cost.
    app = _wire_servers(settings, prepared_after=2)
    errors.init_app(app)
    webhooks.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    return app


def create_command_app(settings: Settings) -> Flask:
    """Wire what the commands and the jobs need: database, Redis and the texts, and no pages."""
    from advocacy.web.i18n import babel

    app = _wire_servers(settings)
    babel.init_app(app, default_translation_directories="web/translations")
    return app


def _wire_servers(settings: Settings, prepared_after: int | None = None) -> Flask:
    """Return an application that reaches the database and Redis, and nothing more.

    A statement is prepared after so many uses; by default never, since reports are planned better
    for the days and the campaign that are asked for.
    """
    # Imported here, so that the pure rooms can be imported without Flask and SQL.
    from flask import Flask

    from advocacy.identity.key_check import KeyCheck
    from advocacy.ingestion.counters import Counters
    from advocacy.ingestion.wakeup import RedisNotifier
    from advocacy.storage.connections import register_events
    from advocacy.storage.db import db

    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 10,
            "max_overflow": 10,
            "pool_timeout": 5,
            # What a statement that failed was given may be somebody's address; errors are logged.
            "hide_parameters": True,
            "connect_args": _connect_args(settings, prepared_after),
        },
    )
    app.extensions["settings"] = settings
    app.extensions["notifier"] = RedisNotifier(settings.redis_url, settings.queue)
    app.extensions["counters"] = Counters(settings.redis_url, settings.queue)
    app.extensions["key_check"] = KeyCheck(settings.secret_key.encode())
    db.init_app(app)
    with app.app_context():
        register_events(db.engine)
    return app


def _connect_args(settings: Settings, prepared_after: int | None) -> dict[str, object]:
    """Return how to connect. A pooler of transactions keeps nothing of a session.

    Its connections have limits and time zone from the database's role; the doctor looks at them.
    """
    if settings.database_pooler == "transaction":
        return {"connect_timeout": 3, "prepare_threshold": None}
    return {
        "connect_timeout": 3,
        "prepare_threshold": prepared_after,
        "options": "-c statement_timeout=120s -c lock_timeout=30s -c timezone=UTC",
    }


def create_app(settings: Settings) -> Flask:
    """Wire the application for these settings.

    The redirect is not part of it: `wsgi_application` puts it in front.
    """
    from werkzeug.middleware.proxy_fix import ProxyFix

    from advocacy.storage import models  # noqa: F401 -- the tables have to be known to the migrations

    # Before all others: it stands first on the page of the API.
    from advocacy.web.api import activation as _activation  # noqa: F401

    # isort: split
    from advocacy.core.crypto import NO_ORGANIZATION, organization_key
    from advocacy.web import (
        auth,
        cached_figures,
        compression,
        dashboard,
        downloads,
        errors,
        health,
        i18n,
        metrics,
        navigation,
        pictures,
        security,
        template_filters,
        webhooks,
    )
    from advocacy.web.api import actions, api, documentation, endpoint, shares
    from advocacy.web.api import breakdown as groups_api
    from advocacy.web.api import campaigns as _campaigns  # noqa: F401 -- adds its own routes
    from advocacy.web.api import goals as _goals  # noqa: F401 -- adds its own route
    from advocacy.web.api import influence as _influence  # noqa: F401 -- adds its own route
    from advocacy.web.api import ladder as _ladder  # noqa: F401 -- adds its own routes
    from advocacy.web.api import links as _links  # noqa: F401 -- adds its own routes
    from advocacy.web.api import posts as _posts  # noqa: F401 -- adds its own routes
    from advocacy.web.api import sources as _sources  # noqa: F401 -- adds its own routes
    from advocacy.web.api import webhooks as webhooks_api
    from advocacy.web.pages import actions as actions_pages
    from advocacy.web.pages import (
        breakdown,
        campaign_view,
        connections,
        conversion_paths,
        edit_campaign,
        email_reports,
        first_run,
        goals,
        integration_test,
        ladder,
        links,
        live,
        members,
        new_campaign,
        posts,
        quarantine,
        shared_reports,
        timing,
    )
    from advocacy.web.pages import campaign as _campaign  # noqa: F401 -- adds its own route
    from advocacy.web.pages import overview as _overview  # noqa: F401 -- adds its own route
    from advocacy.web.pages import session as _session  # noqa: F401 -- adds its own routes
    from advocacy.web.pages import (
        settings as settings_pages,
    )

    app = _wire_servers(settings)
    app.config.update(
        SECRET_KEY=organization_key(settings.secret_key.encode(), NO_ORGANIZATION, "session"),
        MAX_CONTENT_LENGTH=settings.body_limit_bytes,
        MAX_FORM_MEMORY_SIZE=64 * 1024,
        SESSION_COOKIE_NAME="__Host-session" if settings.https else "session",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Twelve hours from signing in, however much is looked at in between.
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        SESSION_REFRESH_EACH_REQUEST=False,
        API_TITLE="Advocacy action tracker",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS=documentation.spec_options(settings),
    )
    i18n.babel.init_app(
        app, locale_selector=i18n.chosen, default_translation_directories="web/translations"
    )
    errors.init_app(app)
    webhooks.init_app(app)
    health.refuse_wrong_key(app)
    auth.init_app(app)
    compression.init_app(app)
    cached_figures.init_app(app)
    template_filters.init_app(app)
    live.init_app(app)
    api.init_app(app)
    api.register_blueprint(endpoint.of_campaigns)
    api.register_blueprint(shares.blueprint)
    api.register_blueprint(actions.blueprint)
    api.register_blueprint(endpoint.of_organization)
    api.register_blueprint(groups_api.organization)
    api.register_blueprint(endpoint.of_setup)
    api.register_blueprint(webhooks_api.blueprint)
    for blueprint in (
        webhooks.blueprint,
        health.blueprint,
        metrics.blueprint,
        security.blueprint,
        template_filters.blueprint,
        dashboard.blueprint,
        navigation.blueprint,
        pictures.blueprint,
        i18n.blueprint,
        integration_test.blueprint,
        email_reports.blueprint,
        actions_pages.blueprint,
        conversion_paths.blueprint,
        campaign_view.blueprint,
        posts.blueprint,
        timing.blueprint,
        ladder.blueprint,
        goals.blueprint,
        members.blueprint,
        shared_reports.blueprint,
        documentation.blueprint,
        downloads.blueprint,
        breakdown.blueprint,
        live.blueprint,
        links.blueprint,
        new_campaign.blueprint,
        connections.blueprint,
        first_run.blueprint,
        quarantine.blueprint,
        edit_campaign.blueprint,
        settings_pages.blueprint,
    ):
        app.register_blueprint(blueprint)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    return app


def wsgi_application() -> Redirector:
    """Return what a WSGI server runs: redirect and webhooks in front of pages and API.

    Settings come from the environment. Raises `SettingsError`.
    """
    from advocacy.web.redirect import Redirector
    from advocacy.web.webhooks import WebhookEndpoint
    from config.logging import configure
    from config.settings import read_settings

    settings = read_settings()
    configure(settings.log_level)
    app = create_app(settings)
    return Redirector(WebhookEndpoint(app.wsgi_app, app), app, settings)


def edge_server() -> EdgeServer:
    """Return what granian runs: redirect and webhooks alone; `.wsgi` is the same for WSGI servers.

    Settings come from the environment. Raises `SettingsError`.
    """
    from advocacy.web.edge import EdgeServer
    from config.logging import configure
    from config.settings import read_settings

    settings = read_settings()
    configure(settings.log_level)
    return EdgeServer(create_edge_app(settings), settings)


def edge_wsgi_application() -> Redirector:
    """Return the edge server for a WSGI server, where granian cannot run."""
    return edge_server().wsgi
