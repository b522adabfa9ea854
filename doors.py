"""The doors as a process of their own: `application` for WSGI servers, `fast` for ASGI ones."""

from advocacy import create_doors_app
from advocacy.web.doors import Doors
from config.logging import configure
from config.settings import read_settings

settings = read_settings()
configure(settings.log_level)
fast = Doors(create_doors_app(settings), settings)
application = fast.wsgi
