"""The private match beside its peers: PSI of the field, and a plain join of the texts.

The peers are no dependencies: they are installed into ``build/bench/peers``, in these versions, and run there
in processes of their own (``peer_scripts``). One that cannot be installed, or fails, is reported as such.
Each gets the same texts, 1 in 100 in common, and must find as many pairs as we do. CPU time is compared: of
a PSI that of both parties, who talk over loopback on this machine and take files, as they alone can; of
ours that of both sides' derivation and of the join. On the wall it is the longer party's.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.columns import two_sides
from benchmarks.joining import COMPILES, match_texts
from benchmarks.measuring import Measure, NotMeasured, Timing, compare, time_fastest
from libmatch.keys import EpochKey
from libmatch.suites import get_suite
from libmatch.texts import TextColumn

_HOME = Path("build/bench/peers").absolute()
_PYTHON = str(_HOME / "bin" / "python")
_SCRIPTS = Path(__file__).absolute().with_name("peer_scripts")
_LIMIT_S = 900  # of one run
_MILLION = 1_000_000


class _PeerError(Exception):
    """Why a peer gave no figure."""


@dataclass(frozen=True)
class _Run:
    """What a peer's run took, and the pairs that it found."""

    timing: Timing
    pairs: int


@dataclass(frozen=True)
class _Peer:
    """A peer, at the size at which it is compared; ``least_ratio`` None is for information."""

    package: str
    title: str
    size: int
    run: Callable[[Path], _Run]
    least_ratio: float | None = None
    aim: str = "for information"
    runs: int = 1


def measure(sizes: tuple[int, ...]) -> Iterator[Measure | NotMeasured]:
    """One measure for each peer and suite, at the peer's size; the slowest at length in a full run alone."""
    full = max(sizes) > _MILLION
    for peer in _peers(full=full):
        name = f"private match beside {peer.title}"
        with tempfile.TemporaryDirectory(prefix="peers-") as folder:
            try:
                _install(peer.package)
                sides = two_sides(peer.size)
                _write_texts(Path(folder), *sides)
                theirs = _run_fastest(peer, Path(folder))
                yield from _compare(peer, name, theirs, sides)
            except _PeerError as error:
                yield NotMeasured(name, peer.size, str(error))


def _peers(*, full: bool) -> list[_Peer]:
    slow = 100_000 if full else 10_000
    polars, rr22 = "<= 3 x the plain join", ">= 8 x faster than RR22"
    peers = [
        _Peer("polars==2.1.0", "polars, plain join", _MILLION, _run_polars, 1 / 3, polars),
        _Peer("spu==0.9.5", "spu RR22", _MILLION, partial(_run_spu, "RR22"), 8, rr22, runs=2),
        _Peer("openmined-psi==2.0.6", "openmined-psi", slow, _run_openmined),
    ]
    if full:
        peers.append(_Peer("spu==0.9.5", "spu KKRT", _MILLION, partial(_run_spu, "KKRT")))
    return peers


def _compare(
    peer: _Peer, name: str, theirs: _Run, sides: tuple[TextColumn, TextColumn]
) -> Iterator[Measure]:
    """Ours in each suite. Raises _PeerError where the peer found other pairs."""
    for suite in (get_suite(1), get_suite(2)):
        work = partial(match_texts, suite, EpochKey.generate())
        pairs = work(*two_sides(COMPILES))  # compiles
        pairs = work(*sides)
        if pairs != theirs.pairs:
            raise _PeerError(f"it found {theirs.pairs} pairs, and we {pairs}")
        yield compare(
            f"{name}, {suite.name}",
            peer.size,
            time_fastest(partial(work, *sides), 5),
            f"{peer.package}, {theirs.timing.cpu_seconds:.3f} CPU s, {theirs.timing.seconds:.3f} s",
            theirs.timing.cpu_seconds / peer.size,
            peer.aim,
            least_ratio=peer.least_ratio,
        )


def _run_fastest(peer: _Peer, folder: Path) -> _Run:
    runs = [peer.run(folder) for _ in range(peer.runs)]
    return min(runs, key=lambda run: run.timing.cpu_seconds)


def _install(package: str) -> None:
    """Installs the package where it is not yet. Raises _PeerError naming the log."""
    stamp, log = _HOME / f"{package}.installed", _HOME / f"{package}.log"
    if stamp.exists():
        return
    if not Path(_PYTHON).exists():
        _HOME.mkdir(parents=True, exist_ok=True)
        made = subprocess.run([sys.executable, "-m", "venv", _HOME], check=False)  # noqa: S603
        if made.returncode:
            raise _PeerError("no virtual environment can be made here")
    with log.open("wb") as output:
        command = [_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", package]
        done = subprocess.run(command, stdout=output, stderr=output, check=False)  # noqa: S603
    if done.returncode:
        raise _PeerError(f"pip cannot install {package} here, see {log.relative_to(Path.cwd())}")
    stamp.touch()


def _write_texts(folder: Path, *sides: TextColumn) -> None:
    """``a.csv`` and ``b.csv``: a column ``id``."""
    for name, texts in zip("ab", sides, strict=True):
        rows = texts.data.reshape(-1, 18)
        lines = b"".join(row.tobytes() + b"\n" for row in rows)
        (folder / f"{name}.csv").write_bytes(b"id\n" + lines)


def _run_polars(folder: Path) -> _Run:
    return _run_scripts(folder, [["plain_join.py", "a.csv", "b.csv"]])


def _run_openmined(folder: Path) -> _Run:
    return _run_scripts(folder, [["openmined.py", "a.csv", "b.csv"]])


def _run_spu(protocol: str, folder: Path) -> _Run:
    ports = ",".join(map(str, _free_ports(2)))
    parties = []
    for rank, name in enumerate("ab"):
        files = [str(folder / f"{name}.csv"), str(folder / f"{name}-found.csv")]
        parties.append(["spu_psi.py", str(rank), ports, f"PROTOCOL_{protocol}", *files])
    return _run_scripts(folder, parties)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _run_scripts(folder: Path, commands: list[list[str]]) -> _Run:
    """All of them at once: the CPU time of all, the longest on the wall. Raises _PeerError."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "TMPDIR": str(folder)}
    running = [
        subprocess.Popen(  # noqa: S603  # our scripts
            [_PYTHON, "-I", str(_SCRIPTS / script), *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for script, *arguments in commands
    ]
    try:
        outputs = [process.communicate(timeout=_LIMIT_S)[0] for process in running]
    except subprocess.TimeoutExpired as error:
        raise _PeerError(f"it took more than {_LIMIT_S} seconds") from error
    finally:
        for process in running:
            process.kill()
    results = [
        json.loads(line) for text in outputs for line in text.splitlines() if line[:1] == "{"
    ]
    if any(process.returncode for process in running) or len(results) != len(running):
        raise _PeerError(f"it failed here: {commands[0][0]}")
    timing = Timing(
        max(result["seconds"] for result in results),
        sum(result["cpu_seconds"] for result in results),
    )
    return _Run(timing, next(r["pairs"] for r in results if r["pairs"] is not None))
