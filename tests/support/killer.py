"""A worker whose process is killed or stopped when it meets an action called `killer`.

Run as a process by the tests: the real worker, with a trap laid in the middle of a batch. With
`STOP` it stops once, where that says: while it parses a batch or while it applies one.
"""

from __future__ import annotations

import os
import signal
import sys

from advocacy.ingestion import drain, pipeline
from workers.run import main

_real, _parse = pipeline.store, drain.parse_batch
_STOP = os.environ.get("STOP", "")


def _trap(batch, people):  # type: ignore[no-untyped-def]
    if any(action.external_id == "killer" for action in batch.actions) and _STOP != "parse":
        if _STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            if os.environ.get("KILL") == "all":
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
    _real(batch, people)


def _stop_parsing(*asked):  # type: ignore[no-untyped-def]
    parsed = _parse(*asked)
    if _STOP == "parse":
        os.kill(os.getpid(), signal.SIGSTOP)
    return parsed


pipeline.store = _trap
drain.parse_batch = _stop_parsing

if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker"]
    main()
