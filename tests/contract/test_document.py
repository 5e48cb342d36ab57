"""The OpenAPI document of a profile: read, compiled, and what departs from it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from conformance.errors import UserError
from fixtures.contract import BUNDLED, Contract, contract_of, read_document
from fixtures.profiles import Profile, load_profile, profile_from_data

JSON = "application/json; charset=utf-8"
ERROR = {
    "error": {"code": 404, "message": "Order not found", "details": "x"},
    "timestamp": "2026-03-01T08:00:00.123Z",
    "requestId": "r-1",
}


def named(openapi: str, folder: Path, **tables: Any) -> Profile:
    """The documented dialect with another document."""
    return profile_from_data(
        {"extends": "documented", "contract": {"openapi": openapi}, **tables}, source=folder / "target.toml"
    )


def document(folder: Path, name: str = "api.yaml", **changes: Any) -> str:
    """The bundled document with other keys, as a file beside the profile."""
    _, bundled = read_document(BUNDLED, folder, at="here")
    (folder / name).write_text(yaml.safe_dump({**bundled, **changes}), encoding="utf-8")
    return name


@pytest.fixture(scope="module")
def contract() -> Contract:
    """The bundled contract."""
    found = contract_of(load_profile("documented"))
    assert found is not None
    return found


def test_the_bundled_document_is_openapi() -> None:
    """The document of the default dialect is valid OpenAPI 3.1."""
    _, found = read_document(BUNDLED, Path(), at="here")
    assert found["openapi"].startswith("3.1")
    validate(dict(found))


def test_the_bundled_document_covers_every_operation(contract: Contract) -> None:
    """Each operation of the documented dialect stands in it, with its method."""
    operations = load_profile("documented").operations
    named = {name: getattr(operations, name) for name in type(operations).model_fields}
    for name, operation in named.items():
        assert operation is None or contract.covers(name, operation.method)
    assert not contract.covers("cancel", "GET")


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        ("cancel", 200, {"data": {"success": True}, "error": False}),
        ("cancel_all", 200, {"data": {"cancelledOrderIds": []}, "error": False}),
        ("cancel", 404, ERROR),
        ("cancel", 405, ERROR),
        ("read", 401, ERROR),
        ("read", 401, {"error": 401, "message": "no"}),
    ],
)
def test_answers_that_fit(contract: Contract, operation: str, status: int, body: object) -> None:
    """Answers as documented fit, the older form of authentication errors and undocumented errors of the shape too."""
    assert contract.misfit(operation, status, JSON, body) is None


SUCCESS = {"data": {"success": True}, "error": False}
LISTED = {"data": {"cancelledOrderIds": None}, "error": False}
HELD = {"data": {"balances": [{"asset": "A"}], "lastUpdated": 1}, "error": False}


@pytest.mark.parametrize(
    ("operation", "status", "body", "rule"),
    [
        ("cancel", 200, {**SUCCESS, "data": {}}, "the answer 200 to cancel: data: required"),
        ("cancel", 200, {**SUCCESS, "data": {"success": 1}}, "the answer 200 to cancel: data/success: const"),
        ("cancel", 201, {}, "an error: the body: required"),
        ("cancel", 404, {**ERROR, "timestamp": "now"}, "an error: timestamp: format"),
        ("cancel", 404, {"error": 404, "message": "no"}, "an error: the body: required"),
        ("cancel_all", 200, LISTED, "the answer 200 to cancel-all: data/cancelledOrderIds: type"),
        ("balances", 200, HELD, "the answer 200 to balances: data/balances/*: required"),
    ],
)
def test_answers_that_depart(contract: Contract, operation: str, status: int, body: object, rule: str) -> None:
    """What departs is named by a rule that holds no value of the answer, so that equal departures group."""
    misfit = contract.misfit(operation, status, JSON, body)
    assert misfit is not None
    assert misfit.rule == rule
    assert misfit.expected
    assert misfit.seen


def test_another_media_type_departs(contract: Contract) -> None:
    """An answer of a media type that is not documented departs, whatever its body is."""
    misfit = contract.misfit("cancel", 200, "text/html", SUCCESS)
    assert misfit is not None
    assert misfit.rule == "the answer 200 to cancel: media type"


def test_a_document_beside_the_profile(tmp_path: Path) -> None:
    """A profile may name its own document; the path of a server's URL stands before its paths."""
    _, bundled = read_document(BUNDLED, tmp_path, at="here")
    short = {path.removeprefix("/api/v1"): item for path, item in bundled["paths"].items()}
    name = document(tmp_path, paths=short, servers=[{"url": "https://api.example.com/api/v1/"}])
    found = contract_of(named(name, tmp_path))
    assert found is not None
    assert found.prefix == "/api/v1"
    assert found.paths["cancel"] == "/orders/{orderId}/cancel"
    assert found.covers("cancel", "POST")


def test_null_of_openapi_3_0(tmp_path: Path) -> None:
    """In a document of OpenAPI 3.0, ``nullable`` allows null."""
    schema = {"type": "object", "properties": {"data": {"type": "string", "nullable": True}}}
    item = {"post": {"responses": {"200": {"description": "x", "content": {"application/json": {"schema": schema}}}}}}
    name = document(tmp_path, openapi="3.0.3", paths={"/api/v1/orders/{id}/cancel": item})
    found = contract_of(named(name, tmp_path))
    assert found is not None
    assert found.misfit("cancel", 200, JSON, {"data": None}) is None
    misfit = found.misfit("cancel", 200, JSON, {"data": 1})
    assert misfit is not None
    missing = found.misfit("cancel", 404, JSON, {})
    assert missing is not None
    assert "not documented" in missing.rule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot read"),
        ("a: [", "neither YAML nor JSON"),
        ("openapi: '2.0'", "expected `openapi: 3.1.x` or 3.0.x"),
        ("just words", "expected `openapi: 3.1.x` or 3.0.x"),
        ("openapi: 3.1.0\npaths: {}", "speaks of no operation"),
        (
            "openapi: 3.1.0\npaths: {/api/v1/orders: {post: {responses: {'200': {$ref: '#/nowhere'}}}}}",
            "cannot be used",
        ),
    ],
)
def test_a_document_that_cannot_be_used_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    """The message names the profile's key, the file, and what was expected."""
    if text is not None:
        (tmp_path / "api.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        contract_of(named("api.yaml", tmp_path))
    assert told in str(caught.value)
    assert "contract.openapi" in str(caught.value)
    assert "api.yaml" in str(caught.value)


def test_a_profile_without_a_document() -> None:
    """A profile that names none has no contract, and lacks the capability."""
    bare = profile_from_data({"extends": "documented", "contract": False})
    assert contract_of(bare) is None
    assert "openapi" not in bare.capabilities()
