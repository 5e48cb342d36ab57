"""Allure results: one a requirement, told apart by status and category, with everything that shows a failure."""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.allure import write_allure
from reports.allure.circumstances import CATEGORIES, environment_properties, executor
from reports.allure.folder import clean
from reports.evidence import Trace
from reports.stored_run import StoredRun


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """The results of a folder by requirement."""
    found = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    by_id = {label(one, "feature"): one for one in found}
    assert len(by_id) == len(found)
    return by_id


def label(result: dict[str, Any], name: str) -> str:
    """The value of a label that is there once."""
    (value,) = [one["value"] for one in result["labels"] if one["name"] == name]
    assert isinstance(value, str)
    return value


def attachment(folder: Path, item: dict[str, Any], name: str) -> str:
    """The text of an attachment by its name."""
    (source,) = [one["source"] for one in item["attachments"] if one["name"] == name]
    return (folder / str(source)).read_text()


@pytest.fixture
def folder(stored: StoredRun, tmp_path: Path) -> Path:
    """The results of the faulty run."""
    return write_allure(stored, results=tmp_path / "allure-results", variables={})


def test_every_requirement_has_a_result_of_its_status(stored: StoredRun, folder: Path) -> None:
    """Violations are failed, what was not exercised is skipped with its reason, what could not be judged is no pass."""
    found = results(folder)
    assert set(found) == {entry.requirement.id for entry in stored.entries}
    assert found["CXL-01"]["status"] == "failed"
    assert found["CXL-08"]["status"] == "passed"
    assert found["RCE-01"]["status"] == "skipped"
    assert found["RCE-01"]["statusDetails"]["message"] == "Not exercised: the profile allows one request in flight"
    assert found["SIG-02"]["status"] == "broken"
    assert found["SIG-02"]["statusDetails"]["message"] == "Target unavailable: the exchange was busy"
    assert found["TRM-01"]["statusDetails"]["flaky"] is True
    assert found["TRM-01"]["statusDetails"]["known"] is True


def test_a_requirement_is_described_and_labelled(folder: Path) -> None:
    """Class, id, severity, sentence, authority, source, and the run's parameters are on each result."""
    found = results(folder)["CXL-01"]
    assert label(found, "epic") == "Core"
    assert label(found, "severity") == "critical"
    assert label(results(folder)["TRM-06"], "severity") == "minor"
    assert found["name"].startswith("CXL-01  Cancelling an OPEN order is accepted")
    for part in ("stated by the source document", "Cancellation States", "conformance/requirements.toml"):
        assert part in found["description"]
    parameters = {one["name"]: one["value"] for one in found["parameters"]}
    assert parameters.keys() == {"level", "seed", "plans", "requests", "exercised"}
    assert parameters["seed"] == "7"


def test_history_goes_on_under_another_seed(stored: StoredRun, folder: Path, tmp_path: Path) -> None:
    """A result is the same test in the next run, whatever its seed, and another target's is another."""
    verdicts = json.loads(json.dumps(stored.verdicts))
    verdicts["run"].update(seed=8, started="2026-07-25T10:00:00+00:00", level="smoke")
    again = results(write_allure(replace(stored, verdicts=verdicts), results=tmp_path / "again", variables={}))
    verdicts["run"]["target"] = "another venue"
    other = results(write_allure(replace(stored, verdicts=verdicts), results=tmp_path / "other", variables={}))
    first = results(folder)
    for requirement, one in first.items():
        assert again[requirement]["historyId"] == one["historyId"]
        assert again[requirement]["uuid"] != one["uuid"]
        assert other[requirement]["historyId"] != one["historyId"]
        assert all(parameter["excluded"] for parameter in one["parameters"])


