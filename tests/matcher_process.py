"""The matcher as its own process over mutual TLS, for integration and hostile tests.

::

    with MatcherProcess(folder, district, pki) as matcher:      # started; .address
        matcher.unit("reg-a").submit(batch)                     # libmatch.client.MatcherClient
        matcher.intake("reg-a").SubmitBatch(...)                # raw stubs: intake gate mailbox review log
        matcher.kill(); matcher.start()                         # kill -9, then again on the same files
        matcher.stop() -> exit code after SIGTERM

The district's clock is the real one here: make it with ``make_district(now=datetime.now(UTC))``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

from libmatch.client import IDEMPOTENT, MatcherClient
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.chassis.client import Channel, open_channel
from services.chassis.config import PeerSettings
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District

ROOT = Path(__file__).resolve().parent.parent
_CONFIG = """\
kit = "kit"
passphrase = "passphrase"
{extra}
[listen]
address = "127.0.0.1:0"
port_file = "data/port"
[tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"
[database]
{database}
[log]
file = "data/matcher.log"
"""


class MatcherProcess:
    """One matcher on its own folder; see the module's docstring."""

    def __init__(
        self,
        folder: Path,
        district: District,
        pki: Pki,
        *,
        extra: str = "",
        database: str = 'path = "data/matcher.db"',
        preexec: Callable[[], None] | None = None,
    ) -> None:
        self.folder = folder
        self.district = district
        self.preexec = preexec
        self._pki = pki
        self._process: subprocess.Popen[str] | None = None
        self._channels: dict[str, Channel] = {}
        self.address = ""
        self._write(extra, database)

    @property
    def database(self) -> Path:
        return self.folder / "data" / "matcher.db"

    @property
    def log_file(self) -> Path:
        return self.folder / "data" / "matcher.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def _write(self, extra: str, database: str) -> None:
        (self.folder / "data").mkdir(parents=True, mode=0o700)
        self.district.write_matcher_kit(self.folder / "kit")
        passphrase = self.folder / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        tls = self._pki.issue(f"spiffe://{self.district.name}/matcher")
        self.config.write_text(
            _CONFIG.format(extra=extra, database=database, tls=tls), encoding="utf-8"
        )

    def start(self) -> None:
        """Returns once the service says that it is ready; raises with its last words where it ends."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.matcher.app", "--config", str(self.config)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=self.preexec,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate(timeout=30)
            code, self._process = self._process.returncode, None
            raise RuntimeError(f"the matcher ended with {code}: {errors}")
        self.address = json.loads(line)["address"]

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def kill_now(self) -> None:
        """kill -9 from another thread while calls are running; ``kill`` cleans up afterwards."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        return self._end(signal.SIGTERM)

    def terminate(self) -> None:
        """SIGTERM while calls are running; ``wait`` gives what comes of it, ``stop`` cleans up afterwards."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code once the process has ended."""
        assert self._process is not None
        self._process.communicate(timeout=60)
        return self._process.returncode

    def _end(self, with_signal: signal.Signals) -> int:
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(with_signal)
            process.communicate(timeout=60)
        return process.returncode

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def channel(self, identity: str) -> Channel:
        """A channel with a certificate of ``identity`` (``unit/reg-a``), kept until the process ends."""
        if identity not in self._channels:
            domain = f"spiffe://{self.district.name}"
            peer = PeerSettings(address=self.address, identity=f"{domain}/matcher", timeout_s=60)
            tls = self._pki.issue(f"{domain}/{identity}")
            self._channels[identity] = open_channel(peer, tls, idempotent=IDEMPOTENT)
        return self._channels[identity]

    def unit(self, unit: str) -> MatcherClient:
        return MatcherClient(self.channel(f"unit/{unit}"))

    def intake(self, unit: str) -> pb_grpc.IntakeStub:
        return pb_grpc.IntakeStub(self.channel(f"unit/{unit}"))

    def gate(self, unit: str) -> pb_grpc.GateStub:
        return pb_grpc.GateStub(self.channel(f"unit/{unit}"))

    def mailbox(self, unit: str) -> pb_grpc.MailboxStub:
        return pb_grpc.MailboxStub(self.channel(f"unit/{unit}"))

    def review(self, identity: str = "inspector") -> pb_grpc.ReviewStub:
        return pb_grpc.ReviewStub(self.channel(identity))

    def log(self, identity: str = "inspector") -> pb_grpc.LogStub:
        return pb_grpc.LogStub(self.channel(identity))
