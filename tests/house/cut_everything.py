"""`make cut`: all tests that ask the store, on tables that are cut by organization; see `cut.py`.

It fails where a statement is not one organization's, and where a function of the store asks the
database that none of these tests uses: of that one nothing is known.
"""

from __future__ import annotations

import re
import sys

import pytest

RUN = (
    "tests/story",
    "tests/store",
    "tests/mail",
    "tests/web",
    "tests/cli",
    "tests/house/test_one_organization.py",
)
# These look at names of indexes and at plans, start processes with tables of their own, or ask no
# other statements with each of hundreds of orders.
LEFT_OUT = (
    "every_order",
    "all_of_stripe",
    "stream",
    "readme",
    "read_by_its_index",
    "cut_tables",
)
NOT_ABOUT_ROWS = re.compile(r"__init__\.|database\.|distribution\.|generated\.")
"""What asks about the database itself, or is no part of what runs on a cluster."""


def main() -> int:
    """Run them and return the exit status."""
    status = pytest.main(["--cut", "-k", f"not ({' or '.join(LEFT_OUT)})", *sys.argv[1:], *RUN])
    from tests.house import cut

    missed = [name for name in cut.unseen() if not NOT_ABOUT_ROWS.match(name)]
    if missed:
        print(f"no test of these uses {', '.join(missed)}: write one", file=sys.stderr)
    return int(status) or bool(missed)


if __name__ == "__main__":
    sys.exit(main())
