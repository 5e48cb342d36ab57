"""ARCHITECTURE.md names files, functions and contracts, CONTRIBUTING.md folders; each of them exists."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
NAMED = [name for name in QUOTED if "::" in name]
PATHS = [name for name in QUOTED if "/" in name and "::" not in name]
FOLDERS = re.findall(
    r"`([\w/.]+)`",
    "".join(re.findall(r"^\|(.*?)\|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)),
)
CONTRACTS = sorted(set(re.findall(r"(?<![*\w])\*([^*\n]+)\*(?!\*)", PROSE)))


def names_in(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """The functions, classes and values that a module or a class defines, each with its own body."""
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = []
            case ast.ClassDef(name=name, body=inside):
                found[name] = inside
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = []
            case ast.Assign(targets=targets):
                found |= {target.id: [] for target in targets if isinstance(target, ast.Name)}
            case _:
                pass
    return found


def is_defined(name: str) -> bool:
    """Whether ``file::name`` or ``file::Class.name`` is defined there."""
    path, _, qualified = name.partition("::")
    if not (ROOT / path).is_file():
        return False
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for part in qualified.split("."):
        defined = names_in(body)
        if part not in defined:
            return False
        body = defined[part]
    return True


def test_the_page_names_what_it_speaks_of() -> None:
    """The search below reads the page: it finds files, functions and contracts."""
    assert len(NAMED) > 20
    assert len(PATHS) > 5
    assert len(CONTRACTS) > 5
    assert "conformance/judging/" in FOLDERS


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_defined_in_its_file(name: str) -> None:
    """A function, class or value that the page names is defined in the file that it names."""
    assert is_defined(name)


@pytest.mark.parametrize("name", ["conformance/judging/judge.py::no_such", "conformance/judging/no_such.py::judge"])
def test_a_name_that_is_gone_is_found(name: str) -> None:
    """A name that no file defines, or in a file that is gone, is not taken for one that exists."""
    assert not is_defined(name)


@pytest.mark.parametrize("path", sorted({*PATHS, *FOLDERS}))
def test_every_file_and_folder_exists(path: str) -> None:
    """A file or folder that the page names, or CONTRIBUTING's table of where things are, is there."""
    assert (ROOT / path).exists()


def test_every_contract_stands_in_the_settings() -> None:
    """A layer rule that the page quotes is the name of a contract that ``lint-imports`` checks."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert [name for name in CONTRACTS if name not in contracts] == []


def test_every_room_of_the_picture_is_a_package() -> None:
    """What the picture draws at the beginning of a line is a package, or a module of ``conformance``."""
    picture = re.search(r"^```\n(  cli.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert picture is not None
    rooms = [room for line in picture[1].splitlines() for room in re.findall(r"\b[a-z]+\b", line[:26])]
    assert "judging" in rooms
    paths = [(ROOT / room, ROOT / "conformance" / room, ROOT / "conformance" / f"{room}.py") for room in rooms]
    assert [of[0].name for of in paths if not any(path.exists() for path in of)] == []
