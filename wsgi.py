"""The application that a WSGI server runs: the redirect door in front of Flask."""

from advocacy import create_app
from advocacy.web.links import LinksDoor
from config.logging import configure
from config.settings import read_settings

settings = read_settings()
configure(settings.log_level)
app = create_app(settings)
application = LinksDoor(app.wsgi_app, app, settings)
