"""The API that campaign staff query. Every answer is of the token's own organization.

What a stranger would get wrong: flask-smorest has its own way of rendering errors and of describing
them. Both are ours here, so that the OpenAPI document tells the truth about what is sent.
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
        # All that is registered here are answers that are errors.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


api = ProblemApi()
