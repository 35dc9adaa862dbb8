import json
import os
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.client.settings import read_settings
from libmatch.identity import Identity
from libmatch.keyfile import unprotect
from libmatch.kit import read_epoch, read_holder, read_party_keys
from libmatch.manifest import Role
from services.authority.check_kit import check_kit, check_tls
from services.authority.errors import CeremonyError
from services.authority.plan import Plan, PlannedUnit
from services.authority.quickstart import build_district
from services.beneficiary.config import BeneficiarySettings
from services.chassis.config import PeerSettings, ServiceSettings, load_settings
from services.chassis.tls import check_own_certificate
from services.holder.config import UnitSettings
from services.matcher.config import Settings as MatcherSettings

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PLAN = Plan(
    district="fuling",
    units=(
        PlannedUnit(
            *("caizheng", "区财政局", Role.REGISTRY, ("wang", "li")),
            administrators=("wang", "zhao", "qian"),
        ),
        PlannedUnit("minzheng", "区民政局", Role.REGISTRY | Role.BENEFICIARY),
        PlannedUnit("shuiwu", "区水务局", Role.BENEFICIARY, embedded=True),
    ),
    officers=("zhang",),
)
UNITS = [unit.unit for unit in PLAN.units]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quickstart") / "district"
    assert build_district(PLAN, out, now=NOW) == out / "district.json"
    return out


def test_R64_administrators_are_in_the_settings_and_have_certificates(built: Path) -> None:
    home = built / "units" / "caizheng"
    settings = load_settings(UnitSettings, home / "registry" / "config.toml", "NO_ENVIRONMENT")
    named = settings.administrators
    assert named is not None
    assert (named.system, named.security, named.audit) == ("wang", "zhao", "qian")
    assert {path.name for path in (home / "clerks").iterdir()} == {"wang", "li", "zhao", "qian"}
    other = load_settings(
        UnitSettings, built / "units" / "minzheng" / "registry" / "config.toml", "NO_ENVIRONMENT"
    )
    assert other.administrators is None


def test_R36_an_officer_reaches_each_units_service_to_answer_a_dispute(built: Path) -> None:
    path = built / "inspector" / "officers" / "zhang" / "minzheng-beneficiary.toml"
    assert tomllib.loads(path.read_text())["server"]["identity"] == "spiffe://fuling/unit/minzheng"


def passphrase(folder: Path) -> str:
    return (folder / "passphrase").read_text("ascii").rstrip("\n")


def test_every_kit_is_sound(built: Path) -> None:
    homes = {unit: built / "units" / unit for unit in UNITS} | {"jiwei": built / "inspector"}
    for unit, home in homes.items():
        findings = check_kit(home / "kit", unit, passphrase(home), NOW)
        assert [finding for finding in findings if not finding.holds] == []


def test_all_units_derive_the_same_tokens(built: Path) -> None:
    tokens = set()
    for unit in UNITS:
        home = built / "units" / unit
        keys = read_party_keys(home / "kit", passphrase(home))
        tokens.add(read_holder(home / "kit", unit, keys, NOW).token_of(1, "11010119900307775X"))

    assert len(tokens) == 1


def test_the_matcher_holds_the_log_key_and_no_share(built: Path) -> None:
    kit = built / "matcher" / "kit"
    data = (kit / "keys" / "log.key").read_bytes()

    assert len(unprotect(data, passphrase(built / "matcher"), purpose="log-key")) == 32
    assert {path.name for path in (kit / "epoch").iterdir()} == {
        "authorities",
        "manifest",
        "roster",
    }
    assert {path.name for path in (kit / "keys").iterdir()} == {"log.key"}
    assert read_epoch(kit).roster.find("caizheng").display_name == "区财政局"


def test_every_certificate_names_its_holder(built: Path) -> None:
    homes = {
        "matcher": "matcher",
        "inspector": "inspector",
        "inspector/officers/zhang": "officer/zhang",
        "units/caizheng": "unit/caizheng",
        "units/caizheng/clerks/wang": "clerk/caizheng/wang",
        "units/caizheng/clerks/li": "clerk/caizheng/li",
        "units/shuiwu/clerks/clerk": "clerk/shuiwu/clerk",
    }
    for home, path in homes.items():
        identity = Identity.parse(f"spiffe://fuling/{path}")
        findings = check_tls(built / home / "tls", NOW, identity)
        assert [finding for finding in findings if not finding.holds] == []


