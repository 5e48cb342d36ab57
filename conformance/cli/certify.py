"""``cancel-conformance certify``: judge a target at the highest level and, where it holds, sign a certificate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from conformance.errors import UserError
from conformance.exit_status import ExitStatus

if TYPE_CHECKING:
    from reports.attestation.claims import Claim, Shortfall

LEVEL: Final = "certify"
MOST_DAYS: Final = 1096


def certify(
    *,
    target: Annotated[Path, typer.Option(metavar="FILE", help="Target profile (TOML).")],
    subject_version: Annotated[
        str, typer.Option(metavar="V", help="The version of the target, in its vendor's own words.")
    ],
    sign_key: Annotated[
        Path, typer.Option(metavar="FILE", help="Private key that signs the certificate: PEM, RSA or Ed25519.")
    ],
    classes: Annotated[
        str | None,
        typer.Option(metavar="CLASS,…", help="Classes to claim, such as Core,Bulk; else all that the profile offers."),
    ] = None,
    valid_days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Days for which the certificate holds.")] = 365,
    out: Annotated[Path, typer.Option(metavar="BUNDLE", help="The bundle to write.")] = Path("certificate.zip"),
    report: Annotated[Path, typer.Option(metavar="DIR", help="Where the reports of the run are written.")] = Path(
        "conformance-report"
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same plans.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Lanes, each with accounts of its own.")] = 1,
) -> ExitStatus:
    """Run level certify and write a signed bundle, if every MUST of the claimed classes was exercised and held.

    Without a certificate it ends with 1 where something failed, with 3 where something could not be judged.
    """
    from conformance.application.run import Options, perform
    from fixtures.profiles import load_profile
    from reports.atomic_files import write_bytes
    from reports.attestation.claims import claim, forbid, status_of
    from reports.attestation.issuing import FinishedRun, base_url_of, issue
    from reports.attestation.keys import load_signer
    from reports.attestation.relaxations import relaxations_of

    # All that can be wrong is looked at before the run, which takes its time.
    version = _version(subject_version)
    signer = load_signer(sign_key)
    profile = load_profile(target)
    claimed = claim(profile.capabilities(), None if classes is None else classes.split(","))
    forbid(relaxations_of(profile.without_secrets()))
    base_url_of(profile.without_secrets())
    _check_place(out)
    _announce(claimed)
    outcome = perform(
        Options(target=target, level=LEVEL, only=_selection(claimed), seed=seed, out=report, workers=workers)
    )
    run = FinishedRun(
        directory=report,
        judgements=outcome.judgements,
        info=outcome.info,
        stopped=outcome.record.stopped,
        errors=outcome.record.errors,
    )
    found = run.shortfalls(claimed)
    if found:
        _explain(found, claimed, whole=run.stopped is None and not run.errors)
        return status_of(found)
    issued = datetime.now(UTC)
    write_bytes(out, issue(run, claimed, target_version=version, signer=signer, issued=issued, valid_days=valid_days))
    typer.secho("CERTIFIED", fg="green", bold=True, nl=False)
    typer.echo(f"  {profile.target.name}, version {version}: {', '.join(claimed.claimed)}.")
    typer.echo(f"The certificate is {out}. Anyone who has the public key can check it:")
    typer.echo(f"  cancel-conformance verify {out} --key PUBLIC.pem")
    return ExitStatus.CONFORMANT


def _version(text: str) -> str:
    version = text.strip()
    if not version or not version.isprintable():
        raise UserError(f"--subject-version: expected the target's version in printable words, found {text!r}.")
    return version


def _check_place(out: Path) -> None:
    if out.is_dir():
        raise UserError(f"--out: expected the name of a file to write, found the folder {out}.")
    if not out.absolute().parent.is_dir():
        raise UserError(f"--out: the folder {out.absolute().parent} does not exist. Make it first.")


def _selection(claimed: "Claim") -> str | None:
    """What the run is asked to judge: everything, where every class is claimed."""
    return ",".join(claimed.ids()) if claimed.not_claimed else None


def _announce(claimed: "Claim") -> None:
    typer.echo(f"Claimed: {', '.join(claimed.claimed)}.")
    for each, reason in claimed.not_claimed.items():
        typer.echo(f"Not claimed: {each} ({reason}).")


def _explain(found: "tuple[Shortfall, ...]", claimed: "Claim", *, whole: bool) -> None:
    typer.secho("NO CERTIFICATE", fg="red", bold=True, nl=False)
    typer.echo(f"  The run does not earn one for {', '.join(claimed.claimed)}:")
    for each in found:
        typer.echo(f"  {'not judged' if each.undecided else 'not held'}  {each.sentence}")
    if not whole:
        typer.echo("Run it again, to its end.")
    elif all(each.undecided for each in found):
        typer.echo("Let the target show what is missing, or claim other classes with --classes.")
