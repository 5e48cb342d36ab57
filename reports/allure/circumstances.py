"""What Allure shows around the results: environment, categories, and the CI job that ran it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reports.stored_run import StoredRun

NONCONFORMITY: Final = "Nonconformity"
INTERMITTENT: Final = "Intermittent nonconformity"
DEVIATION: Final = "Known deviation"
NOT_EXERCISED: Final = "Not exercised"
UNAVAILABLE: Final = "Target unavailable"
SUITE_ERROR: Final = "Suite error"
NOT_REACHED: Final = "Not reached"

CATEGORIES: Final[Sequence[Mapping[str, Any]]] = [
    {"name": name, "matchedStatuses": statuses, "messageRegex": f"^{name}\\b[\\s\\S]*"}
    for name, statuses in (
        (NONCONFORMITY, ["failed"]),
        (INTERMITTENT, ["failed"]),
        (DEVIATION, ["failed"]),
        (NOT_EXERCISED, ["skipped"]),
        (UNAVAILABLE, ["broken"]),
        (SUITE_ERROR, ["broken"]),
        (NOT_REACHED, ["unknown"]),
    )
]
"""Each result's message begins with the name of its category; the patterns mean the same to Java and JavaScript."""


def configuration(run: StoredRun, results: str) -> dict[str, Any]:
    """What Allure 3 reads from ``allurerc.json``: it takes no categories from the results, and keeps history in a file.

    ``results`` is the folder of the results relative to that of the file.
    """
    return {
        "name": f"Cancel conformance of {run.info['target']}",
        "resultsDir": results,
        "historyPath": "allure-history.jsonl",
        "categories": CATEGORIES,
    }


def environment_properties(run: StoredRun) -> str:
    """The run's settings in the format of Java properties."""
    info = run.info
    values = {
        "Target": info["target"],
        "Host": info["host"],
        "Environment": info["environment"],
        "Level": info["level"],
        "Seed": info["seed"],
        "Suite version": info["suite_version"],
        "Started": info["started"],
        "Seconds": info["seconds"],
        "Lanes": info["lanes"],
        "Plans": run.verdicts["plans"],
        "Requests": run.verdicts["requests"],
        "Capabilities": ", ".join(info["capabilities"]) or "none",
        "Relaxations": ", ".join(info["relaxations"]) or "none",
        "Requirements": "all" if info["selected"] is None else ", ".join(info["selected"]),
        "Conclusion": run.verdicts["conclusion"],
    }
    return "".join(f"{_escaped(name, key=True)}={_escaped(str(value))}\n" for name, value in values.items())


def _escaped(text: str, *, key: bool = False) -> str:
    """Text of a properties file: ASCII, on one line, with the signs that end a key escaped."""
    out = []
    for character in text:
        if character == "\\" or (key and character in " =:#!"):
            out.append("\\" + character)
        elif character in "\n\r\t":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character])
        elif " " <= character <= "~":
            out.append(character)
        else:
            units = character.encode("utf-16-be", errors="surrogatepass")
            out += [f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)]
    return "".join(out)


def executor(variables: Mapping[str, str]) -> dict[str, Any]:
    """The CI job, by the variables that GitHub Actions and GitLab set; empty elsewhere."""
    if variables.get("GITHUB_ACTIONS") == "true":
        server = variables.get("GITHUB_SERVER_URL", "")
        repository = variables.get("GITHUB_REPOSITORY", "")
        run_id = variables.get("GITHUB_RUN_ID", "")
        return _executor(
            "GitHub Actions",
            "github",
            f"{server}/{repository}/actions" if server and repository else "",
            variables.get("GITHUB_RUN_NUMBER", ""),
            f"{variables.get('GITHUB_WORKFLOW', 'run')} #{variables.get('GITHUB_RUN_NUMBER', '')}",
            f"{server}/{repository}/actions/runs/{run_id}" if server and repository and run_id else "",
        )
    if variables.get("GITLAB_CI") == "true":
        return _executor(
            "GitLab CI",
            "gitlab",
            variables.get("CI_PROJECT_URL", ""),
            variables.get("CI_PIPELINE_IID", ""),
            f"{variables.get('CI_JOB_NAME', 'job')} #{variables.get('CI_PIPELINE_IID', '')}",
            variables.get("CI_JOB_URL", ""),
        )
    return {}


def _executor(name: str, kind: str, url: str, order: str, build: str, build_url: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": name,
        "type": kind,
        "url": url,
        "buildName": build,
        "buildUrl": build_url,
        "reportName": "Cancel conformance",
    }
    if order.isdigit():
        data["buildOrder"] = int(order)
    return {key: value for key, value in data.items() if value != ""}
