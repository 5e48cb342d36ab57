"""``serve``: the embedded exchange on its own, and the target file that points a run at it."""

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conformance.requirements import Capability
from fixtures.faults import FAULTS, OF_SCHEMES
from fixtures.profiles.loading import load_profile
from fixtures.venue import Venue

OTHER_SCHEMES = {Capability.ED25519_SIGNATURES, Capability.TIMED_REQUESTS, Capability.COUNTED_REQUESTS}


def serve(*arguments: str) -> "subprocess.Popen[str]":
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "conformance", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def serving(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """An exchange that serves, its keys written to ``keys`` in the test's folder."""
    with serve("--keys-dir", str(tmp_path / "keys"), "--cancel-mode", "mixed") as process:
        yield process
        process.kill()


def test_the_target_file_reaches_the_exchange(serving: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """What is printed names the address and the target file, which loads, can drive everything, and is answered."""
    assert serving.stdout is not None
    first, second = serving.stdout.readline(), serving.stdout.readline()
    profile = load_profile(tmp_path / "keys" / "target.toml")
    assert f"Serving {profile.target.base_url} (cancel mode mixed, seeded faults: none)" in first
    assert f"run --target {tmp_path / 'keys' / 'target.toml'}" in second
    assert profile.capabilities() >= set(Capability) - {Capability.OPENAPI} - OTHER_SCHEMES
    assert httpx.get(f"{profile.target.base_url}/api/v1/accounts/balance", trust_env=False).status_code == 401


@pytest.mark.parametrize("scheme", ["hmac-sha256", "jwt-es256"])
def test_another_scheme_is_served_with_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """The target file says how requests are signed, and with what: they are answered."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "state"))
    fault = next(name for name, one in OF_SCHEMES.items() if one.scheme == scheme)
    with serve("--keys-dir", str(tmp_path / "keys"), "--scheme", scheme, "--fault", fault) as process:
        assert process.stdout is not None
        assert fault in process.stdout.readline() + process.stdout.readline()
        profile = load_profile(tmp_path / "keys" / "target.toml")
        with Venue(profile) as venue:
            assert {venue.balances(role).answer.exchange.status for role in venue.accounts} == {200}
        assert profile.authentication.scheme == scheme
        process.kill()


def test_an_unknown_scheme_is_refused() -> None:
    """The known ones are named."""
    with serve("--scheme", "rot13") as process:
        _, said = process.communicate(timeout=30)
    assert "--scheme: there is no scheme named 'rot13'" in " ".join(said.split())


def test_what_is_secret_is_the_owners_alone(serving: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """Keys and control token are readable by their owner only, and neither is printed nor in the target file."""
    assert serving.stdout is not None
    printed = serving.stdout.readline() + serving.stdout.readline()
    folder = tmp_path / "keys"
    secrets = [path for path in folder.iterdir() if path.name != "target.toml"]
    assert {path.stem for path in secrets} >= {"primary", "counterparty", "third", "revoked", "control-token"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    for path in secrets:
        assert path.read_text() not in printed + (folder / "target.toml").read_text()


def test_an_interrupt_ends_it_well(serving: "subprocess.Popen[str]") -> None:
    """Ctrl-C ends the exchange with status 0 and no stack trace."""
    assert serving.stdout is not None
    serving.stdout.readline()
    serving.stdout.readline()
    serving.send_signal(signal.SIGINT)
    _out, errors = serving.communicate(timeout=10)
    assert (serving.returncode, errors) == (0, "")


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    """Where the port is taken the message says so and what to do, and the status is 2."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        serve("--port", str(taken.getsockname()[1]), "--keys-dir", str(tmp_path)) as process,
    ):
        _out, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "Choose another --port" in errors
    assert "Traceback" not in errors


def test_an_unknown_fault_is_a_clear_error(tmp_path: Path) -> None:
    """An unknown fault is named with those that it resembles, and the status is 2."""
    known = next(iter(FAULTS))
    with serve("--fault", known + "x", "--keys-dir", str(tmp_path)) as process:
        _out, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"no seeded fault '{known}x'" in errors
    assert f"Did you mean {known}" in errors


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """Where the keys cannot be written the message names the folder, and the status is 2."""
    (tmp_path / "file").write_text("in the way")
    with serve("--keys-dir", str(tmp_path / "file" / "keys")) as process:
        _out, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"Cannot write the keys into {tmp_path / 'file' / 'keys'}" in errors


def test_every_fault_is_listed_with_its_requirement() -> None:
    """``--list-faults`` names each seeded fault and the requirement that must catch it."""
    with serve("--list-faults") as process:
        listed, _errors = process.communicate(timeout=20)
    assert process.returncode == 0
    lines = {line.split()[0]: line.split()[1] for line in listed.splitlines()[1:] if line and not line.startswith(" ")}
    assert lines.items() >= {fault.name: fault.requirement for fault in FAULTS.values()}.items()
