"""``python -m services.matcher.load --config config.toml FOLDER``: takes in a history from files.

With SQLite the service is stopped meanwhile; with PostgreSQL it waits with what is sent to it. All or
nothing: a run that was killed or refused has left nothing, and a run that is repeated changes nothing.
Prints one line of JSON and ends with 0; with 1 where files were refused, which are named on standard error;
with 2 or 4 where settings or database do not open. How: docs/operations.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from libmatch.errors import KeyFileError, LibmatchError
from services.chassis.config import ConfigError, load_settings
from services.chassis.db import Database, DatabaseError
from services.chassis.observe import configure_logging
from services.chassis.refusals import ChassisError
from services.chassis.schema import migrate
from services.chassis.server import ExitCode, utc_now
from services.chassis.tls import check_own_certificate
from services.matcher.app import VERSIONS, open_signer
from services.matcher.config import Settings
from services.matcher.epoch import EpochFolder
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History, Loaded, LoadRefused
from services.matcher.store.rosters import Rosters


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the process."""
    parser = argparse.ArgumentParser(prog="load", description="take in a history from files")
    parser.add_argument("--config", type=Path, required=True, help="the matcher's settings")
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary tables; default: beside the database"
    )
    parser.add_argument("folder", type=Path, help="where the files are, in subfolders too")
    arguments = parser.parse_args(argv)
    os.umask(0o077)
    try:
        settings = load_settings(Settings, arguments.config, "LIBMATCH_MATCHER")
        undo = configure_logging(settings.log, "matcher-load", now)
        try:
            loaded = run(settings, arguments.folder, arguments.scratch, now)
        finally:
            undo()
    except (ConfigError, LibmatchError) as error:
        return _explain([str(error)], ExitCode.CONFIGURATION)
    except (DatabaseError, ChassisError) as error:
        return _explain([str(error)], ExitCode.DATABASE)
    except LoadRefused as error:
        lines = [f"{where}: {why}" for where, why in error.problems]
        return _explain([*lines, "nothing was loaded"], ExitCode.FAILED)
    except OSError as error:
        return _explain([f"{error.filename or 'scratch'}: {error.strerror}"], ExitCode.FAILED)
    print(json.dumps({"event": "load", **asdict(loaded)}))
    return ExitCode.OK


def run(
    settings: Settings, folder: Path, scratch: Path | None, now: Callable[[], datetime]
) -> Loaded:
    """What came of the files below ``folder``. Raises what ``main`` explains."""
    own = check_own_certificate(settings.tls, now).identity
    signer = open_signer(settings)
    with Database(settings.database) as database:
        migrate(database, VERSIONS)
        epochs = EpochFolder(settings.kit, Rosters(database, own).remember, now)
        if signer.public_key != epochs.manifest.log_key:
            raise KeyFileError("the log key in the kit is not the one that the manifest names")
        path = settings.database.path
        beside = Path(tempfile.gettempdir()) if path is None else path.absolute().parent
        history = History(database, signer)
        load = LoadHistory(history, epochs, settings.intake.hits_per_batch, own, now)
        return load.run(folder, scratch or beside)


def _explain(lines: Sequence[str], code: ExitCode) -> int:
    for line in lines:
        print(f"load: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
