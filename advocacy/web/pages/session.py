"""The pages to sign in and out."""

from __future__ import annotations

import re

from flask import (
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from advocacy.web import auth
from advocacy.web.dashboard import blueprint

# Where signing in may redirect to: plain paths only. Browsers read "//", "/\\" and even "/", a tab
# and "/" as the start of another host.
_OWN_PAGE = re.compile(r"/|(/[\w-]+)+", re.ASCII)


@blueprint.get("/sign-in")
def sign_in_page() -> str:
    """Show the forms to sign in with an email address and password, or a token."""
    return render_template("sign_in.html", wrong="")


@blueprint.post("/sign-in")
def sign_in() -> auth.Page:
    """Start a session with a token, or an email address and a password."""
    after = request.args.get("next", "")
    after = after if _OWN_PAGE.fullmatch(after) else url_for("dashboard.overview")
    if (token := request.form.get("token")) is not None:
        if auth.sign_in(token.strip()):
            return redirect(after)
        return render_template("sign_in.html", wrong="token"), 401
    email, password = (request.form.get(name, "") for name in ("email", "password"))
    if not (email and password):
        return render_template("sign_in.html", wrong="empty", email=email), 401
    if seconds := auth.seconds_to_wait(email):
        page = render_template("sign_in.html", wrong="often", email=email, seconds=seconds)
        return page, 429, {"Retry-After": str(seconds)}
    found = auth.find_accounts(email, password)
    if len(found) > 1:
        auth.offer_organizations(found, after)
        return redirect(url_for("members.choose_page"))
    if not any(auth.start_session(org_id, member_id) for org_id, _name, member_id in found):
        return render_template("sign_in.html", wrong="password", email=email), 401
    return redirect(after)


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """End the session."""
    auth.sign_out()
    return redirect(url_for("dashboard.sign_in_page"))
