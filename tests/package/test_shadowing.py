"""The generic names of our packages: working beside others of the same name, and saying which file is in the way."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.shadowing import PACKAGES

HOME = Path(str(conformance.__file__)).resolve().parent.parent
SOURCE = Path(__file__).resolve().parents[2] / "conformance"
SCRIPT = "import sys, cancel_conformance_start; sys.exit(cancel_conformance_start.main())"


def package(folder: Path, name: str) -> Path:
    """Make a package of that name that must never be imported; returns its first file."""
    (folder / name).mkdir(parents=True)
    start = folder / name / "__init__.py"
    start.write_text("raise SystemExit('the wrong package was imported')\n")
    return start


def start(
    *arguments: str, directory: Path, path: list[Path], options: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """Run Python in ``directory`` with ``path`` as its PYTHONPATH."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    environment.pop("PYTHONSAFEPATH", None)
    return subprocess.run(
        [sys.executable, *options, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    """The start of the console script under the name by which it is installed, in a folder of its own."""
    folder = tmp_path / "launcher"
    folder.mkdir()
    shutil.copy(SOURCE / "start.py", folder / "cancel_conformance_start.py")
    return folder


def test_a_folder_with_packages_of_the_same_names_is_a_fine_place_to_work_in(tmp_path: Path, launcher: Path) -> None:
    """Even where the working directory is on the import path and has all four names, our own packages are imported."""
    here = tmp_path / "project"
    for name in PACKAGES:
        package(here, name)
    done = start("-c", SCRIPT, "--version", directory=here, path=[here, launcher, HOME])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("cancel-conformance ")


def test_child_processes_leave_the_working_directory_out_too(tmp_path: Path, launcher: Path) -> None:
    """A process that is started later, in the same folder, imports our packages as well."""
    here = tmp_path / "project"
    package(here, "fixtures")
    code = (
        "import subprocess, sys, conformance.shadowing as s; s.leave_working_directory_out();"
        "sys.exit(subprocess.call([sys.executable, '-c', 'import fixtures; print(fixtures.__file__)']))"
    )
    done = start("-c", code, directory=here, path=[HOME, here])
    assert Path(done.stdout.strip()) == HOME / "fixtures" / "__init__.py"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_that_shadows_ours_is_named(tmp_path: Path, launcher: Path, name: str) -> None:
    """Where another package is found first, the message names its file and what to do, and the status is 2."""
    intruder = package(tmp_path / "elsewhere", name)
    here = tmp_path / "project"
    here.mkdir()
    done = start("-c", SCRIPT, "--version", directory=here, path=[launcher, tmp_path / "elsewhere", HOME])
    assert done.returncode == 2
    assert str(intruder) in done.stderr
    assert "virtual environment of its own" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_is_named(tmp_path: Path, launcher: Path) -> None:
    """Where one of our packages is not there at all, the message says which, and the status is 2."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(HOME / "conformance", elsewhere / "conformance")
    done = start("-c", SCRIPT, "--version", directory=launcher, path=[launcher, elsewhere], options=("-S",))
    assert done.returncode == 2
    assert "'strategies' is shadowed or missing" in done.stderr


def test_a_file_that_another_distribution_put_in_place_of_ours_is_named(tmp_path: Path, launcher: Path) -> None:
    """Where another distribution has overwritten a file in the same folder, the installer's record gives it away."""
    site = tmp_path / "site"
    (site / "cancel_conformance-0.1.0.dist-info").mkdir(parents=True)
    record = []
    for name in PACKAGES:
        (site / name).mkdir()
        first = site / name / "__init__.py"
        shutil.copy(HOME / name / "__init__.py", first)
        digest = base64.urlsafe_b64encode(hashlib.sha256(first.read_bytes()).digest()).rstrip(b"=").decode()
        record.append(f"{name}/__init__.py,sha256={digest},{first.stat().st_size}")
    for module in ("shadowing.py", "exit_status.py"):
        shutil.copy(HOME / "conformance" / module, site / "conformance")
    (site / "cancel_conformance-0.1.0.dist-info" / "METADATA").write_text("Name: cancel-conformance\nVersion: 0.1.0\n")
    (site / "cancel_conformance-0.1.0.dist-info" / "RECORD").write_text("\n".join(record))
    look = "import conformance.shadowing as s; print(s.shadowed())"
    before = start("-c", look, directory=launcher, path=[site])
    (site / "reports" / "__init__.py").write_text("'Reports of another kind.'\n")
    after = start("-c", look, directory=launcher, path=[site])
    assert before.stdout == "None\n"
    assert str(site / "reports" / "__init__.py") in after.stdout
