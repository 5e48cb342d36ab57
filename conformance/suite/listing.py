"""The conformance tests as a list, and running them one after the other."""

import importlib
import pkgutil
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.engine.explorer import Explorer, NonconformityError, RunStoppedError
from conformance.requirements import catalogue

FIRST = ("test_first_calls", "test_released_funds", "test_cells")
LAST = ("test_races", "test_lifecycles")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConformanceTest:
    """One conformance test and the requirements that it speaks for."""

    name: str
    requirements: tuple[str, ...]
    summary: str
    function: Callable[[Explorer], None]


def conformance_tests() -> tuple[ConformanceTest, ...]:
    """Every conformance test: what needs untouched accounts and funds, then the walked cells, free exploration last."""
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name.startswith("test_"))
    names.sort(key=lambda name: ((*FIRST, name).index(name), name in LAST, name == LAST[-1]))
    found = []
    for name in names:
        module = importlib.import_module(f"conformance.suite.{name}")
        for label, function in vars(module).items():
            if label.startswith("test_") and callable(function):
                marks = [m for m in getattr(function, "pytestmark", ()) if m.name == "requirement"]
                found.append(
                    ConformanceTest(
                        name=f"{name}::{label}",
                        requirements=tuple(dict.fromkeys(i for mark in marks for i in mark.args)),
                        summary=(function.__doc__ or "").strip().splitlines()[0],
                        function=function,
                    )
                )
    return tuple(found)


def chosen(tests: Iterable[ConformanceTest], selected: Iterable[str] | None) -> tuple[ConformanceTest, ...]:
    """The tests that speak for any of the selected requirements; all of them where none is selected."""
    if selected is None:
        return tuple(tests)
    wanted = set(selected)
    return tuple(test for test in tests if wanted & set(test.requirements))


def run_suite(explorer: Explorer, tests: Iterable[ConformanceTest]) -> None:
    """Run the tests; what they find is in the explorer's record. Stops early where the run cannot go on."""
    offered = explorer.ground.abilities
    for test in tests:
        if explorer.satisfied:
            return
        if not any(catalogue()[i].needs <= offered for i in test.requirements):
            continue  # nothing that the target offers could exercise it: NOT EXERCISED, with the reason
        explorer.begin(test.name, test.requirements)
        try:
            test.function(explorer)
        except NonconformityError:
            continue  # recorded already; the next test may find something else
        except RunStoppedError:
            return
        except Exception as error:  # noqa: BLE001 - a defect of ours must not hide what other tests find
            traceback.print_exception(error)
            explorer.record.errors.append(f"the suite erred in {test.name}: {error!r}")
