"""``init``, ``doctor`` and ``sweep``: a profile from nothing, whether a target fits it, and cleaning up."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.exit_status import ExitStatus
from conformance.model.order import Side, Terms
from fixtures.profiles import load_profile
from fixtures.venue import Desk, Venue

FLAGS = (
    "--name", "our staging", "--environment", "staging", "--base-url", "https://staging.example.com", "--key-id", "k1",
    "--private-key", "primary.pem", "--second-key-id", "k2", "--market", "BTC-EUR", "--tick", "0.5",
    "--step", "0.0001", "--max-quantity", "0.01", "--rest-price", "10000",
)  # fmt: skip


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The target file of an exchange that serves, in the dialect that the test asks for."""
    monkeypatch.setenv("CANCEL_CONFORMANCE_STATE", str(tmp_path / "state"))
    dialect = getattr(request, "param", "documented")
    command = ["serve", "--keys-dir", str(tmp_path / "keys"), "--dialect", dialect, "--cancel-mode", "mixed"]
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield tmp_path / "keys" / "target.toml"
        process.kill()


# init


def test_init_writes_a_profile_from_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With flags alone a commented profile is written that loads as it stands and names what comes next."""
    out = tmp_path / "deep" / "target.toml"
    assert main(["init", "--out", str(out), *FLAGS, "--rest-price-sell", "250000"]) == ExitStatus.CONFORMANT
    profile = load_profile(out)
    assert (profile.target.name, profile.target.base_url) == ("our staging", "https://staging.example.com")
    assert (profile.markets["BTC-EUR"].tick, profile.markets["BTC-EUR"].isolated) == (Decimal("0.5"), False)
    assert profile.limits.requests_per_second == 20
    assert set(profile.lane()) == {"primary", "counterparty"}
    assert out.read_text().count("#") > 20
    assert f"doctor --target {out}" in capsys.readouterr().out


def test_init_leaves_a_second_account_as_a_comment(tmp_path: Path) -> None:
    """Without a second account the profile says what it would be good for, and loads."""
    out = tmp_path / "target.toml"
    flags = [flag if flag != "k2" else "" for flag in FLAGS]
    assert main(["init", "--out", str(out), *flags]) == ExitStatus.CONFORMANT
    assert set(load_profile(out).lane()) == {"primary"}
    assert "# [accounts.counterparty]" in out.read_text()


def test_init_names_the_flags_that_nobody_is_there_to_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal the missing flags are listed, and nothing is written."""
    out = tmp_path / "target.toml"
    assert main(["init", "--out", str(out), "--dialect", "documented"]) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert all(flag in said for flag in ("--base-url", "--key-id", "--max-quantity", "--rest-price"))
    assert "--tick" not in said
    assert not out.exists()


def test_init_asks_where_somebody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal each open question is asked, with the default that is known."""
    asked: dict[str, str | None] = {}
    known = {"listen": "https://e.example.com", "primary account": "k1", "largest": "1", "at which a buy": "100"}

    def prompt(text: str, default: str | None) -> str:
        asked[text] = default
        return default if default is not None else next(value for word, value in known.items() if word in text)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", prompt)
    out = tmp_path / "target.toml"
    assert main(["init", "--out", str(out), "--name", "named"]) == ExitStatus.CONFORMANT
    assert load_profile(out).target.name == "named"
    assert not any("call the target" in text for text in asked)
    assert asked["Its price increment"] == "0.01"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--tick", "ten"), "--tick: expected a decimal number such as 0.01, found 'ten'"),
        (("--market", "BTCEUR"), "--market: expected BASE-QUOTE, such as BTC-USDT, found 'BTCEUR'"),
        (("--dialect", "klingon"), "--dialect: expected one of alpaca, backpack, binance-spot"),
        (("--base-url", "ftp://e.example.com"), "base_url: expected a URL like 'https://staging.example.com'"),
        (("--rest-price", "10000.3"), "rest_price: 10000.3 is not a multiple of 0.5"),
    ],
)
def test_init_refuses_what_would_not_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, str], said: str
) -> None:
    """An unusable answer is said with its flag or key, and nothing is written."""
    out = tmp_path / "target.toml"
    assert main(["init", "--out", str(out), *FLAGS, *flags]) == ExitStatus.USAGE
    assert said in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_init_replaces_a_file_only_when_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists is left alone without --force."""
    out = tmp_path / "target.toml"
    out.write_text("mine")
    assert main(["init", "--out", str(out), *FLAGS]) == ExitStatus.USAGE
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["init", "--out", str(out), *FLAGS, "--force"]) == ExitStatus.CONFORMANT


