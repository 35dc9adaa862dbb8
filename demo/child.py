"""Runs a service's module in this process: ``python -m demo.child PARENT MODULE ARGUMENTS…``.

A service that a demo started ends with that demo, however the demo ends: even after SIGKILL, where no
code of the demo's runs any more, the kernel sends the service a SIGTERM (Linux; elsewhere this adds
nothing). ``PARENT`` is the demo's process id.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Return when the service has ended; its exit code is this process's."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we could ask to be told
        sys.exit(1)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
