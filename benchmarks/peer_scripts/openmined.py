"""Both parties of ``openmined-psi`` in one process: TEXTS_A TEXTS_B; prints JSON. For the peers' Python."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import private_set_intersection.python as psi  # type: ignore[import-not-found]


def main(a: list[str], b: list[str]) -> None:
    """The client, who asks with ``a``, learns which of them the server has."""
    wall, cpu = time.perf_counter(), time.process_time()
    client, server = psi.client.CreateWithNewKey(True), psi.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(0.0, len(a), b, psi.DataStructure.RAW)
    answer = server.ProcessRequest(client.CreateRequest(a))
    found = client.GetIntersection(setup, answer)
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**taken, "pairs": len(found)}))


if __name__ == "__main__":
    main(*(Path(name).read_text("ascii").split()[1:] for name in sys.argv[1:]))
