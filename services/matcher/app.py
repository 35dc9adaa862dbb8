"""The matcher service: ``python -m services.matcher.app --config config.toml`` (one a district)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from libmatch.auditlog import LogSigner
from libmatch.errors import KeyFileError
from services.chassis.config import read_secret
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import App, Runtime, run_service, utc_now
from services.matcher import rpc
from services.matcher.config import Settings
from services.matcher.epoch import EpochFolder
from services.matcher.gate import Gate
from services.matcher.hashing import Hashing
from services.matcher.intake import Intake
from services.matcher.letters import Letters
from services.matcher.log import AuditLog
from services.matcher.release import Notices
from services.matcher.reports import Reports
from services.matcher.review import Review
from services.matcher.store.cases import Cases
from services.matcher.store.clearances import Clearances
from services.matcher.store.figures import FigureStore
from services.matcher.store.ledger import Ledger
from services.matcher.store.letters import LetterStore
from services.matcher.store.mailbox import Mailbox
from services.matcher.store.reports import ReportStore
from services.matcher.store.reviews import Reviews
from services.matcher.store.rosters import Rosters
from services.matcher.store.submissions import Quota, Submissions
from services.rules.ruleset import packaged_rulesets

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def open_signer(settings: Settings) -> LogSigner:
    """The log's key from the kit. Raises KeyFileError, ConfigError (others can read a file)."""
    passphrase = read_secret(settings.passphrase).decode("utf-8").rstrip("\r\n")
    return LogSigner.unprotect(read_secret(settings.kit / "keys" / "log.key"), passphrase)


def wire(
    settings: Settings,
    database: Database,
    signer: LogSigner,
    own: Identity,
    now: Callable[[], datetime],
) -> rpc.UseCases:
    """Use cases and stores over one database.

    Raises KeyFileError where the log key is not the manifest's: its receipts would be worthless.
    """
    rosters = Rosters(database, own)
    epochs = EpochFolder(settings.kit, rosters.remember, now, rosters.newest)
    if signer.public_key != epochs.manifest.log_key:
        raise KeyFileError("the log key in the kit is not the one that the manifest names")
    quota = Quota(settings.intake.records_per_day, settings.intake.hits_per_batch)
    mailbox, reviews, report_store = Mailbox(database), Reviews(database), ReportStore(database)
    rules_on = packaged_rulesets().on
    return rpc.UseCases(
        epochs=epochs,
        intake=Intake(
            Submissions(database, signer), epochs, Hashing(epochs.suite.number), quota, now
        ),
        gate=Gate(Clearances(database), epochs, settings.gate, rules_on, now),
        mailbox=mailbox,
        notices=Notices(mailbox, epochs, now),
        report_store=report_store,
        reports=Reports(report_store, epochs, now),
        letters=Letters(LetterStore(database), epochs, now),
        reviews=reviews,
        review=Review(reviews, Cases(database), FigureStore(database), epochs, now),
        log=AuditLog(Ledger(database), signer, own.trust_domain),
    )


def build(settings: Settings, runtime: Runtime) -> App:
    """The service, ready to listen."""
    signer = open_signer(settings)
    database = Database(settings.database)
    try:
        migrate(database, VERSIONS)
        use = wire(settings, database, signer, runtime.identity, runtime.now)
    except BaseException:
        database.close()
        raise
    return App(
        register=lambda server: rpc.register(server, use),
        access=rpc.ACCESS,
        admit=use.epochs.admit,
        close=database.close,
    )


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the process."""
    return run_service("matcher", Settings, build, argv, now)


if __name__ == "__main__":
    sys.exit(main())
