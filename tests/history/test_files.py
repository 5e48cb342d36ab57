"""Histories as files: what is written when, what is told of a file that is none, and that none holds a secret."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fixtures.embedded
from conformance.application.run import Options, perform
from conformance.cli import main
from conformance.exit_status import ExitStatus
from conformance.history.header import Header, header_of, stored_profile
from conformance.history.reading import open_history
from conformance.history.writing import HistoryFile
from conformance.judging.seen import GivenUp
from conformance.model.deviations import NONE
from conformance.plans import Plan
from conformance.trace import PlanResult
from conformance.version import VERSION
from fixtures.embedded import embedded_target
from fixtures.exchange import ExchangeSettings
from fixtures.venue.signing import Signer
from tests.certificate.test_redaction import Remains, Secrets
from tests.history.conftest import Recorded
from tests.history.lines import altered, lines_of, write_lines


def another_version(line: dict[str, Any]) -> None:
    """Let a header be that of a version with other facts."""
    if "history" in line:
        line["history"].update(shape="other", version="0.0.9")


def another_format(line: dict[str, Any]) -> None:
    """Let a header be that of another format."""
    if "history" in line:
        line["history"].update(format="cancel-conformance/history/9", version="7.0.0")


def test_a_history_of_another_version_says_so(
    recorded: Callable[..., Recorded], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence names the version that wrote it and this one; the exit status is 2."""
    source = recorded("TRM-01", "filled-cancel-accepted").history
    for alter, version in ((another_version, "0.0.9"), (another_format, "7.0.0")):
        path = altered(source, tmp_path / "old", alter)
        assert main(["judge", str(path), "--out", str(tmp_path / "out")]) == ExitStatus.USAGE
        said = capsys.readouterr().err
        assert f"another version, cancel-conformance {version}" in said
        assert VERSION in said
        assert not (tmp_path / "out").exists()


WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "is no history"),
    "other text": (lambda _: b"[run]\nlevel = 1\n", "is no history"),
    "other JSON": (lambda _: b'{"format": "other"}\n', "is no history"),
    "bytes": (lambda _: bytes(range(256)), "is no history"),
    "a line of other text": (lambda plain: _with_line(plain, b"nonsense"), "line 3: expected a line of a history"),
    "a line of other JSON": (lambda plain: _with_line(plain, b"[1, 2]"), "line 3: expected a line of a history"),
    "a fact that there is not": (
        lambda plain: _with_line(plain, b'{"saw":1,"ended":false,"fact":"Nonsense","of":{}}'),
        "line 3: this is not what a run has written",
    ),
    "a plan run that there is not": (
        lambda plain: _with_line(plain, b'{"ends":987654,"gone":false}'),
        "line 3: this is not what a run has written",
    ),
    "a finding without its parts": (
        lambda plain: _with_line(plain, b'{"finding":["CXL-01"]}'),
        "line 3: this is not what a run has written",
    ),
    "a spoilt archive": (lambda plain: _spoilt(gzip.compress(plain)), "Cannot read the history"),
}


def _with_line(plain: bytes, line: bytes) -> bytes:
    lines = plain.splitlines(keepends=True)
    return b"".join([*lines[:2], line + b"\n", *lines[2:]])


