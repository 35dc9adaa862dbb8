"""``python -m services.matcher.rejoin --config config.toml``: does a full join agree with the hits?

For a nightly timer. Reads only, one snapshot, beside the running service; prints one line of JSON and ends
with 0 where nothing is missed and nothing is surplus, 1 where something is (tell 纪委), 2 or 4 where
settings or database do not open.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from services.chassis.config import ConfigError, load_settings
from services.chassis.db import Database, DatabaseError
from services.chassis.server import ExitCode
from services.matcher.config import Settings
from services.matcher.store.joins import rejoin


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the process."""
    parser = argparse.ArgumentParser(prog="rejoin", description="compare a full join with the hits")
    parser.add_argument("--config", type=Path, required=True, help="the matcher's settings")
    arguments = parser.parse_args(argv)
    try:
        settings = load_settings(Settings, arguments.config, "LIBMATCH_MATCHER")
        with Database(settings.database, read_only=True) as database:
            result = rejoin(database)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.CONFIGURATION
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return ExitCode.DATABASE
    print(json.dumps({"event": "rejoin", "agrees": result.agrees, **asdict(result)}))
    return ExitCode.OK if result.agrees else ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(main())
