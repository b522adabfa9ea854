"""A worker whose process is killed when it meets an action called `killer`.

Run as a process by the tests: the real worker, with a trap laid in the middle of a batch.
"""

from __future__ import annotations

import os
import signal
import sys

from advocacy.ingestion import pipeline
from workers.run import main

_real = pipeline._attribute_and_store


def _trap(org_id, todo, *rest, **named):  # type: ignore[no-untyped-def]
    if any(action.external_id == "killer" for action in todo):
        if os.environ.get("KILL") == "all":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    _real(org_id, todo, *rest, **named)


pipeline._attribute_and_store = _trap

if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker"]
    main()
