"""One party of a PSI of ``spu``: RANK PORTS PROTOCOL TEXTS RESULT; prints JSON. For the peers' Python."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from spu import psi  # type: ignore[import-not-found]
from spu.libspu import link  # type: ignore[import-not-found]


def main(rank: int, ports: list[int], protocol: str, texts: str, result: str) -> None:
    """Runs the party; party 0 gets the result."""
    parties = link.Desc()
    for number, port in enumerate(ports):
        parties.add_party(f"party{number}", f"127.0.0.1:{port}")
    channel = link.create_brpc(parties, rank)
    config = psi.PsiExecuteConfig(
        protocol_conf=psi.PsiProtocolConfig(protocol=getattr(psi.PsiProtocol, protocol)),
        input_params=psi.InputParams(path=texts, selected_keys=["id"], keys_unique=True),
        output_params=psi.OutputParams(path=result, disable_alignment=True),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    psi.psi_execute(config, channel)
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    channel.stop_link()
    pairs = len(Path(result).read_bytes().splitlines()) - 1 if rank == 0 else None
    print(json.dumps({**taken, "pairs": pairs}))


if __name__ == "__main__":
    own, all_ports, *others = sys.argv[1:]
    main(int(own), [int(port) for port in all_ports.split(",")], *others)
