"""Names of ActBlue's orders, which other tools report as well."""

from __future__ import annotations

from datetime import datetime

from advocacy.core.dates import day_in

# Other tools that report ActBlue's gifts know them by one of these names only.
ACTBLUE_GIFTS = "act_blue"
ACTBLUE_ORDERS = "act_blue_order"
ACTBLUE_ZONE = "America/New_York"


def actblue_order(order: str, paid_at: datetime) -> str:
    """Return the name of one payment of an ActBlue order.

    A recurring order has one payment for each instalment, distinguished by its day in New York,
    ActBlue's time zone.
    """
    return f"{order}:{day_in(paid_at, ACTBLUE_ZONE)}"
