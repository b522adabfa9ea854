"""The redirect as a process of its own: `application` for WSGI servers, `fast` for ASGI ones."""

from advocacy import create_bare_app
from advocacy.web.links_alone import LinksAlone
from config.logging import configure
from config.settings import read_settings

settings = read_settings()
configure(settings.log_level)
fast = LinksAlone(create_bare_app(settings), settings)
application = fast.wsgi
