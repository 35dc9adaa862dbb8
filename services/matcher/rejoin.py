"""``python -m services.matcher.rejoin --config config.toml``: does a full join agree with the hits?

For a nightly timer. Reads only, one snapshot, beside the running service; prints one line of JSON and ends
with 0 where nothing is missed and nothing is surplus, 1 where something is (tell 纪委), 2 or 4 where
settings or database do not open. With ``--repair`` what is missed becomes hits, each with its leaf in the
log; the run ends with 1 all the same, the next one with 0. Surplus hits are never touched: somebody looks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from libmatch.errors import InputError
from libmatch.records import RecordRef
from services.chassis.config import ConfigError, load_settings
from services.chassis.db import Database, DatabaseError
from services.chassis.observe import configure_logging
from services.chassis.refusals import ChassisError
from services.chassis.server import ExitCode, utc_now
from services.chassis.tls import check_own_certificate
from services.matcher.config import Settings
from services.matcher.store.rejoins import Comparison, MissedHit, Rejoins

_SHOWN = 1_000  # differences that are named; the counts are of all


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the process."""
    parser = argparse.ArgumentParser(prog="rejoin", description="compare a full join with the hits")
    parser.add_argument("--config", type=Path, required=True, help="the matcher's settings")
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary tables; default: beside the database"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="make hits of what was missed; with SQLite the service is stopped meanwhile",
    )
    arguments = parser.parse_args(argv)
    os.umask(0o077)
    try:
        settings = load_settings(Settings, arguments.config, "LIBMATCH_MATCHER")
        undo = configure_logging(settings.log, "matcher-rejoin", now)
        try:
            said = run(settings, arguments.scratch, now, repair=arguments.repair)
        finally:
            undo()
    except ConfigError as error:
        return _explain(str(error), ExitCode.CONFIGURATION)
    except (DatabaseError, ChassisError) as error:
        return _explain(str(error), ExitCode.DATABASE)
    except InputError as error:
        return _explain(str(error), ExitCode.FAILED)
    except OSError as error:
        return _explain(f"{error.filename}: {error.strerror}", ExitCode.FAILED)
    print(json.dumps({"event": "rejoin", **said}))
    return ExitCode.OK if said["agrees"] else ExitCode.FAILED


def run(
    settings: Settings, scratch: Path | None, now: Callable[[], datetime], *, repair: bool
) -> dict[str, Any]:
    """What is printed of a comparison, and of the repair. Raises what ``main`` explains."""
    own = check_own_certificate(settings.tls, now).identity if repair else None
    path = settings.database.path
    beside = Path(tempfile.gettempdir()) if path is None else path.absolute().parent
    with Database(settings.database, read_only=not repair) as database:
        rejoins = Rejoins(database, scratch or beside)
        comparison = rejoins.compare()
        said = _tell(comparison)
        if own is not None and comparison.missed:
            said["repaired"] = rejoins.repair(comparison.missed, own, now())
            structlog.get_logger().error("rejoin.repaired", hits=said["repaired"])
    return said


def _tell(comparison: Comparison) -> dict[str, Any]:
    return {
        "agrees": comparison.agrees,
        "pairs": comparison.pairs,
        "missed": len(comparison.missed),
        "surplus": len(comparison.surplus),
        "missed_hits": [_tell_missed(one) for one in comparison.missed[:_SHOWN]],
        "surplus_hits": [one.hex() for one in comparison.surplus[:_SHOWN]],
    }


def _tell_missed(one: MissedHit) -> dict[str, Any]:
    return {
        "hit": one.hit_id.hex(),
        "registry": _tell_record(one.hit.registry),
        "beneficiary": _tell_record(one.hit.beneficiary),
    }


def _tell_record(record: RecordRef) -> dict[str, str]:
    return {"unit": record.unit, "record": record.rid.hex()}


def _explain(line: str, code: ExitCode) -> int:
    print(f"rejoin: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
