"""services.chassis.db: a PostgreSQL that is not safe to keep rows on, or not proved, is refused."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from cryptography import x509

from services.chassis.config import DatabaseSettings, TlsSettings
from services.chassis.db import (
    Database,
    DatabaseError,
)
from services.chassis.db.postgresql_address import read_address
from tests.chassis_pki import Pki
from tests.postgresql import PostgresqlServer, server_folder
from tests.unit.services.chassis.postgresql_rows import make_tables, run_statement


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    with Database(postgresql_url) as database:
        make_tables(database)
        yield database


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("synchronous_commit = off", "synchronous_commit is off"),
        ("synchronous_commit = local", "synchronous_commit is local"),
        ("libmatch.accept_data_loss = off", "fsync and full_page_writes off"),
    ],
)
def test_a_server_that_may_lose_what_it_kept_is_refused(
    setting: str, problem: str, postgresql_url: str, postgresql_server: PostgresqlServer
) -> None:
    Database(postgresql_url).close()
    name = psycopg.conninfo.conninfo_to_dict(postgresql_url)["dbname"]
    postgresql_server.execute(f"ALTER DATABASE {name} SET {setting}")
    with pytest.raises(DatabaseError, match=problem):
        Database(postgresql_url)
    Database(postgresql_url, read_only=True).close()


def test_another_encoding_is_refused(postgresql_server: PostgresqlServer) -> None:
    postgresql_server.execute("CREATE DATABASE other TEMPLATE template0 ENCODING 'SQL_ASCII'")
    url = postgresql_server.url("other")
    with pytest.raises(DatabaseError, match="ENCODING 'UTF8' LOCALE 'C'"):
        Database(url)
    postgresql_server.drop_database(url)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:s3cret@/d?host=/run/x", "password"),
        ("postgresql://u@/d?host=/run/x&password=s3cret", "password"),
        ("postgresql://u@db.example.cn/d", "verify-full"),
        ("postgresql://u@db.example.cn/d?sslmode=require", "verify-full"),
        ("postgresql://u@db.example.cn/d?sslmode=verify-full", "sslrootcert"),
        ("postgresql://u@/d?host=/run/x,db.example.cn", "verify-full"),
        ("postgresql://u@/d", "lacks host"),
        ("postgresql://db.example.cn/d", "lacks user"),
        ("postgresql://u@/d?host=/run/x&options=-cfsync", "options"),
        ("postgresql://u@/d?host=/run/x&s3cret", "not one that PostgreSQL"),
        ("postgresql://u@/d?host=/run/x&port=s3cret", "port"),
    ],
)
def test_a_url_that_is_not_safe_is_refused_without_repeating_it(url: str, problem: str) -> None:
    with pytest.raises(DatabaseError, match=problem) as refusal:
        Database(url)
    assert "s3cret" not in str(refusal.value)


def test_a_proved_server_and_several_hosts_are_accepted() -> None:
    url = (
        "postgresql://u@one.example.cn,two.example.cn:5433/d?sslmode=verify-full&sslrootcert=/ca.pem"
        "&target_session_attrs=read-write"
    )
    address = read_address(url, None)
    assert address.where == "postgresql://one.example.cn,two.example.cn:,5433/d"
    assert "ca.pem" not in repr(address)


class _TlsFront:
    """TLS in front of a server's Unix socket, as the server itself would speak it."""

    def __init__(self, server: PostgresqlServer, own: TlsSettings) -> None:
        self._server = str(server.folder / ".s.PGSQL.5432")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.certificate, own.private_key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            assert client.recv(8)[4:] == (80877103).to_bytes(4)  # SSLRequest
            client.sendall(b"S")
            with self._context.wrap_socket(client, server_side=True) as secure:
                server.connect(self._server)
                while True:
                    ready = (
                        [secure] if secure.pending() else select.select([secure, server], [], [])[0]
                    )
                    source, target = (secure, server) if secure in ready else (server, secure)
                    if not (data := source.recv(1 << 16)):
                        return
                    target.sendall(data)

    def close(self) -> None:
        self._listener.close()


def test_over_a_network_the_server_proves_itself_and_the_password_is_a_file(
    tmp_path: Path, pki: Pki
) -> None:
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("s3cret\n", encoding="utf-8")
    own = pki.issue_raw([x509.DNSName("localhost")])
    with server_folder() as folder:
        rules = folder / "rules"
        rules.write_text("local all postgres trust\nlocal all keeper scram-sha-256\n", "ascii")
        rules.chmod(0o644)
        with (
            PostgresqlServer(folder, settings=[f"hba_file={rules}"]) as server,
            closing(_TlsFront(server, own)) as front,
        ):
            server.create_database("x")
            server.execute("CREATE ROLE keeper LOGIN PASSWORD 's3cret'")
            server.execute("ALTER DATABASE x OWNER TO keeper")

            def open_as(ca: Path, host: str = "localhost") -> Database:
                verified = f"sslmode=verify-full&sslrootcert={ca}"
                url = f"postgresql://keeper@{host}:{front.port}/x?{verified}"
                return Database(DatabaseSettings(url=url, password_file=password))

            with open_as(pki.ca) as database:
                make_tables(database)
                assert database.read(run_statement("SELECT current_user")) == [("keeper",)]
            with pytest.raises(DatabaseError, match="certificate verify failed"):
                open_as(Pki(tmp_path / "other", "another authority").ca)
            with pytest.raises(DatabaseError, match="does not match host name"):
                open_as(pki.ca, "127.0.0.1")
            password.write_text("wr0ng", encoding="utf-8")
            with pytest.raises(DatabaseError, match="password authentication failed") as refusal:
                open_as(pki.ca)
            assert "wr0ng" not in str(refusal.value)
