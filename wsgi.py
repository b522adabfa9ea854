"""The application of `advocacy.wsgi` under the name that WSGI servers look for."""

from advocacy.wsgi import app, application

__all__ = ["app", "application"]
