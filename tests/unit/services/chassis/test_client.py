"""services.chassis.client: the right peer, a deadline always, retries only where they are safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from libmatch.channel import Channel
from services.chassis.config import ConfigError, TlsSettings
from services.chassis.deadline import set_remaining
from services.chassis.identity import IdentityError
from services.chassis.refusals import DeadlinePassed, ServiceError
from services.chassis.server import RunningServer
from tests.chassis_echo import SERVER, calling, serving
from tests.chassis_pki import Pki

_UNIT = "spiffe://fuling/unit/a"


@pytest.fixture(scope="module")
def server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(pki.issue(SERVER), tmp_path_factory.mktemp("echo")) as server:
        yield server


@pytest.fixture(scope="module")
def unit(pki: Pki) -> TlsSettings:
    return pki.issue(_UNIT)


@pytest.fixture
def channel(server: RunningServer, unit: TlsSettings) -> Iterator[Channel]:
    with calling(server.address, unit, idempotent=["test.Echo/Flaky", "test.Echo/Once"]) as channel:
        yield channel


def test_all_four_kinds_of_call_work(channel: Channel) -> None:
    assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"
    assert channel.stream_unary("/test.Echo/Sum")([b"ab", b"c"]) == b"3"
    assert list(channel.unary_stream("/test.Echo/Count")(b"3")) == [b"0", b"1", b"2"]
    assert list(channel.stream_stream("/test.Echo/Chat")(iter([b"a", b"b"]))) == [b"a", b"b"]


def test_refusal_arrives_as_service_error(channel: Channel) -> None:
    with pytest.raises(ServiceError) as refusal:
        channel.unary_unary("/test.Echo/Missing")(b"")
    assert (refusal.value.status, refusal.value.reason) == ("NOT_FOUND", "NO_ITEM")
    assert refusal.value.message_zh == "没有该事项"


def test_error_after_the_first_message_arrives_after_it(channel: Channel) -> None:
    responses = channel.unary_stream("/test.Echo/Break")(b"x")
    assert next(responses) == b"first"
    with pytest.raises(ServiceError, match="INTERNAL"):
        next(responses)


def test_stream_can_be_left_early(channel: Channel) -> None:
    responses = channel.unary_stream("/test.Echo/Count")(b"100000")
    assert next(responses) == b"0"
    responses.close()


@pytest.mark.parametrize(
    "identity",
    ["spiffe://fuling/inspector", "spiffe://fuling/unit/a", "spiffe://nanan/matcher"],
)
def test_server_of_another_identity_is_not_talked_to(
    server: RunningServer, unit: TlsSettings, identity: str
) -> None:
    with calling(server.address, unit, identity=identity) as channel:
        with pytest.raises(ServiceError) as refusal:
            channel.unary_unary("/test.Echo/Echo")(b"secret")
        assert refusal.value.status == "UNAVAILABLE"


def test_unit_cannot_pose_as_the_matcher(pki: Pki, unit: TlsSettings, tmp_path: Path) -> None:
    posing = pki.issue_raw(
        [x509.UniformResourceIdentifier(_UNIT), x509.DNSName("localhost"),
         x509.DNSName("a.unit.fuling.libmatch")],
        common_name="matcher.fuling.libmatch",
    )  # fmt: skip
    with (
        serving(posing, tmp_path) as other,
        calling(other.address, unit) as channel,
        pytest.raises(ServiceError, match="UNAVAILABLE"),
    ):
        channel.unary_unary("/test.Echo/Echo")(b"secret")


def test_server_of_another_authority_is_not_talked_to(unit: TlsSettings, tmp_path: Path) -> None:
    stranger = Pki(tmp_path / "other", "stranger")
    with (
        serving(stranger.issue(SERVER), tmp_path) as other,
        calling(other.address, unit) as channel,
        pytest.raises(ServiceError, match="UNAVAILABLE"),
    ):
        channel.unary_unary("/test.Echo/Echo")(b"secret")


def test_default_deadline_is_set(server: RunningServer, unit: TlsSettings) -> None:
    with calling(server.address, unit, timeout_s=0.2) as channel:
        began = time.monotonic()
        with pytest.raises(ServiceError) as refusal:
            channel.unary_unary("/test.Echo/Sleep")(b"1")
        assert refusal.value.status == "DEADLINE_EXCEEDED"
        assert time.monotonic() - began < 0.9


def test_deadline_of_the_call_being_handled_is_passed_on(channel: Channel) -> None:
    seen: list[float | str] = []

    def handle() -> None:
        set_remaining(3)
        seen.append(float(channel.unary_unary("/test.Echo/Left")(b"", timeout=100)))
        set_remaining(0)
        with pytest.raises(DeadlinePassed):
            channel.unary_unary("/test.Echo/Left")(b"")
        seen.append("refused")

    thread = threading.Thread(target=handle)  # a context of its own
    thread.start()
    thread.join()
    assert isinstance(seen[0], float)
    assert 2 < seen[0] <= 3
    assert seen[1] == "refused"


def test_busy_server_is_asked_again_where_that_is_safe(channel: Channel) -> None:
    assert channel.unary_unary("/test.Echo/Flaky")(b"safe:2") == b"3"


def test_busy_server_is_not_asked_again_where_that_may_repeat_work(
    server: RunningServer, unit: TlsSettings
) -> None:
    with calling(server.address, unit) as channel:
        with pytest.raises(ServiceError) as refusal:
            channel.unary_unary("/test.Echo/Flaky")(b"unsafe:1")
        assert refusal.value.retry_after_s == 0.01
        assert channel.unary_unary("/test.Echo/Flaky")(b"unsafe:1") == b"2"


def test_refusal_that_will_stay_is_not_asked_again(channel: Channel) -> None:
    with pytest.raises(ServiceError, match="call 1"):
        channel.unary_unary("/test.Echo/Once")(b"once")


def test_message_that_is_too_large_is_not_sent_again(
    server: RunningServer, unit: TlsSettings
) -> None:
    with calling(server.address, unit, idempotent=["test.Echo"], max_message_bytes=1000) as channel:
        began = time.monotonic()
        with pytest.raises(ServiceError, match="RESOURCE_EXHAUSTED"):
            channel.unary_unary("/test.Echo/Echo")(b"x" * 1001)
        assert time.monotonic() - began < 1


def test_retry_ends_with_the_deadline(channel: Channel) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceError, match="busy"):
        channel.unary_unary("/test.Echo/Flaky")(b"never:1000", timeout=0.05)
    assert time.monotonic() - began < 1


def test_server_that_comes_back_is_found_by_the_same_channel(
    pki: Pki, unit: TlsSettings, tmp_path: Path
) -> None:
    tls = pki.issue(SERVER)
    with serving(tls, tmp_path) as first:
        address = first.address
        with calling(address, unit, idempotent=["test.Echo"], timeout_s=30) as channel:
            echo = channel.unary_unary("/test.Echo/Echo")
            assert echo(b"1") == b"1"
            first.stop(1)
            with pytest.raises(ServiceError, match="UNAVAILABLE"):
                echo(b"2", timeout=0.3)
            answer: list[bytes] = []
            waiting = threading.Thread(target=lambda: answer.append(echo(b"3")))
            waiting.start()
            with serving(tls, tmp_path, address=address):
                waiting.join(30)
            assert answer == [b"3"]


def test_renewed_certificate_is_used_by_the_same_stub(pki: Pki, server: RunningServer) -> None:
    tls = pki.issue("spiffe://fuling/unit/before")
    with calling(server.address, tls) as channel:
        who = channel.unary_unary("/test.Echo/Who")
        assert who(b"") == b"spiffe://fuling/unit/before"
        renewed = [x509.UniformResourceIdentifier("spiffe://fuling/unit/after")]
        pki.issue_raw(renewed, into=tls)
        assert who(b"") == b"spiffe://fuling/unit/after"


def test_renewal_does_not_end_a_running_call(pki: Pki, server: RunningServer) -> None:
    tls = pki.issue(_UNIT)
    with calling(server.address, tls) as channel:
        answer: list[bytes] = []
        sleep = channel.unary_unary("/test.Echo/Sleep")
        sleeping = threading.Thread(target=lambda: answer.append(sleep(b"0.5")))
        sleeping.start()
        time.sleep(0.2)
        pki.issue_raw([x509.UniformResourceIdentifier(_UNIT)], into=tls)
        assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"
        sleeping.join(5)
        assert answer == [b"slept"]


def test_half_renewed_files_leave_the_channel_as_it_is(pki: Pki, server: RunningServer) -> None:
    tls = pki.issue(_UNIT)
    with calling(server.address, tls) as channel:
        echoed = channel.unary_unary("/test.Echo/Echo")
        key, other = tls.private_key.read_bytes(), pki.issue(_UNIT).private_key.read_bytes()
        for broken in (b"", key[:100], other):  # gRPC's core would end the process for them
            tls.private_key.write_bytes(broken)
            assert echoed(b"x") == b"x"
        tls.private_key.chmod(0o644)
        assert echoed(b"x") == b"x"


def test_expired_client_is_not_let_in(pki: Pki, server: RunningServer) -> None:
    tls = pki.issue(_UNIT, valid=timedelta(seconds=-5))
    with calling(server.address, tls) as channel, pytest.raises(ServiceError, match="UNAVAILABLE"):
        channel.unary_unary("/test.Echo/Echo")(b"x")


def test_closed_channel_says_so(server: RunningServer, unit: TlsSettings) -> None:
    with calling(server.address, unit) as channel:
        channel.close()
        with pytest.raises(ValueError, match="closed"):
            channel.unary_unary("/test.Echo/Echo")(b"x")


def test_unusable_files_and_identities_are_told_before_any_call(pki: Pki, tmp_path: Path) -> None:
    tls = pki.issue(_UNIT)
    broken = tls.model_copy(update={"private_key": tmp_path / "none"})
    with pytest.raises(ConfigError), calling("127.0.0.1:1", broken):
        pass
    broken.private_key.touch(mode=0o600)
    with pytest.raises(ConfigError, match="not an unencrypted PEM key"), calling("h:1", broken):
        pass
    with pytest.raises(IdentityError), calling("127.0.0.1:1", tls, identity="spiffe://f/clerk/a/b"):
        pass
