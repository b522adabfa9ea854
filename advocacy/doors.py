"""The doors as a process of their own: `doors` for granian, `application` for WSGI servers."""

from advocacy.app import create_doors_app
from advocacy.web.edge import Doors
from config.logging import configure
from config.settings import read_settings

settings = read_settings()
configure(settings.log_level)
doors = Doors(create_doors_app(settings), settings)
application = doors.wsgi
