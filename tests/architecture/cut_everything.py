"""`make cut`: all tests that use storage, on tables partitioned by organization; see `cut.py`.

It fails if a statement touches several organizations, or if no test executes a storage function.
"""

from __future__ import annotations

import re
import sys

import pytest

RUN = (
    "tests/story",
    "tests/identity",
    "tests/ingestion",
    "tests/storage",
    "tests/analytics",
    "tests/reporting",
    "tests/web",
    "tests/cli",
    "tests/architecture/test_one_organization.py",
    "tests/architecture/wrong_statements.py",
)
# These look at a plan, start processes with tables of their own, or ask the same in hundreds of
# orders.
LEFT_OUT = (
    "every_order",
    "every_figure_is_that_of_a_plain_count",
    "streams_of_a_real_process",
    "readme",
    "read_by_its_index",
    "test_plans",
    "while_indexes_are_built",
)
NOT_ABOUT_ROWS = re.compile(r"connections\.|session\.|server\.|citus\.|nodes\.|sample_rows\.")
"""What asks about the database itself, or is no part of what runs on a cluster."""
ASK_BY_ANOTHER = {"sources.find_source_by_key"}
"""What asks through another function."""


def main() -> int:
    """Run them and return the exit status."""
    status = pytest.main(["--cut", "-k", f"not ({' or '.join(LEFT_OUT)})", *sys.argv[1:], *RUN])
    from tests.architecture import cut

    unseen = set(cut.unseen()) - ASK_BY_ANOTHER
    missed = sorted(name for name in unseen if not NOT_ABOUT_ROWS.match(name))
    if missed:
        print(f"no test of these uses {', '.join(missed)}: write one", file=sys.stderr)
    return int(status) or bool(missed)


if __name__ == "__main__":
    sys.exit(main())
