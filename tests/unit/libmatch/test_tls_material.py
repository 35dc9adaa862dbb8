"""libmatch.tls_material: files that TLS cannot work with are told before gRPC sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from libmatch.tls_material import TlsFiles, TlsMaterial, find_problems, read_material
from tests.chassis_pki import Pki


@pytest.fixture
def files(pki: Pki) -> TlsFiles:
    tls = pki.issue("spiffe://fuling/unit/a")
    return TlsFiles(tls.certificate, tls.private_key, tls.ca)


def _half(pem: bytes) -> bytes:
    return pem[: len(pem) // 2]


_BROKEN: dict[str, Callable[[TlsMaterial], TlsMaterial]] = {
    "no certificate": lambda m: replace(m, certificate=b""),
    "half a certificate": lambda m: replace(m, certificate=_half(m.certificate)),
    "half a chain": lambda m: replace(m, certificate=m.certificate + _half(m.ca)),
    "no key": lambda m: replace(m, private_key=b""),
    "half a key": lambda m: replace(m, private_key=_half(m.private_key)),
    "a certificate for a key": lambda m: replace(m, private_key=m.certificate),
    "no authority": lambda m: replace(m, ca=b""),
    "half a bundle": lambda m: replace(m, ca=m.ca + _half(m.ca)),
}


@pytest.mark.parametrize("broken", _BROKEN.values(), ids=_BROKEN)
def test_broken_material_has_a_problem_that_names_its_file_only(
    files: TlsFiles, broken: Callable[[TlsMaterial], TlsMaterial]
) -> None:
    problems = find_problems(files, broken(read_material(files)))
    assert len(problems) == 1
    assert str(files.certificate.parent) in problems[0]
    assert "BEGIN" not in problems[0]


def test_key_of_another_certificate_is_a_problem(files: TlsFiles, pki: Pki) -> None:
    other = pki.issue("spiffe://fuling/unit/a").private_key.read_bytes()
    (problem,) = find_problems(files, replace(read_material(files), private_key=other))
    assert "not an unencrypted PEM key of" in problem


def test_chains_bundles_and_remarks_are_fine(files: TlsFiles) -> None:
    material = read_material(files)
    longer = replace(
        material,
        certificate=material.certificate + material.ca,
        ca=b"# ours\n" + material.ca + b"# the next\n" + material.ca + b"\n# end\n",
    )
    assert find_problems(files, material) == find_problems(files, longer) == []
