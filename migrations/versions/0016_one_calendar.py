"""time zones by location

Abbreviations such as CET, and names that only some machines know, give way to a location whose
clocks show the same. So no day that was counted is another one, and nothing has to be rebuilt. The
old version of the code reads the new names as well.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from advocacy.core import dates

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tables = op.get_bind()
    for org_id, zone in tables.execute(sa.text("select id, timezone from organizations")).all():
        if (new := _by_location(zone)) != zone:
            tables.execute(
                sa.text("update organizations set timezone = :zone where id = :o"),
                {"o": org_id, "zone": new},
            )
        for campaign_id, own in tables.execute(
            sa.text("select id, timezone from campaigns where org_id = :o"), {"o": org_id}
        ).all():
            if (new := _by_location(own)) != own:
                tables.execute(
                    sa.text("update campaigns set timezone = :zone where org_id = :o and id = :c"),
                    {"o": org_id, "c": campaign_id, "zone": new},
                )


def _by_location(zone: str) -> str:
    """Return the zone to keep. `localtime` is the zone of the machine that the code has run on."""
    if zone in dates.accepted() or (zone.startswith("Etc/") and zone in dates.known()):
        return zone
    if zone == "localtime":
        zone = Path("/etc/localtime").resolve().as_posix().rpartition("/zoneinfo/")[2]
    return dates.same_clock(zone) or "UTC"


def downgrade() -> None:
    pass