def test_init_copies_a_complete_foreign_profile(tmp_path: Path) -> None:
    """From a foreign profile everything is copied with its comments, and the target's own table is filled in."""
    out = tmp_path / "target.toml"
    own = ("--name", 'the "other" one', "--environment", "sandbox", "--base-url", "https://e.example.com")
    assert main(["init", "--out", str(out), "--dialect", "foreign_rpc", *own]) == ExitStatus.CONFORMANT
    data = tomllib.loads(out.read_text())
    assert "extends" not in data
    assert data["target"] == {"name": 'the "other" one', "environment": "sandbox", "base_url": "https://e.example.com"}
    assert data["operations"]["cancel"]["path"] == "/rpc"


def test_init_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON schema that editors complete and check a profile with goes to standard output."""
    assert main(["init", "--schema"]) == ExitStatus.CONFORMANT
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "cancel-conformance target profile"
    assert {"target", "operations", "vocabulary"} <= set(schema["properties"])


# doctor


@pytest.mark.parametrize("served", ["documented", "token"], indirect=True)
def test_doctor_finds_a_target_as_its_profile_says(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check of a fitting profile is well, words and answers are listed, and no order is left."""
    assert main(["doctor", "--target", str(served)]) == ExitStatus.CONFORMANT
    said = capsys.readouterr().out
    assert "The target is as the profile says" in said
    assert "words seen" in said
    assert "answer seen: cancel of an unknown order: HTTP 404" in said
    assert "every order of this examination is over" in said
    with Venue(load_profile(served)) as venue:
        assert [view for role in venue.accounts for view in venue.orders(role).views or ()] == []


def test_doctor_says_what_will_not_be_exercised(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A capability that the profile leaves out is listed with the requirements that need it and the table it takes."""
    served.write_text(served.read_text().replace("[drivers.control]", "[drivers]\nexpire = false\n\n[drivers.control]"))
    assert main(["doctor", "--target", str(served)]) == ExitStatus.CONFORMANT
    said = capsys.readouterr().out
    assert "will not be exercised: TRM-04: no expire; it takes a table [drivers.expire]" in said


def test_doctor_suggests_the_lines_that_agree_with_what_it_saw(
    served: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where target and profile differ the check fails, and the lines that would put it right are printed once."""
    served.write_text(served.read_text() + '\n[answers.not_found]\nstatus = [410]\n\n[fees]\nmaker = "0.0005"\n')
    assert main(["doctor", "--target", str(served)]) == ExitStatus.USAGE
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    suggested = lines[lines.index(f"What was seen would agree with these lines in {served}:") + 1 :]
    assert suggested[:4] == ["[answers.not_found]", "status = [404]", "[fees]", 'maker = "0.001"']


def test_doctor_says_that_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that takes no connection is said to be that, with the key to look at; nothing else is tried."""
    pem = tmp_path / "primary.pem"
    pem.write_text("not looked at")
    target = tmp_path / "target.toml"
    target.write_text(
        'extends = "documented"\n[target]\nname = "gone"\nbase_url = "http://127.0.0.1:9"\n'
        '[accounts.primary]\nkey_id = "k"\nprivate_key = { file = "primary.pem" }\n'
    )
    assert main(["doctor", "--target", str(target)]) == ExitStatus.USAGE
    said = capsys.readouterr().out
    assert "no connection to 127.0.0.1:9" in said
    assert "target.base_url" in said


# sweep


def test_sweep_cancels_what_a_run_left_and_says_so(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders in the journal of a run that ended badly are cancelled; a second sweep finds nothing."""
    profile = load_profile(served)
    with Desk(profile) as desk, Venue(profile, desk=desk) as venue:
        terms = Terms(
            account="primary", market="BTC-USDT", side=Side.BUY, quantity=Decimal("0.1"), price=Decimal("100.00")
        )
        order_id = venue.place(terms).order_id
    assert main(["sweep", "--target", str(served)]) == ExitStatus.CONFORMANT
    said = " ".join(capsys.readouterr().out.split())
    assert f"cancelled: {order_id} (run {desk.run}, primary, BTC-USDT)" in said
    assert "1 orders of earlier runs seen to be over, 1 of them cancelled now." in said
    assert main(["sweep", "--target", str(served)]) == ExitStatus.CONFORMANT
    assert "No run has left an order open." in capsys.readouterr().out


def test_sweep_says_what_may_still_be_open(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An order whose account the profile no longer has is named with the reason, and the status is inconclusive."""
    profile = load_profile(served)
    with Desk(profile) as desk:
        desk.journal.intent("gone", "BTC-USDT", "cc-1")
    assert main(["sweep", "--target", str(served)]) == ExitStatus.INCONCLUSIVE
    assert "accounts.gone is not in the profile" in " ".join(capsys.readouterr().out.split())
