"""The application that a WSGI server runs: the two busy doors in front of Flask."""

from advocacy.app import create_app
from advocacy.web.redirect import LinksDoor
from advocacy.web.webhooks import WebhooksDoor
from config.logging import configure
from config.settings import read_settings

settings = read_settings()
configure(settings.log_level)
app = create_app(settings)
application = LinksDoor(WebhooksDoor(app.wsgi_app, app), app, settings)
