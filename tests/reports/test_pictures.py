"""The pictures: well-formed SVG that says in words what it shows, and fits light and dark."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from reports.coverage import coverage, possible_cells
from reports.evidence import Evidence, StepEvidence, Trace
from reports.latency import measure
from reports.pictures.coverage_map import coverage_map
from reports.pictures.latency_plot import latency_plot
from reports.pictures.overview import overview
from reports.pictures.scenes import scenes
from reports.pictures.sequence import sequence_picture
from reports.stored_run import StoredRun

SVG = "{http://www.w3.org/2000/svg}"

PICTURES: dict[str, Callable[[StoredRun], str]] = {
    "sequence": lambda run: sequence_picture(evidence_of(run, "CXL-01")),
    "coverage": lambda run: coverage_map(run.coverage),
    "overview": lambda run: overview(run.verdicts["requirements"]),
    "latency": lambda run: latency_plot(run.latency),
}


def evidence_of(run: StoredRun, requirement: str) -> Evidence:
    """The first evidence whose closest requirement is this one."""
    return next(one for one in run.evidence.values() if one.requirement == requirement)


def words(picture: str) -> str:
    """All text that a picture shows."""
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own picture
    return "\n".join("".join(node.itertext()) for node in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_stands_alone(stored: StoredRun, name: str) -> None:
    """It is well-formed, has a title, a description and colours for both schemes, and fetches nothing."""
    picture = PICTURES[name](stored)
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own picture
    assert root.tag == f"{SVG}svg"
    for part in ("title", "desc"):
        node = root.find(f"{SVG}{part}")
        assert node is not None
        assert node.text
    assert root.get("role") == "img"
    assert "prefers-color-scheme: dark" in picture
    assert "--cc-paper" in picture
    assert "<script" not in picture
    assert set(re.findall(r"https?://[^\"' <]+", picture)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_alike_each_time(stored: StoredRun, name: str) -> None:
    """The same data give the same bytes, so that a report that is made again does not differ."""
    assert PICTURES[name](stored) == PICTURES[name](stored)


def test_ids_of_two_pictures_on_one_page_differ(stored: StoredRun) -> None:
    """Markers and clips of one picture are not those of another."""
    one, other = (sequence_picture(evidence_of(stored, "CXL-01"), name=name) for name in ("s1", "s2"))
    ids = [set(re.findall(r'\bid="([^"]+)"', picture)) for picture in (one, other)]
    assert all(ids)
    assert ids[0].isdisjoint(ids[1])


def test_the_sequence_shows_actors_states_funds_and_the_violation(stored: StoredRun) -> None:
    """Accounts and target are lifelines; what was possible, locked and seen stands beside the steps."""
    evidence = evidence_of(stored, "CXL-01")
    shown = words(sequence_picture(evidence))
    for part in (
        "primary",
        "1  place a: buy 0.5",
        "a: OPEN",
        "primary locked: 25000 USDT",
        "a: CANCELED | PENDING_CANCEL",
        "NO WORLD EXPLAINS THIS",
        "predicted: CANCELED",
        "seen: OPEN with 0 executed",
    ):
        assert part in shown
    assert not any(step.index > evidence.step and step.text in shown for step in evidence.steps if step.index > 9)


def test_a_race_is_drawn_over_one_time_axis(stored: StoredRun) -> None:
    """Calls that overlap in time overlap in the picture; one without an answer says so."""
    evidence = evidence_of(stored, "CXL-01")
    place = evidence.steps[1]
    call = place.exchanges[0]
    calls = tuple(
        replace(call, operation=operation, began=began, ended=ended, status=status)
        for operation, began, ended, status in (
            ("cancel", 0.100, 0.104, 200),
            ("cancel all", 0.102, 0.108, 200),
            ("fill", 0.109, 0.110, None),
        )
    )
    race = StepEvidence(
        index=2,
        text="at once: cancel a | cancel all orders",
        action={"do": "parallel"},
        at=0.1,
        exchanges=calls,
        held={},
        locked={},
    )
    picture = sequence_picture(replace(evidence, trace=Trace(steps=(place, race, *evidence.steps[4:]))))
    assert "primary: fill -> no answer" in words(picture)
    assert "10.0 ms" in words(picture)
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own picture
    kinds = ("cc-bar", "cc-fdoubt")
    bars = [
        (float(bar.get("x", "0")), float(bar.get("width", "0")))
        for bar in root.iter(f"{SVG}rect")
        if bar.get("class") in kinds
    ]
    assert len(bars) == 3
    first, second, third = bars
    assert first[0] < second[0] < first[0] + first[1]
    assert second[0] + second[1] < third[0]


def test_a_long_plan_gives_a_picture_of_bounded_height(stored: StoredRun) -> None:
    """Of hundreds of steps the first and the last are drawn, and how many are left out is said."""
    evidence = evidence_of(stored, "CXL-01")
    look = next(step for step in evidence.steps if step.index and step.action["do"] == "snapshot")
    many = tuple(replace(look, index=i, text=f"look number {i}", observations=()) for i in range(1, 301))
    long = replace(evidence, step=300, trace=Trace(steps=many))
    assert len(scenes(long)) <= 41
    shown = words(sequence_picture(long))
    assert "260 more steps" in shown
    assert "300  look number 300" in shown


def test_a_hostile_answer_cannot_break_a_picture(stored: StoredRun) -> None:
    """Markup and characters that XML forbids, wherever the target put them, are drawn as text."""
    evidence = replace(
        evidence_of(stored, "CXL-01"), seen='</text><script>alert("x")</script>\x00\x1b[31m', target="<&>"
    )
    picture = sequence_picture(evidence)
    assert "<script" not in picture
    assert "seen: </text><script>" in words(picture).replace("\n", " ")


def test_every_possible_cell_is_in_the_heat_map() -> None:
    """A cell reached shows its count, a possible one that was not says never, one outside the table is drawn too."""
    cells = Counter({("OPEN", "cancel"): 12, ("CANCELED", "a new kind of event"): 3})
    picture = coverage_map(coverage(cells))
    assert f"1 of {len(list(possible_cells()))} possible cells reached" in picture
    assert "OPEN, cancel: reached 12 times" in picture
    assert "CANCELED, a new kind of event: reached 3 times" in picture
    assert words(picture).count("never\n") == len(list(possible_cells())) - 1
    assert coverage_map(coverage(Counter(dict.fromkeys(possible_cells(), 1)))).count("never reached</title>") == 0


def test_the_overview_names_every_requirement_with_its_sign(stored: StoredRun) -> None:
    """Colour is not needed to tell verdicts apart."""
    shown = words(overview(stored.verdicts["requirements"])).splitlines()
    assert {"!CXL-01", "~TRM-01", "-RCE-01", "?SIG-02", "CXL-08"} <= set(shown)
    assert len([one for one in shown if re.fullmatch(r"[!~?-]?[A-Z]{3}-\d\d", one)]) == len(stored.entries)


def test_the_times_show_their_percentiles(stored: StoredRun) -> None:
    """Median, 95th and 99th percentile and maximum of each measure that was seen are in the picture."""
    measures = {**stored.latency["measures"], "INF-02": measure([0.001 * i for i in range(1, 101)])}
    shown = words(latency_plot({"measures": measures}))
    assert "INF-02 time from the answer to a terminal status (100 measured, maximum 100.0 ms)" in shown
    for text in ("median 50.0 ms", "95 % 95.0 ms", "99 % 99.0 ms"):
        assert text in shown


def test_nothing_measured_gives_no_picture() -> None:
    """A run without a single cancel has no distribution to draw."""
    assert latency_plot({"measures": {"INF-01": measure([])}}) == ""
