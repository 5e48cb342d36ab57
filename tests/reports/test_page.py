"""The page of a run: one file, nothing fetched, everything in it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.errors import UserError
from reports.page import render_page

if TYPE_CHECKING:
    from tests.reports.conftest import FinishedRun

from reports.stored_run import StoredRun

FETCHING = {"src", "href", "action", "data", "poster", "srcset", "formaction", "xlink:href"}


class Reader(HTMLParser):
    """Collects ids, texts, and every address that a browser would follow or fetch."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, its id and its addresses."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in FETCHING and value:
                self.addresses.append(value)

    def handle_data(self, data: str) -> None:
        """Add to the text."""
        self.text += data


@pytest.fixture(scope="session")
def page(stored: StoredRun) -> str:
    """The page of the faulty run."""
    return render_page(stored.directory)


def test_the_page_fetches_nothing(page: str) -> None:
    """Every address points into the page itself; no stylesheet, font, frame or script comes from elsewhere."""
    reader = Reader(page)
    assert {address for address in reader.addresses if not address.startswith("#")} == set()
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_links_inside_the_page_lead_somewhere(page: str) -> None:
    """Each link has a target, and no id is used twice, pictures included."""
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    missing = {address for address in reader.addresses if address[1:] not in reader.ids}
    assert missing == set()


def test_requirements_and_violations_are_found_by_their_ids(stored: StoredRun, page: str) -> None:
    """Each requirement has its place, each violation its proof, picture and replay command."""
    reader = Reader(page)
    assert {entry.requirement.id for entry in stored.entries} <= set(reader.ids)
    for name, evidence in stored.evidence.items():
        assert f"evidence-{Path(name).stem}" in reader.ids
        assert evidence.replay in reader.text
    assert page.count("NO WORLD EXPLAINS THIS") == len(stored.evidence)
    for part in (
        "Not conformant",
        "the profile allows one request in flight",
        "fixed in the next release",
        "INF-01 time to answer a cancel",
        "Possible, never reached",
        "the exchange was busy",
        "curl -i -X POST",
    ):
        assert part in reader.text


def test_what_a_target_says_is_never_markup(run_folder: Path) -> None:
    """Names, answers and reasons with markup in them are shown as text."""
    evil = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    for path in (run_folder / "evidence").glob("*.json"):
        data = json.loads(path.read_text())
        data.update(seen=evil, kind=evil, target=evil)
        for step in data["trace"]["steps"]:
            for exchange in step["exchanges"]:
                exchange.update(response_body=evil, operation=evil)
        path.write_text(json.dumps(data))
    verdicts = json.loads((run_folder / "verdicts.json").read_text())
    verdicts["run"]["target"] = evil
    verdicts["troubles"] = {evil: 1}
    (run_folder / "verdicts.json").write_text(json.dumps(verdicts))
    reader = Reader(render_page(run_folder))
    assert reader.tags.count("script") == 1
    assert "img" not in reader.tags
    assert reader.text.count(evil) > 3


def test_a_comparison_says_what_got_better_and_worse(run_folder: Path, passed_folder: Path) -> None:
    """Verdicts that fell are worse and their violations new; the other way round they are better and gone."""
    count = len(list((run_folder / "evidence").iterdir()))
    assert count >= 3
    worse = Reader(render_page(run_folder, passed_folder)).text
    assert re.search(r"Worse \(\d+\)", worse)
    assert re.search(rf"New violations \({count}\)", worse)
    assert "Better" not in worse
    better = Reader(render_page(passed_folder, run_folder)).text
    assert re.search(rf"Violations not seen any more \({count}\)", better)
    assert "Worse" not in better


def test_a_page_without_violations_has_no_such_section(passed_folder: Path) -> None:
    """A run without a violation shows its requirements, and no empty list of violations."""
    reader = Reader(render_page(passed_folder))
    assert "violations" not in reader.ids
    assert "CXL-01" in reader.ids


def test_the_report_of_three_violations_is_small(run_folder: Path) -> None:
    """All files of such a run together stay under five megabytes and four hundred files, the page included."""
    (run_folder / "index.html").write_text(render_page(run_folder))
    files = [path for path in run_folder.rglob("*") if path.is_file()]
    assert len(files) < 400
    assert sum(path.stat().st_size for path in files) < 5_000_000


def test_no_secret_stands_in_the_page(faulty_run: "FinishedRun", page: str) -> None:
    """Neither key ids, nor pieces of private keys, nor the control token are on the page."""
    assert [secret for secret in faulty_run.secrets if secret in page] == []


@pytest.fixture
def broken(run_folder: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    """A run's folder in which one file is not as it should be, and what the message must name."""
    file, contents, named = request.param
    if contents is None:
        (run_folder / file).unlink()
    else:
        (run_folder / file).write_text(contents)
    return run_folder, named


@pytest.mark.parametrize(
    "broken",
    [
        ("verdicts.json", None, "verdicts.json"),
        ("verdicts.json", "{", "expected JSON"),
        ("verdicts.json", '{"format": "other"}', "found 'other'"),
        ("verdicts.json", '{"format": "cancel-conformance/verdicts/1"}', "'requirements'"),
        ("coverage.json", "[]", "coverage.json"),
        ("evidence/CXL-01-1.json", None, "CXL-01-1.json"),
    ],
    indirect=True,
)
def test_a_folder_that_is_not_whole_is_refused(broken: tuple[Path, str]) -> None:
    """The message names the file and what is wrong with it."""
    folder, named = broken
    with pytest.raises(UserError) as caught:
        render_page(folder)
    assert named in caught.value.message


def test_the_command_writes_the_page(run_folder: Path, passed_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``report`` writes index.html into the folder, or where it is told to, and says so."""
    assert main(["report", str(run_folder)]) == 0
    assert (run_folder / "index.html").read_text().startswith("<!DOCTYPE html>")
    elsewhere = run_folder.parent / "compared.html"
    assert main(["report", str(run_folder), "--against", str(passed_folder), "--out", str(elsewhere)]) == 0
    assert "New violations" in elsewhere.read_text()
    assert str(elsewhere) in capsys.readouterr().out


def test_the_command_refuses_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that no run wrote ends with status 2 and a sentence."""
    assert main(["report", str(tmp_path)]) == 2
    assert "Expected the folder that a run wrote" in capsys.readouterr().err
