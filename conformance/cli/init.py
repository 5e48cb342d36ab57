"""``cancel-conformance init``: write a commented target profile, asking for what it cannot know."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from conformance.errors import UserError
from conformance.exit_status import ExitStatus


def init(
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the profile is written.")] = Path("target.toml"),
    dialect: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Bundled profile to start from: documented, or a complete foreign one."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What reports call the target.")] = None,
    environment: Annotated[
        Literal["staging", "sandbox", "production"] | None, typer.Option(help="What kind of system it is.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(metavar="URL", help="Where it listens.")] = None,
    key_id: Annotated[str | None, typer.Option(help="API key of the primary account.")] = None,
    private_key: Annotated[str | None, typer.Option(metavar="PEM", help="File of its private key.")] = None,
    second_key_id: Annotated[
        str | None, typer.Option(help="API key of a second account; '' where there is none.")
    ] = None,
    second_private_key: Annotated[str | None, typer.Option(metavar="PEM", help="File of its private key.")] = None,
    market: Annotated[str | None, typer.Option(metavar="BASE-QUOTE", help="A market to trade in.")] = None,
    tick: Annotated[str | None, typer.Option(help="Price increment.")] = None,
    step: Annotated[str | None, typer.Option(help="Quantity increment, and smallest quantity.")] = None,
    max_quantity: Annotated[str | None, typer.Option(help="Largest quantity to use in an order.")] = None,
    rest_price: Annotated[
        str | None, typer.Option(help="Price at which buys rest (and sells, in a market of our own).")
    ] = None,
    rest_price_sell: Annotated[
        str | None, typer.Option(help="Price at which sells rest, where others trade in the market.")
    ] = None,
    maker_fee: Annotated[str | None, typer.Option(help="Rate of the notional, such as 0.001.")] = None,
    taker_fee: Annotated[str | None, typer.Option(help="Rate of the notional.")] = None,
    requests_per_second: Annotated[float | None, typer.Option(min=0.1, help="How fast the suite may ask.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of profiles, for editors, and end.")
    ] = False,
) -> ExitStatus | None:
    """Write a commented target profile; questions are asked where a flag is missing and somebody is there to answer."""
    from conformance.application.new_profile import Wishes, complete, copied, extending, filled
    from fixtures.profiles import json_schema, profile_from_data

    if schema:
        import json

        typer.echo(json.dumps(json_schema(), indent=2))
        return None
    if out.exists() and not force:
        raise UserError(f"{out} exists already. Choose another --out, or say --force to replace it.")
    given = Wishes(
        dialect=dialect, name=name, environment=environment, base_url=base_url, key_id=key_id, private_key=private_key,
        second_key_id=second_key_id, second_private_key=second_private_key, market=market, tick=tick, step=step,
        max_quantity=max_quantity, rest_price=rest_price, rest_price_sell=rest_price_sell, maker_fee=maker_fee,
        taker_fee=taker_fee, requests_per_second=requests_per_second,
    )  # fmt: skip
    asked = filled(given, _asked_of_a_person) if sys.stdin.isatty() else complete(given)
    text = extending(asked) if asked.dialect == "documented" else copied(asked)
    import tomllib

    profile_from_data(tomllib.loads(text), name=f"the profile for {out}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise UserError(f"--out: cannot write {out}: {problem.strerror or problem}") from None
    typer.echo(f"Wrote {out}. Read it through, then: cancel-conformance doctor --target {out}")
    return None


def _asked_of_a_person(_name: str, question: str, default: str | None) -> str:
    return str(typer.prompt(question, default=default))