class InspectorSettings(ServiceSettings):
    unit: str
    kit: Path
    passphrase: Path
    matcher: PeerSettings


def test_every_service_starts_with_its_configuration(built: Path) -> None:
    kinds: dict[str, type[ServiceSettings]] = {
        "matcher": MatcherSettings,
        "inspector": InspectorSettings,
        "units/caizheng/registry": UnitSettings,
        "units/minzheng/registry": UnitSettings,
        "units/minzheng/beneficiary": BeneficiarySettings,
    }
    addresses = set()
    for folder, kind in kinds.items():
        settings = load_settings(kind, built / folder / "config.toml", "LIBMATCH_TEST", {})
        check_own_certificate(settings.tls, lambda: NOW)
        addresses.add(settings.listen.address)
        assert settings.database.path is not None
        assert settings.database.path.parent.is_dir()

    assert addresses == {f"127.0.0.1:{7400 + i}" for i in range(5)}
    configs = {str(path.parent.relative_to(built)) for path in built.rglob("config.toml")}
    assert configs == set(kinds)


def test_an_embedded_unit_gets_the_settings_of_the_library(built: Path) -> None:
    settings = read_settings(built / "units" / "shuiwu")

    assert settings.unit == "shuiwu"
    assert settings.address == "127.0.0.1:7400"
    assert settings.kit == built / "units" / "shuiwu" / "kit"


def test_a_clerk_calls_the_servers_of_his_unit(built: Path) -> None:
    folder = built / "units" / "minzheng" / "clerks" / "clerk"
    for side in ("registry", "beneficiary"):
        settings = tomllib.loads((folder / f"{side}.toml").read_text("utf-8"))
        own = built / "units" / "minzheng" / side / "config.toml"
        server = tomllib.loads(own.read_text("utf-8"))["listen"]["address"]
        assert settings["server"] == {
            "address": server,
            "identity": "spiffe://fuling/unit/minzheng",
        }
        assert all((folder / path).exists() for path in settings["tls"].values())


def test_the_index_lists_what_is_there(built: Path) -> None:
    index = json.loads((built / "district.json").read_text("utf-8"))

    assert index["matcher"] == {"folder": "matcher", "address": "127.0.0.1:7400"}
    assert index["inspector"]["officers"] == {"zhang": "inspector/officers/zhang"}
    assert [unit["unit"] for unit in index["units"]] == UNITS
    assert index["units"][0]["beneficiary"] is None
    assert index["units"][2]["embedded"] == "units/shuiwu/libmatch.toml"
    for unit in index["units"]:
        for side in ("registry", "beneficiary"):
            assert unit[side] is None or (built / unit[side]["config"]).exists()
        assert all((built / folder / "tls").is_dir() for folder in unit["clerks"].values())


def test_no_secret_is_readable_by_others(built: Path) -> None:
    secrets = [*built.rglob("passphrase"), *built.rglob("*.key"), *built.rglob("key.pem")]

    assert len(secrets) > 20
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets)
    assert stat.S_IMODE(built.stat().st_mode) == 0o700


def test_it_says_that_it_is_for_trial(built: Path) -> None:
    assert "仅供演示和试用" in (built / "仅供试用.txt").read_text("utf-8")


def test_it_takes_no_folder_that_has_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError):
        build_district(PLAN, tmp_path, now=NOW)
    assert os.listdir(tmp_path) == ["file"]


def test_a_plan_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    bad = Plan("fuling", PLAN.units, days=9999)

    with pytest.raises(CeremonyError):
        build_district(bad, tmp_path / "out", now=NOW)
    assert sorted(os.listdir(tmp_path)) == ["out"]
    assert os.listdir(tmp_path / "out") == []


def test_free_ports_are_left_to_the_servers(tmp_path: Path) -> None:
    plan = Plan("fuling", PLAN.units[:1], base_port=0)
    build_district(plan, tmp_path / "out", now=NOW)
    config = tomllib.loads((tmp_path / "out" / "matcher" / "config.toml").read_text("utf-8"))

    assert config["listen"] == {"address": "127.0.0.1:0", "port_file": "data/port"}
