"""Runs a service's module in this process: ``python -m demo.child PARENT CLOCK MODULE ARGUMENTS…``.

A service that a demo started ends with that demo, however the demo ends: even after SIGKILL, where no
code of the demo's runs any more, the kernel sends the service a SIGTERM (Linux; elsewhere this adds
nothing). ``PARENT`` is the demo's process id, ``CLOCK`` the file of ``demo.clock``: the module's ``main``
is called with the arguments and that clock.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
from pathlib import Path

from demo.clock import MovedClock

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> int:
    """The exit code of the service, when it has ended."""
    parent, clock, module = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we could ask to be told
        return 1
    run = importlib.import_module(module).main
    return int(run(sys.argv[4:], MovedClock(clock)))


if __name__ == "__main__":
    sys.exit(main())
