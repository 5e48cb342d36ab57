"""The command line. A file a command: each module of this package that `COMMANDS` names holds one.

A command is a function of its module's name. It returns an `ExitStatus` (or nothing for 0) and raises `UserError` for
what its user can put right. Importing its module must be cheap, since ``--help`` imports them all: what is heavy is
imported in the function's body.
"""

import importlib
import traceback
from typing import Annotated, Final

import typer

from conformance.errors import UnreachableError, UserError
from conformance.exit_status import ExitStatus
from conformance.version import VERSION

COMMANDS: Final = (
    "init",
    "doctor",
    "run",
    "judge",
    "report",
    "replay",
    "minimise",
    "certify",
    "verify",
    "self_check",
    "sweep",
    "explain",
    "serve",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; ``arguments`` are those of the process where none are given."""
    try:
        application()(args=arguments, prog_name="cancel-conformance")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitStatus.CONFORMANT
    except UserError as error:
        typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        typer.echo(error.message, err=True)
        return ExitStatus.INCONCLUSIVE if isinstance(error, UnreachableError) else ExitStatus.USAGE
    except Exception:  # noqa: BLE001 - the last resort: a defect of ours must not end with the status of a nonconformity
        traceback.print_exc()
        typer.echo("This is a defect of cancel-conformance: it says nothing about the target.", err=True)
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.CONFORMANT


def application() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        name="cancel-conformance",
        help="Judge over HTTP whether an exchange cancels orders as its specification says.",
        epilog="Exit status: 0 conformant, 1 not conformant, 2 wrong usage or profile, 3 inconclusive.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        result_callback=_end,
    )
    app.callback()(_options)
    for name in COMMANDS:
        command = getattr(importlib.import_module(f"conformance.cli.{name}"), name)
        app.command(name.replace("_", "-"))(command)
    return app


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", is_eager=True, callback=lambda given: _version(given)
        ),
    ] = False,
) -> None:
    """Judge over HTTP whether an exchange cancels orders as its specification says."""


def _version(given: bool) -> None:
    if given:
        typer.echo(f"cancel-conformance {VERSION}")
        raise typer.Exit


def _end(status: object, **_options: object) -> None:
    """Turn what a command returns into the exit status of the process."""
    raise typer.Exit(status if isinstance(status, int) else ExitStatus.CONFORMANT)
