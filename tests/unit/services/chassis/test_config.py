"""services.chassis.config: unknown keys and open secrets are refused, all problems come at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.config import (
    ConfigError,
    ExistingFile,
    ListenSettings,
    PeerSettings,
    SecretFile,
    Section,
    ServiceSettings,
    load_settings,
    read_secret,
)

PREFIX = "LIBMATCH_T"


class _Inner(Section):
    size: int = 1
    file: Path | None = None
    names: tuple[str, ...] = ()


class _Settings(Section):
    title: str
    inner: _Inner = _Inner()


def _write(folder: Path, text: str) -> Path:
    path = folder / "t.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(path: Path, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        load_settings(_Settings, path, PREFIX, environ or {})
    return refusal.value.problems


def test_file_gives_values_and_environment_overrides_them(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "file"\n[inner]\nsize = 2\n')
    environ = {
        "LIBMATCH_T__TITLE": "environment",
        "LIBMATCH_T__INNER__NAMES": '["a", "b"]',
        "OTHER": "ignored",
        "LIBMATCH_TWO__TITLE": "another service's",
    }
    settings = load_settings(_Settings, path, PREFIX, environ)
    assert settings.title == "environment"
    assert settings.inner == _Inner(size=2, names=("a", "b"))


def test_relative_paths_start_at_the_file_wherever_they_come_from(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n')
    settings = load_settings(_Settings, path, PREFIX, {"LIBMATCH_T__INNER__FILE": "data/x"})
    assert settings.inner.file == tmp_path / "data" / "x"


def test_absolute_path_stays(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n[inner]\nfile = "/data/x"\n')
    assert load_settings(_Settings, path, PREFIX, {}).inner.file == Path("/data/x")


def test_unknown_key_is_refused_by_name_and_file(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n[inner]\nsizee = 2\n')
    assert _problems(path) == (f'{path}: inner.sizee: unknown key (did you mean "size"?)',)


def test_unknown_environment_variable_is_refused_by_name(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n')
    problem = "environment variable LIBMATCH_T__INNER__COLOUR: unknown key"
    assert _problems(path, {"LIBMATCH_T__INNER__COLOUR": "red"}) == (problem,)


def test_single_underscore_is_not_silently_ignored(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n')
    problem = "environment variable LIBMATCH_T_TITLE: write LIBMATCH_T__SECTION__KEY"
    assert _problems(path, {"LIBMATCH_T_TITLE": "x"}) == (problem,)


def test_variable_below_a_value_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n')
    (problem,) = _problems(path, {"LIBMATCH_T__TITLE__X": "x"})
    assert problem == "environment variable LIBMATCH_T__TITLE__X: title is not a section"


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, '[inner]\nsize = "big"\nodd = 1\n')
    problems = _problems(path, {"LIBMATCH_T__INNER__NAMES": "[broken"})
    assert len(problems) == 4
    assert f"{path}: title: is missing" in problems
    assert "environment variable LIBMATCH_T__INNER__NAMES: not inline TOML" in problems


def test_problem_never_repeats_the_value(tmp_path: Path) -> None:
    path = _write(tmp_path, 'title = "t"\n[inner]\nsize = "s3cret"\n')
    assert all("s3cret" not in problem for problem in _problems(path))


@pytest.mark.parametrize("text", ["title = ", "title = 'x", "\x00"])
def test_file_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = _write(tmp_path, text)
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: not a TOML file")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path / "none.toml")
    assert "cannot be read" in problem


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _Inner().size = 3


class _Files(Section):
    public: ExistingFile
    secret: SecretFile


def test_files_are_checked_when_settings_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "open.key").write_bytes(b"k")
    (tmp_path / "open.key").chmod(0o640)
    path = _write(tmp_path, 'public = "missing.pem"\nsecret = "open.key"\n')
    with pytest.raises(ConfigError) as refusal:
        load_settings(_Files, path, PREFIX, {})
    first, second = refusal.value.problems
    assert "missing.pem cannot be read: No such file" in first
    assert "chmod 600" in second


def test_owner_only_secret_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "s"
    secret.write_bytes(b"\x00value\n")
    secret.chmod(0o600)
    assert read_secret(secret) == b"\x00value\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_secret_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "s"
    secret.write_bytes(b"value")
    secret.chmod(mode)
    with pytest.raises(ConfigError, match="others can read"):
        read_secret(secret)


def test_secret_must_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_secret(tmp_path)


@pytest.mark.parametrize(
    "address", ["", "localhost", ":80", "a:b", "127.0.0.1:70000", "127.0.0.1:-1"]
)
def test_address_needs_host_and_port(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        ListenSettings(address=address)


def test_peer_needs_a_spiffe_identity() -> None:
    with pytest.raises(ValueError, match="SPIFFE"):
        PeerSettings(address="h:1", identity="matcher")


def test_database_is_a_path_or_a_url(tmp_path: Path) -> None:
    path = _write(tmp_path, '[database]\npath = "a.db"\nurl = "sqlite:///b.db"\n')
    with pytest.raises(ConfigError) as refusal:
        load_settings(ServiceSettings, path, PREFIX, {})
    assert f"{path}: database: needs either path or url" in refusal.value.problems
