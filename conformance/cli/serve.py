"""``cancel-conformance serve``: the embedded exchange on its own, honest or with seeded faults."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from conformance.errors import UserError

if TYPE_CHECKING:
    from fixtures.exchange import Credential, ServedExchange

TARGET_FILE = "target.toml"


def serve(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    cancel_mode: Annotated[
        Literal["immediate", "delayed", "mixed"], typer.Option(help="How an accepted cancel takes effect.")
    ] = "immediate",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Seed this fault; may be given several times.")
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="List the seeded faults and end.")] = False,
    variant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Differ in this honest way; may be given several times.")
    ] = None,
    list_variants: Annotated[bool, typer.Option("--list-variants", help="List the honest variants and end.")] = False,
    keys_dir: Annotated[
        Path, typer.Option(help=f"Where the accounts' keys and a ready {TARGET_FILE} are written.")
    ] = Path("exchange-keys"),
    seed: Annotated[int, typer.Option(help="Seed of delays and of the mixed mode.")] = 0,
    dialect: Annotated[
        str, typer.Option(metavar="NAME", help="How it speaks: documented, rest-delete, token, margin or rpc.")
    ] = "documented",
    scheme: Annotated[
        str, typer.Option(metavar="NAME", help="How the documented dialect's requests are signed, such as hmac-sha256.")
    ] = "rsa-pkcs1v15-sha256",
) -> None:
    """Serve the embedded exchange until it is interrupted."""
    from conformance.application.run import known_faults
    from fixtures.exchange import CancelMode, ExchangeStartError
    from fixtures.exchange import serve as serve_exchange
    from fixtures.exchange.dialects import dialect_settings
    from fixtures.exchange.schemes import registry_of
    from fixtures.faults import OF_SCHEMES, compose
    from fixtures.variants import chosen

    if list_faults:
        _list_faults()
        return
    if list_variants:
        _list_variants()
        return
    others = tuple(name for name in fault or [] if name in OF_SCHEMES)
    faults = (*known_faults([name for name in fault or [] if name not in others]), *others)
    variants = tuple(dict.fromkeys(variant or []))
    try:
        settings = dialect_settings(
            dialect, cancel_mode=CancelMode(cancel_mode), faults=faults, variants=variants, seed=seed, scheme=scheme
        )
    except ValueError as error:
        raise UserError(f"--dialect: {error}.") from None
    try:
        registry_of(scheme)
    except ValueError as error:
        raise UserError(f"--scheme: {error}.") from None
    try:
        chosen(variants, dialect)
    except ValueError as error:
        raise UserError(f"--variant: {error}.") from None
    try:
        serve_exchange(
            settings,
            announce=lambda served: _announce(served, keys_dir.resolve()),
            port=port,
            keys_dir=keys_dir,
            compose=compose,
        )
    except KeyboardInterrupt:
        return  # the way to end it: uvicorn raises the signal again once it has closed its connections
    except ExchangeStartError as error:
        raise UserError(f"The exchange cannot start: {error}\nChoose another --port, or 0 for a free one.") from error
    except OSError as error:
        raise UserError(
            f"Cannot write the keys into {keys_dir}: {error.strerror or error}\nChoose another --keys-dir."
        ) from error


def _list_faults() -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from fixtures.faults import FAULTS, OF_SCHEMES

    faults = (*FAULTS.values(), *OF_SCHEMES.values())
    width = max(len(fault.name) for fault in faults)
    name = Column("fault", no_wrap=True, min_width=width)  # a name is copied from here: never cut
    table = Table(name, "caught by", "what it does", box=None, pad_edge=False, header_style="bold")
    for fault in sorted(faults, key=lambda one: (one.family, one.requirement, one.name)):
        rarity = f" ({fault.rarity})" if fault.rarity else f" (--scheme {fault.scheme})" if fault.scheme else ""
        table.add_row(fault.name, fault.requirement, escape(fault.summary + rarity))
    Console(highlight=False).print(table)


def _list_variants() -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from fixtures.variants import VARIANTS

    table = Table("variant", "how it differs", "words of the profile", box=None, pad_edge=False, header_style="bold")
    for variant in sorted(VARIANTS.values(), key=lambda one: (one.family, one.name)):
        words = [*toml_lines(variant.profile), *(f"({key}: no such word yet)" for key in variant.proposed)]
        table.add_row(variant.name, escape(variant.summary), escape("\n".join(word for word in words if word)))
    Console(highlight=False).print(table)


def _announce(served: "ServedExchange", folder: Path) -> None:
    target = write_target(served, folder)
    faults = ", ".join(served.settings.faults) or "none"
    variants = f"variants: {', '.join(served.settings.variants)}, " if served.settings.variants else ""
    typer.echo(
        f"Serving {served.base_url} (cancel mode {served.settings.cancel_mode}, {variants}seeded faults: {faults})."
    )
    typer.echo(f"Judge it:  cancel-conformance run --target {target}")
    typer.echo("Ctrl-C ends it.")


def write_target(served: "ServedExchange", folder: Path) -> Path:
    """Write a target file that names the running exchange, with the revoked key and the control token beside it."""
    from fixtures.embedded import authentication_of, bundled_profile_of
    from fixtures.exchange.dialects import WITHOUT_SIGNATURES
    from fixtures.variants import profile_tables, proposed_words

    settings = served.settings
    tables = {**profile_tables(settings.variants, settings.dialect)}
    if own := authentication_of(settings.scheme):
        tables["authentication"] = own
    lines = [
        "# Written by `cancel-conformance serve`; good for as long as that exchange runs.",
        f"extends = {_quoted(bundled_profile_of(settings.dialect))}",
        *(f"{key} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping)),
        "",
        "[target]",
        f"base_url = {_quoted(served.base_url)}",
        'environment = "embedded"',
    ]
    if settings.control:
        _write_private(folder / "control-token", served.control_token.encode())
        lines += [
            "",
            "[drivers.control]",
            'headers = { X-Control-Token = "{token}" }',
            'token = { file = "control-token" }',
        ]
    tokens = settings.dialect in WITHOUT_SIGNATURES
    for name, account in served.keys.accounts.items():
        lines += ["", f"[accounts.{name}]", *_key(account.keys[0], folder / f"{name}.pem", tokens)]
    first, revoked = next(iter(served.keys.accounts)), served.keys.revoked
    _write_private(folder / ("revoked.secret" if revoked.secret else "revoked.pem"), revoked.material)
    lines += ["", f"[[accounts.{first}.revoked_keys]]", *_key(revoked, folder / "revoked.pem", tokens)]
    if tables:
        lines += [
            "",
            f"# The exchange is {', '.join(settings.variants) or settings.scheme}: what differs.",
            *toml_lines(_sections(tables)),
        ]
    proposed = proposed_words(settings.variants, settings.dialect)
    if proposed:
        lines += ["", "# What also differs, and no word of a profile says yet:"]
        lines += [f"# {key} = {_value(value)}" for key, value in proposed.items()]
    target = folder / TARGET_FILE
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def _key(key: "Credential", pem: Path, token: bool) -> list[str]:
    """A key of an account; where nothing is signed the token is the key's id, kept in a file of its own."""
    if not token:
        word, file = ("secret", pem.stem + ".secret") if key.secret else ("private_key", pem.name)
        return [f"key_id = {_quoted(key.key_id)}", f"{word} = {{ file = {_quoted(file)} }}"]
    _write_private(pem.with_suffix(".token"), key.key_id.encode())
    return [f"token = {{ file = {_quoted(pem.stem + '.token')} }}"]


def toml_lines(tables: Mapping[str, Any], at: tuple[str, ...] = ()) -> list[str]:
    """The tables as lines of TOML, each under its own header."""
    own = [f"{_bare(key)} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping)]
    lines = ["", f"[{'.'.join(map(_bare, at))}]", *own] if own and at else own
    for key, value in tables.items():
        if isinstance(value, Mapping):
            lines += toml_lines(value, (*at, key))
    return lines


def _sections(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in tables.items() if isinstance(value, Mapping)}


def _bare(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _quoted(key)


def _value(value: Any) -> str:
    return json.dumps(value)  # text, numbers, truth values and lists of them are written alike in JSON and in TOML


def _quoted(text: str) -> str:
    return json.dumps(text)  # a JSON string is a TOML string


def _write_private(path: Path, contents: bytes) -> None:
    """Write a file that its owner alone may read, in place of one that may be there."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(contents)
