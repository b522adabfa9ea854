"""Names of ActBlue's orders, which other tools report as well."""

from __future__ import annotations

from datetime import datetime

from advocacy.core import dates
from advocacy.core.tracking_parameters import CLICK_ID_LENGTH as CLICK_ID_LENGTH
from advocacy.core.tracking_parameters import CODE_LENGTH as CODE_LENGTH
from advocacy.core.tracking_parameters import NO_SOURCE as NO_SOURCE
from advocacy.core.tracking_parameters import UTM_NAMES as UTM_NAMES
from advocacy.core.tracking_parameters import click_id_or_none as click_id_or_none
from advocacy.core.tracking_parameters import query_of as query_of
from advocacy.core.tracking_parameters import split_code as split_code
from advocacy.core.tracking_parameters import surest_code as surest_code
from advocacy.core.tracking_parameters import utm_of as utm_of

# Other tools that report ActBlue's gifts know them by one of these names only.
ACTBLUE_GIFTS = "act_blue"
ACTBLUE_ORDERS = "act_blue_order"
ACTBLUE_ZONE = "America/New_York"


def actblue_order(order: str, paid_at: datetime) -> str:
    """Return the name of one payment of an ActBlue order.

    A recurring order has one payment for each instalment, distinguished by its day in New York,
    ActBlue's time zone.
    """
    return f"{order}:{paid_at.astimezone(dates.zone(ACTBLUE_ZONE)).date()}"
