"""Where a PostgreSQL database is and how to reach it safely: the URL of the settings, checked.

::

    postgresql://matcher@db.example.cn/matcher?sslmode=verify-full&sslrootcert=/etc/libmatch/db-ca.crt
    postgresql://matcher@/matcher?host=/run/postgresql

A password never stands in the URL: it would show in a process list, a log, a traceback. It is the content of
an owner-only file. Over a network the server must prove who it is; a socket of this machine needs no TLS.
Several hosts with ``target_session_attrs`` are libpq's way of following a failover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from services.chassis.config import ConfigError, read_secret
from services.chassis.db.engine import DatabaseError

_ALLOWED = frozenset(
    {
        "dbname",
        "host",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "user",
    }
)


@dataclass(frozen=True)
class Address:
    """Parameters for libpq, without and with the password; ``where`` is what messages say."""

    where: str
    parameters: dict[str, str] = field(repr=False)
    password: str | None = field(repr=False)


def read_address(url: str, password_file: Path | None) -> Address:
    """The checked address. Raises DatabaseError, which never repeats the URL."""
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        raise DatabaseError("the database url is not one that PostgreSQL understands") from None
    if "password" in given:
        raise DatabaseError(
            "the database url has a password: write it to an owner-only file and name that file as "
            "password_file"
        )
    if unknown := sorted(given.keys() - _ALLOWED):
        raise DatabaseError(f"the database url sets {', '.join(unknown)}, which is not for a url")
    if missing := [key for key in ("user", "host", "dbname") if not given.get(key)]:
        raise DatabaseError(f"the database url lacks {', '.join(missing)}")
    if not all(port.isdecimal() for port in given.get("port", "5432").split(",") if port):
        raise DatabaseError("the database url has a port that is not a number")
    _check_tls(given)
    port = f":{given['port']}" if "port" in given else ""
    where = f"postgresql://{given['host']}{port}/{given['dbname']}"
    return Address(where, given, _password(password_file))


def _check_tls(given: dict[str, str]) -> None:
    if all(host.startswith("/") for host in given["host"].split(",")):
        return
    if given.get("sslmode") != "verify-full" or not given.get("sslrootcert"):
        raise DatabaseError(
            "a database that is reached over a network needs sslmode=verify-full and sslrootcert in its "
            "url: less does not prove who answers"
        )


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return read_secret(path).decode("utf-8").rstrip("\r\n")
    except ConfigError as error:
        raise DatabaseError(str(error)) from None
    except UnicodeDecodeError:
        raise DatabaseError(f"{path}: not UTF-8 text") from None