def _spoilt(archive: bytes) -> bytes:
    middle = len(archive) // 2
    return archive[:middle] + bytes(byte ^ 0xFF for byte in archive[middle : middle + 64]) + archive[middle + 64 :]


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_none_is_named(
    name: str, recorded: Callable[..., Recorded], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A foreign or altered file ends with 2 and a sentence that names it, without a stack trace."""
    make, expected = WRONG[name]
    path = tmp_path / "given"
    path.write_bytes(make(gzip.decompress(recorded("TRM-01", "filled-cancel-accepted").history.read_bytes())))
    assert main(["judge", str(path), "--out", str(tmp_path / "out")]) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert expected in said
    assert str(path) in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing history, and a place where none can be written, end with 2."""
    assert main(["judge", str(tmp_path / "missing")]) == ExitStatus.USAGE
    assert "missing" in capsys.readouterr().err
    place = str(tmp_path / "a file" / "history")
    (tmp_path / "a file").write_text("")
    assert main(["run", "--only", "CXL-01", "--out", str(tmp_path / "out"), "--record", place]) == ExitStatus.USAGE
    assert "--record: cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["h.gz", "h.ndjson"])
def test_whoever_is_killed_leaves_what_was_written(name: str, tmp_path: Path) -> None:
    """What is in the file before it is closed tells of every plan run that has ended."""
    with embedded_target(ExchangeSettings()) as (profile, _exchange):
        header = header_of(profile, {})
    path = tmp_path / name
    with HistoryFile(path, header) as file:
        lane = file.lane(2)
        for _ in range(2):
            number = lane.begins(Plan(actions=()), ("primary",), NONE)
            lane.saw(GivenUp(reason="enough"), ended=False)
            lane.ends()
            file.counted(PlanResult(plan=Plan(actions=()), number=number), "a test")
        lane.begins(Plan(actions=()), ("primary",), NONE)
        killed = tmp_path / f"killed-{name}"
        killed.write_bytes(path.read_bytes())
    history = open_history(killed)
    assert history.counted == {1, 2}
    assert history.end is None
    ended = [line["ends"] for _, line in history.lines() if "ends" in line]
    assert ended == [1, 2]


def test_a_file_that_cannot_be_written_on_ends_no_run(tmp_path: Path) -> None:
    """Where the disk is full the run goes on, and it is told that its history is not whole."""
    with embedded_target(ExchangeSettings()) as (profile, _exchange):
        header = header_of(profile, {})
    with HistoryFile(tmp_path / "h", header) as file:
        file._file.close()
        file._file = Full()  # type: ignore[assignment]  # all that is asked of one
        file.lane(1).begins(Plan(actions=()), ("primary",), NONE)
        assert file.problem is not None
        assert "No space left" in file.problem


class Full:
    """A file on a full disk."""

    def write(self, data: bytes) -> int:
        """Never writes."""
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        """Nothing is open."""


def test_a_run_that_is_not_recorded_writes_nothing(tmp_path: Path) -> None:
    """Without ``--record`` no lane has a recorder."""
    from conformance.engine.levels import LEVELS, LevelName
    from conformance.engine.session import open_session

    with (
        embedded_target(ExchangeSettings()) as (profile, _exchange),
        open_session(profile, level=LEVELS[LevelName.SMOKE], seed=1) as explorer,
    ):
        assert [lane.memory.recorder for lane in explorer.lanes.lanes] == [None]


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_no_history_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an exchange that shows the credentials it was sent, a history holds none, in no form."""
    import contextlib
    from collections.abc import Iterator

    left = Remains(folder=tmp_path, secrets=Secrets())
    start, raw = fixtures.embedded.embedded_target, Signer._raw

    @contextlib.contextmanager
    def watched(*given: Any, **named: Any) -> Iterator[Any]:
        with start(*given, **named) as (profile, exchange):
            left.learn(exchange)
            yield profile, exchange

    monkeypatch.setattr(fixtures.embedded, "embedded_target", watched)
    monkeypatch.setattr(Signer, "_raw", lambda signer, payload: left.signed(raw(signer, payload)))
    history = tmp_path / "history"
    options = Options(
        level="smoke",
        only="SIG-11",
        out=tmp_path / "out",
        cancel_mode="immediate",
        faults=("echoes-the-credentials",),
        quiet=True,
        record=history,
    )
    assert perform(options).status is ExitStatus.NONCONFORMANT
    assert left.signatures > 20
    lines = history.read_bytes().splitlines()
    found = {number: names for number, line in enumerate(lines, 1) if (names := left.secrets.found_in(line))}
    assert found == {}
    window, name = next(iter(left.secrets.names.items()))
    assert name in left.secrets.found_in(json.dumps({"planted": window.decode("latin-1")}).encode())


def test_a_profile_is_stored_without_its_keys(recorded: Callable[..., Recorded]) -> None:
    """The profile of a history offers what that of the run did, and its keys are not stored."""
    run = recorded("TRM-01", "filled-cancel-accepted")
    history = open_history(run.history)
    profile = stored_profile(history.header, "h")
    assert profile.capabilities() == run.outcome.profile.capabilities()
    assert profile.lanes == run.outcome.profile.lanes
    assert profile.without_secrets()["markets"] == run.outcome.profile.without_secrets()["markets"]
    assert isinstance(history.header, Header)
    assert {account.key_id for account in profile.accounts.values()} == {"not stored"}


def test_lines_can_be_looked_at(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    """A history is lines of JSON: a copy that is not compressed is judged alike."""
    run = recorded("TRM-01", "filled-cancel-accepted")
    plain = write_lines(tmp_path / "plain", lines_of(run.history))
    assert run.judged(tmp_path / "out", plain).status is run.outcome.status
