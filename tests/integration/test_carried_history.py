"""Two units without a network export, the matcher loads, and what follows is as if they had sent it.

The services are processes over mutual TLS; the same story over the wire is in test_unit_services.py.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.cli.exits import Exit
from services.matcher.load import main as load
from tests.district import person
from tests.integration.test_unit_services import (
    UNITS,
    Site,
    count_at_matcher,
    pass_capsules,
    release_all,
    run,
    site,
    synced,
)
from tests.unit.services.beneficiary.conftest import row as item
from tests.unit.services.beneficiary.conftest import sheet as items
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL
from tests.unit.services.registry.sheets_of_declarations import row as relative
from tests.unit.services.registry.sheets_of_declarations import sheet as declarations

__all__ = ["site"]  # a fixture


def export_without_a_network(site: Site, clerk: dict[str, Path], folder: Path) -> None:
    """Both units import, and find no matcher; one corrects an item, so that a withdrawal is carried too."""
    declared = site.file("申报.csv", declarations(relative(person(11))))
    listed = site.file(
        "名单.csv",
        items(
            item(person(11), "A-1"), item(person(12), "A-2", "赵某"), item(OFFICIAL, "A-3", "王某")
        ),
    )
    for name, sheet in (("registry", declared), ("beneficiary", listed)):
        assert run(name, "import", sheet, "--config", clerk[name]) == Exit.OK
        assert run(name, "sync", "--config", clerk[name]) == Exit.SERVICE
    command = ("beneficiary", "withdraw", "A-2", "--reason", "重复录入")
    assert run(*command, "--config", clerk["beneficiary"]) == Exit.OK
    again = site.file("更正.csv", items(item(person(12), "A-4", "赵某")))
    assert run("beneficiary", "import", again, "--config", clerk["beneficiary"]) == Exit.OK
    for name in UNITS:
        out = ("--out", folder / name, "--config", clerk[name])
        assert run(name, "export", *out) == Exit.OK
        assert run(name, "export", *out) == Exit.REFUSED  # never into what is there


def test_carried_history_ends_as_if_it_had_been_sent(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, carried = f"127.0.0.1:{find_port()}", tmp_path / "carried"
    site.matcher_timeout_s = (
        1.5  # nobody is there at first; later a round is repeated until it is done
    )
    with ExitStack() as stack:
        addresses = {name: stack.enter_context(site.running(name, where)).address for name in UNITS}
        clerk = {name: site.clerk(name, address) for name, address in addresses.items()}
        export_without_a_network(site, clerk, carried)
        files = sorted(carried.rglob("*.batches"))
        assert [path.name.rpartition("-")[0] for path in files] == [
            "ben-a-beneficiary-000001",
            "reg-a-registry-000001",
        ]
        assert "王某".encode() not in b"".join(path.read_bytes() for path in files)
        capsys.readouterr()
        assert load(["--config", str(site.configure("matcher")), str(carried)]) == 0
        loaded = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (loaded["records"], loaded["withdrawals"], loaded["hits"]) == (6, 1, 2)

        matcher = stack.enter_context(site.running("matcher", address=where))
        review = stack.enter_context(site.review(matcher.address))
        for name in UNITS:
            synced(name, "sync", "--config", clerk[name])  # acknowledged: nothing waits any more
        assert count_at_matcher(review) == (2, 0)
        pass_capsules(review)
        assert release_all(site, review) == 2  # the spouse, and the official himself (R16)
        for name in UNITS:
            synced(name, "sync", "--config", clerk[name])
        client = site.client("beneficiary", addresses["beneficiary"], stack)
        statuses = [answer.status for answer in client.check(["A-1", "A-2", "A-3", "A-4"])]
        assert statuses == [f"ITEM_STATUS_{s}" for s in ("HOLD", "NOT_SUBMITTED", "HOLD", "CLEAR")]
        assert {(n.item_ref, n.person, n.disputed) for n in client.list_notices()} == {
            ("A-1", "李某", False),
            ("A-3", "王某", False),
        }


def find_port() -> int:
    """One that nobody listens on: the matcher will."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
