"""The JSON API. Every response is limited to the organization of the token.

Note: flask-smorest renders and documents errors in its own way. Both are replaced here, so that
the OpenAPI document matches the responses.
"""

from __future__ import annotations

from flask_smorest import Api

from advocacy.web.errors import ProblemDetails


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest with RFC 9457 problems, rendered by `web/errors.py`."""

    ERROR_SCHEMA = ProblemDetails
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        return

    def _register_responses(self) -> None:
        # Only error responses are registered here.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


api = ProblemApi()