def test_a_failure_shows_all_that_led_to_it(folder: Path) -> None:
    """Proof, picture, table, plan and replay command are attached; each step has its HTTP exchanges with curl."""
    found = results(folder)["CXL-01"]
    assert attachment(folder, found, "proof").startswith("CXL-01 (MUST, Core) is violated")
    assert "NO WORLD EXPLAINS THIS" in attachment(folder, found, "what led to it (picture)")
    assert attachment(folder, found, "replay command").startswith("cancel-conformance replay ")
    assert json.loads(attachment(folder, found, "plan"))["title"] == "cancel an open order"
    rows = list(csv.DictReader(io.StringIO(attachment(folder, found, "predicted and seen, step by step"))))
    assert rows[-1]["explained"] == "NO"
    assert {row["explained"] for row in rows[:-1]} == {"yes"}
    steps = found["steps"]
    assert [step["status"] for step in steps] == ["passed"] * (len(steps) - 1) + ["failed"]
    assert steps[-1]["statusDetails"]["message"].startswith("predicted: CANCELED")
    cancel = next(step for step in steps if step["name"].endswith("cancel a"))
    text = attachment(folder, cancel, "HTTP exchange")
    assert re.search(r"POST /api/v1/orders/[0-9a-f-]+/cancel", text)
    assert "HTTP 200" in text
    assert "curl -i -X POST --path-as-is" in text
    assert '-H "X-API-Key: $KEY_ID"' in text
    assert '-H "X-API-Signature: $SIGNATURE"' in text


def test_a_proof_quotes_the_requirement_that_it_stands_under(folder: Path) -> None:
    """A finding that breaks two requirements is proven under both, each in its own words."""
    found = results(folder)["CXL-06"]
    assert attachment(folder, found, "proof").startswith("CXL-06 (MUST, Core) is violated")
    assert found["statusDetails"]["trace"].startswith("CXL-06")


def test_no_file_belongs_to_two_results(folder: Path) -> None:
    """Requirements that one finding breaks have files of their own: Allure 3 shows a shared file only once."""
    named = Counter(
        one["source"]
        for result in results(folder).values()
        for item in (result, *result.get("steps", ()))
        for one in item.get("attachments", ())
    )
    assert set(named.values()) == {1}
    assert sorted(named) == sorted(path.name for path in folder.glob("*-attachment.*"))


def test_a_long_plan_does_not_leave_hundreds_of_files(stored: StoredRun, tmp_path: Path) -> None:
    """Of a plan of two hundred steps the last ones have a file each, those before share one; no exchange is lost."""
    name, evidence = next((name, one) for name, one in stored.evidence.items() if one.requirement == "CXL-01")
    look = evidence.steps[2]
    steps = tuple(replace(look, index=i, observations=()) for i in range(200))
    long = replace(evidence, step=199, trace=Trace(steps=steps))
    run = replace(stored, evidence={**stored.evidence, name: long})
    folder = write_allure(run, results=tmp_path / "long", variables={})
    shown = results(folder)["CXL-01"]["steps"]
    assert len(shown) == 13
    assert shown[0]["name"] == "0-187  the first 188 steps"
    texts = [(folder / step["attachments"][0]["source"]).read_text() for step in shown]
    assert sum(text.count("curl -i") for text in texts) == 200 * len(look.exchanges)


def test_messages_fall_into_exactly_one_category(stored: StoredRun, folder: Path) -> None:
    """Every result that did not pass matches one category, by status and message."""
    verdicts = {**stored.verdicts, "errors": ["a defect"], "troubles": {}}
    entries = tuple(
        replace(entry, reason="a defect") if entry.requirement.id == "SIG-03" else entry for entry in stored.entries
    )
    again = results(write_allure(replace(stored, verdicts=verdicts, entries=entries), results=folder, variables={}))
    assert again["SIG-03"]["statusDetails"]["message"] == "Suite error: a defect"
    assert again["SIG-02"]["status"] == "unknown"
    categories = json.loads((folder / "categories.json").read_text())
    for result in again.values():
        if result["status"] == "passed":
            continue
        message = result["statusDetails"]["message"]
        matching = [
            one["name"]
            for one in categories
            if result["status"] in one["matchedStatuses"] and re.fullmatch(one["messageRegex"], message)
        ]
        assert len(matching) == 1, message
        assert message.startswith(matching[0])


