"""``cancel-conformance verify``: whether a vendor's certificate holds, and what exactly it claims. Works offline."""

from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from conformance.errors import UserError
from conformance.exit_status import ExitStatus


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle that 'certify' wrote (a zip file).")],
    *,
    key: Annotated[Path, typer.Option(metavar="FILE", help="The signer's public key, PEM: the only one trusted.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Judge as of this day (its end, UTC) or ISO 8601 time; now if left out."),
    ] = None,
) -> ExitStatus:
    """Check a certificate's signature, digests, dates and completeness, and print what it claims.

    Ends with 0 where it holds, with 1 where it does not, with 2 where a file cannot be read.
    """
    from reports.attestation.keys import load_verifier
    from reports.attestation.refusal import Refused
    from reports.attestation.verifying import verify as verify_bundle
    from reports.attestation.wording import describe, printable

    moment = datetime.now(UTC) if at is None else moment_of(at)
    verifier = load_verifier(key)
    try:
        verified = verify_bundle(bundle, verifier, at=moment)
    except Refused as reason:
        typer.secho("REFUSED", fg="red", bold=True, nl=False)
        typer.echo(f"  {bundle}\n{printable(str(reason))}.\nDo not rely on this certificate.")
        return ExitStatus.NONCONFORMANT
    typer.secho("VERIFIED", fg="green", bold=True, nl=False)
    typer.echo(f"  {bundle}\n{describe(verified)}")
    return ExitStatus.CONFORMANT


def moment_of(text: str) -> datetime:
    """The moment that ``--at`` means: a time as given (UTC unless it says otherwise), or the last second of a day."""
    with suppress(ValueError):  # where it is no day alone, it is a time
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--at: expected a day such as 2027-03-31 or a time such as 2027-03-31T12:00:00Z, found {text!r}."
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
