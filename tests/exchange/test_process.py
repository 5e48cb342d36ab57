"""The exchange's process: it comes up, it says why not, and it never outlives what started it."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fixtures
from fixtures.exchange import ExchangeProcess, ExchangeSettings, ExchangeStartError, key_ring, write_keys
from fixtures.faults import compose

# A parent that starts an exchange, says where, and then waits to be killed.
_PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
from fixtures.exchange import ExchangeProcess
with ExchangeProcess() as process:
    print(process.pid, flush=True)
    sys.stdin.read()
"""


def _gone(pid: int, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # An orphan that nobody has waited for yet is over all the same.
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def _fail_inside(process: ExchangeProcess, pids: list[int]) -> None:
    with process:
        assert process.pid is not None
        pids.append(process.pid)
        raise KeyError


def test_it_stops_at_the_end_of_its_block() -> None:
    """Also when the block ends by an exception; stopping twice is harmless."""
    process = ExchangeProcess()
    pids: list[int] = []
    with pytest.raises(KeyError):
        _fail_inside(process, pids)
    assert _gone(pids[0])
    process.stop()
    with pytest.raises(ExchangeStartError, match="not running"):
        process.control.state()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_its_parent(end: signal.Signals) -> None:
    """However the parent ends, the exchange's process ends too."""
    root = str(Path(fixtures.__file__).parent.parent)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(end)
    parent.wait(timeout=5)
    assert _gone(pid)
    parent.stdout.close()
    parent.stdin.close()


def test_an_interrupt_of_the_terminal_does_not_reach_it() -> None:
    """It has a session of its own, so a run that is interrupted can still clean up."""
    with ExchangeProcess() as process:
        assert process.pid is not None
        assert os.getsid(process.pid) == process.pid


def test_a_taken_port_is_named() -> None:
    """The error names address and port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ExchangeStartError, match=f"cannot listen on 127.0.0.1:{port}.*choose another port"):
            ExchangeProcess(port=port).start()


def test_an_unknown_fault_stops_the_start() -> None:
    """The error names the fault."""
    with pytest.raises(ExchangeStartError, match="no seeded fault named 'nonsense'"):
        ExchangeProcess(ExchangeSettings(faults=("nonsense",)), compose=compose).start()


def test_an_exchange_without_faults_takes_none() -> None:
    """One that was given no faults to choose from is honest; naming one stops the start."""
    with pytest.raises(ExchangeStartError, match="started without seeded faults; found 'bulk-skips-sells'"):
        ExchangeProcess(ExchangeSettings(faults=("bulk-skips-sells",))).start()


def test_a_folder_of_the_same_name_does_not_shadow_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts in a directory that has a package `fixtures` of its own."""
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "__init__.py").write_text("raise RuntimeError('shadowed')")
    monkeypatch.chdir(tmp_path)
    with ExchangeProcess() as process:
        assert process.control.state()["trades"] == 0


def test_keys_are_kept_out_of_sight(tmp_path: Path) -> None:
    """Key files are the owner's alone, replaced when written again; no representation shows a private key."""
    keys = key_ring(ExchangeSettings().accounts)
    for _ in range(2):
        files = write_keys(keys, tmp_path / "keys")
    assert set(files) == {"primary", "counterparty", "third"}
    for name, file in files.items():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_bytes() == keys.accounts[name].private_pem
    assert "PRIVATE" not in repr(keys)


def test_an_account_can_have_several_keys() -> None:
    """Each of them is a key of its own; pairs are made once per process."""
    settings = ExchangeSettings()
    ring = key_ring(settings.accounts, keys_per_account=2)
    ids = [key.key_id for account in ring.accounts.values() for key in account.keys]
    assert len(set(ids)) == 6
    assert {key.account for key in ring.registered()} == {"primary", "counterparty", "third", "stranger"}
    assert key_ring(settings.accounts, keys_per_account=2).accounts == ring.accounts
