"""纪委's workstation service: wiring and start. ``python -m services.inspector.app --config PATH``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from libmatch.auditlog import log_origin
from libmatch.kit import PartyKeys
from services.chassis.audit_heads import keep_heads
from services.chassis.client import open_channel
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import App, Runtime, Worker, run_service, utc_now
from services.inspector import rpc
from services.inspector.assign import Assign
from services.inspector.case_matters import CaseMatters
from services.inspector.check_capsules import CheckCapsules
from services.inspector.collect_reports import CollectReports
from services.inspector.config import Settings
from services.inspector.epochs import Epochs
from services.inspector.figures import DistrictFigures
from services.inspector.file_forms import FileForms
from services.inspector.follow_log import FollowLog
from services.inspector.list_hits import ListHits
from services.inspector.matcher import Log, Review
from services.inspector.material import check_identity, open_keys
from services.inspector.notify import Notify
from services.inspector.open_hit import OpenHit
from services.inspector.open_hits import OpenHits
from services.inspector.peers.log import LogClient
from services.inspector.peers.review import IDEMPOTENT, ReviewClient
from services.inspector.prove_hits import ProveHits
from services.inspector.pull import Pull, Steps
from services.inspector.release import Release
from services.inspector.requeue import Requeue
from services.inspector.retention import PurgeCases
from services.inspector.statements import StatementOversight
from services.inspector.states import ReleasePolicy
from services.inspector.store.assignments import Assignments
from services.inspector.store.batches import Batches
from services.inspector.store.cases import Cases
from services.inspector.store.checkpoints import Checkpoints
from services.inspector.store.disputes import Disputes
from services.inspector.store.entries import Entries
from services.inspector.store.filings import Filings
from services.inspector.store.hits import Hits
from services.inspector.store.notices import Notices
from services.inspector.store.reports import Reports
from services.inspector.store.rosters import Rosters
from services.inspector.store.submissions import Submissions
from services.inspector.supervision import make_supervision
from services.process.district_data import DistrictData, read_district_data

VERSIONS = Path(__file__).parent / "migrations" / "versions"


@dataclass(frozen=True)
class Wiring:
    """What the use cases are wired over."""

    database: Database
    kit: Path
    keys: PartyKeys
    policy: ReleasePolicy
    own: Identity
    now: Callable[[], datetime]
    draw: Callable[[int], bytes] = os.urandom
    data: DistrictData = field(default_factory=lambda: read_district_data(None, None))

    def open_epochs(self) -> Epochs:
        """The epochs of the kit. Raises what ``Epochs`` raises, also for a rolled-back roster."""
        rosters = Rosters(self.database, self.own)
        return Epochs(self.kit, lambda roster: rosters.remember(roster, self.now()))

    def make_case_matters(self, epochs: Epochs) -> CaseMatters:
        """The matters of the released cases, by the packaged rules."""
        entries, disputes = Entries(self.database), Disputes(self.database)
        return CaseMatters(entries, disputes, epochs, self.data.rulesets, self.now)

    def make_figures(self, epochs: Epochs) -> DistrictFigures:
        """The district in numbers."""
        matters, filings = self.make_case_matters(epochs), Filings(self.database)
        submissions = Submissions(self.database)
        return DistrictFigures(matters, submissions, filings, epochs, self.data, self.now)

    def wire(
        self,
        epochs: Epochs,
        review: Review,
        log: Log,
        checkpoints: Checkpoints,
        wake: Callable[[], None],
    ) -> rpc.UseCases:
        """The use cases; what an older kit could not do is due again."""
        database, now = self.database, self.now
        hits, batches, cases = Hits(database), Batches(database), Cases(database)
        disputes, notices = Disputes(database), Notices(database)
        assignments, reports = Assignments(database), Reports(database)
        requeue = Requeue(batches, hits, cases, assignments, reports, now)
        requeue.run()
        hpke = self.keys.hpke
        release = Release(cases, self.policy, self.own, now, wake)
        steps = Steps(
            epochs=epochs,
            requeue=requeue,
            follow_log=FollowLog(log, disputes, now),
            check_capsules=CheckCapsules(review, batches, disputes, epochs, hpke, now),
            list_hits=ListHits(
                review, hits, disputes, checkpoints, epochs.current.manifest.log_key, now
            ),
            open_hits=OpenHits(hits, ProveHits(log), OpenHit(review, epochs, hpke), now),
            assign=Assign(review, assignments, now),
            release=release,
            notify=Notify(review, notices, epochs, self.keys.signing, now, self.draw),
            collect_reports=CollectReports(review, reports, disputes, epochs, hpke, now),
        )
        figures = self.make_figures(epochs)
        matters = self.make_case_matters(epochs)
        return rpc.UseCases(
            Pull(steps),
            release,
            cases,
            disputes,
            figures,
            FileForms(Filings(database), figures.names, now),
            StatementOversight(matters, figures.names, self.data.rulesets, now),
            make_supervision(database, epochs, self.keys, matters, now, self.own.trust_domain),
            PurgeCases(database, self.data.rulesets, now),
            now,
        )


def build(settings: Settings, runtime: Runtime) -> App:
    """The wired service. Raises before it touches the database where its material does not hold."""
    check_identity(runtime.identity)
    data = read_district_data(settings.units, settings.campaigns)
    keys = open_keys(settings.kit, settings.passphrase, settings.unit, runtime.now())
    with ExitStack() as stack:
        database = stack.enter_context(Database(settings.database))
        migrate(database, VERSIONS)
        heads = keep_heads(stack, settings.audit_heads, database, runtime.now)
        channel = open_channel(settings.matcher, settings.tls, idempotent=IDEMPOTENT)
        stack.callback(channel.close)
        wiring = Wiring(
            database,
            settings.kit,
            keys,
            settings.release_policy,
            runtime.identity,
            runtime.now,
            data=data,
        )
        epochs, checkpoints = wiring.open_epochs(), Checkpoints(database, runtime.now)
        origin, log_key = log_origin(runtime.identity.trust_domain), epochs.current.manifest.log_key
        log = LogClient(channel, checkpoints, origin, log_key)
        worker = Worker("pull", settings.pull_interval_s, lambda: use.pull.run_in_background())
        use = wiring.wire(epochs, ReviewClient(channel), log, checkpoints, worker.wake)
        return App(
            register=lambda server: rpc.register(server, use),
            access=rpc.ACCESS,
            workers=[worker, *heads],
            admit=rpc.admit_officer,
            close=stack.pop_all().close,
        )


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the service (``services.chassis.server.ExitCode``)."""
    return run_service("inspector", Settings, build, argv, now)


if __name__ == "__main__":
    sys.exit(main())
