"""What each reason for a refused or quarantined delivery means, and what to do about it."""

from __future__ import annotations

from flask_babel import gettext as _


def hints() -> dict[str, str]:
    """Return an explanation of each reason, with what to do."""
    return {**of_quarantined(), **_of_refused_requests()}


def of_quarantined() -> dict[str, str]:
    """Return an explanation of each reason for quarantine."""
    number = _("A number cannot be read exactly. Check it in the tool.")
    large = _("It is larger than anything this tool sends. Check the tool's webhook settings.")
    letters = _("Its text encoding cannot be read. Check the tool's webhook settings.")
    look = _(
        "The tool sends a format this version does not know. Update this software, then try again."
    )
    return {
        "unknown_kind": look,
        "wrong_type": look,
        "missing": look,
        "room_failed": _("This is a bug. Report it, update this software, then try again."),
        "failed": _(
            "Storing it failed several times. Report this, update this software, then try again."
        ),
        "killed_worker": _(
            "Processing this delivery crashed a worker repeatedly. "
            "Retry when more memory is available."
        ),
        "bad_mapping": _("The mapping of this source has errors. Correct it, then try again."),
        "mapping_failed": _(
            "The mapping does not match this delivery. Correct it, then try again."
        ),
        "bad_setup": _("The source is misconfigured. Correct it, then try again."),
        "corrupt": _("It was changed on disk, or SECRET_KEY has changed."),
        "id_reuse": _(
            "Its id was already used for a different delivery, which counts. This one stays here."
        ),
        "not_json": _("Not valid JSON. Check the tool's webhook settings."),
        "bad_amount": _("An amount cannot be read exactly. Check it in the tool."),
        "bad_currency": _("A currency is not a three-letter code. Check it in the tool."),
        "bad_instant": _("A time cannot be read or has no time zone. Check it in the tool."),
        "bad_number": number,
        "not_a_number": number,
        "bad_secret": _(
            "The secret of this source does not have the format the tool uses. Set it again."
        ),
        "too_deep": large,
        "too_large": large,
        "too_long": _("A text in it is too long to store. Check it in the tool."),
        "not_utf8": letters,
        "nul": letters,
        "lone_surrogate": letters,
    }


def _of_refused_requests() -> dict[str, str]:
    signature = _(
        "The signature does not match. Copy the secret from the tool and store it here again, and"
        " check that the tool calls exactly this address."
    )
    missing = _("It carried no credentials. Enter the secret of this page in the tool.")
    wrong = _("The user name or password differs. Enter those of this page in the tool.")
    return {
        "disabled": _("The tool was paused here. Let it go on to accept what it sends."),
        "no_secret": _("No secret is stored here yet. Copy it from the tool and store it here."),
        "no_signature": _("It was not signed. Check that signing is turned on in the tool."),
        "bad_signature": signature,
        "unknown_algorithm": signature,
        "bad_message_id": signature,
        "no_credentials": missing,
        "no_token": missing,
        "bad_credentials": wrong,
        "bad_timestamp": _("The time in its signature cannot be read."),
        "stale_timestamp": _(
            "It was signed more than five minutes ago or ahead. Check the clocks of both servers."
        ),
        "bad_url": _("It was signed for another address. Check PUBLIC_URL and the tool's address."),
        "bad_form": _("Not a valid form. Check the tool's webhook settings."),
        "unreadable": _("Not valid JSON. Check the tool's webhook settings."),
        "bad_encoding": _("It was compressed. Turn compression off in the tool."),
        "cut_short": _("It arrived incomplete. The tool usually sends it again."),
    }