def test_allure_3_finds_its_settings_beside_the_results(folder: Path) -> None:
    """allurerc.json names the results, keeps a history and has the categories, which Allure 3 reads nowhere else."""
    settings = json.loads((folder.parent / "allurerc.json").read_text())
    assert settings["resultsDir"] == folder.name
    assert settings["historyPath"].endswith(".jsonl")
    assert settings["categories"] == list(CATEGORIES)


def test_a_results_folder_is_cleaned_of_what_was_allures_alone(stored: StoredRun, folder: Path) -> None:
    """Results of the run before are gone; a history and files of others stay."""
    (folder / "history").mkdir()
    (folder / "history" / "history.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    (folder / "executor.json").write_text("{}")
    before = set(folder.glob("*-result.json"))
    write_allure(stored, results=folder, variables={})
    assert before.isdisjoint(folder.glob("*-result.json"))
    assert len(list(folder.glob("*-result.json"))) == len(stored.entries)
    assert not (folder / "executor.json").exists()
    clean(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["history", "notes.txt"]


def test_the_history_of_an_earlier_report_is_carried_over(stored: StoredRun, tmp_path: Path) -> None:
    """The trend files of an Allure 2 report stand in the new results; a first run without any is no mistake."""
    report = tmp_path / "report"
    (report / "history").mkdir(parents=True)
    (report / "history" / "history-trend.json").write_text("[1]")
    kept = write_allure(stored, results=tmp_path / "kept", history_from=report, variables={})
    assert (kept / "history" / "history-trend.json").read_text() == "[1]"
    first = write_allure(stored, results=tmp_path / "first", history_from=tmp_path / "none", variables={})
    assert not (first / "history").exists()


def test_the_environment_is_a_properties_file(stored: StoredRun) -> None:
    """Names and values survive the format: blanks, equal signs, line ends, other alphabets."""
    verdicts = json.loads(json.dumps(stored.verdicts))
    verdicts["run"].update(target="Börse = 1\nzwei", host="a\\b")
    lines = environment_properties(replace(stored, verdicts=verdicts)).splitlines()
    assert "Target=B\\u00f6rse = 1\\nzwei" in lines
    assert "Host=a\\\\b" in lines
    assert "Suite\\ version=0.1.0" in lines


def test_the_job_is_named_in_ci() -> None:
    """On GitHub and GitLab the executor names the build and its address; elsewhere there is none."""
    github = executor(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://git.example",
            "GITHUB_REPOSITORY": "a/b",
            "GITHUB_RUN_ID": "99",
            "GITHUB_RUN_NUMBER": "12",
            "GITHUB_WORKFLOW": "nightly",
        }
    )
    assert github["buildOrder"] == 12
    assert github["buildName"] == "nightly #12"
    assert github["buildUrl"] == "https://git.example/a/b/actions/runs/99"
    gitlab = executor({"GITLAB_CI": "true", "CI_JOB_URL": "https://lab.example/j/5", "CI_PIPELINE_IID": "5"})
    assert (gitlab["type"], gitlab["buildUrl"]) == ("gitlab", "https://lab.example/j/5")
    assert executor({}) == {}


def test_requirements_are_linked_to_a_published_catalogue(stored: StoredRun, tmp_path: Path) -> None:
    """Where the catalogue has an address, each result links to its own requirement."""
    verdicts = json.loads(json.dumps(stored.verdicts))
    verdicts["run"]["catalogue_url"] = "https://docs.example/catalogue#{id}"
    found = results(write_allure(replace(stored, verdicts=verdicts), results=tmp_path / "linked", variables={}))
    assert [link["url"] for link in found["FND-02"]["links"]] == ["https://docs.example/catalogue#FND-02"]


def test_cells_of_the_table_are_no_formulas(stored: StoredRun) -> None:
    """A target's words that begin with a sign of arithmetic are text for a spreadsheet."""
    from reports.allure.attachments import predicted_and_seen

    evidence = next(iter(stored.evidence.values()))
    step = evidence.steps[evidence.step]
    hostile = replace(step, observations=(replace(step.observations[0], seen="=HYPERLINK(1)"),))
    steps = (*evidence.steps[: evidence.step], hostile)
    table = predicted_and_seen(replace(evidence, trace=replace(evidence.trace, steps=steps)))
    assert "'=HYPERLINK(1)" in table
