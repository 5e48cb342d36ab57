"""One place has many spellings, and two places are never one."""

import socket
from typing import Any

import pytest

from fixtures.venue.places import spelled_alike, trading_place

ALIKE = [
    ("https://api.example.com", "HTTPS://API.Example.com.:443/"),
    ("http://localhost:8080/v1", "http://127.0.0.1:8080/v1/"),
    ("http://localhost:8080", "http://[::ffff:127.0.0.1]:8080"),
    ("http://localhost:8080", "http://0.0.0.0:8080"),
]
APART = [
    ("https://api.example.com", "https://api.example.org"),
    ("https://api.example.com", "https://api.example.com:8443"),
    ("https://api.example.com/spot", "https://api.example.com/futures"),
    ("http://10.0.0.1", "http://10.0.0.2"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_spellings_of_one_url(one: str, other: str) -> None:
    """Case, a dot behind, the usual port, a slash at the end and the names of the loopback make no difference."""
    assert spelled_alike(one) == spelled_alike(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_urls_of_two_targets(one: str, other: str) -> None:
    """Another host, port or path is another target."""
    assert spelled_alike(one) != spelled_alike(other)


def test_a_name_and_its_address_are_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order a name's addresses come, it is the place of the least of them; an unknown name is itself."""
    answers = {
        "a.example": ["192.0.2.7", "192.0.2.1"],
        "b.example": ["192.0.2.1", "192.0.2.7"],
        "192.0.2.1": ["192.0.2.1"],
        "mine.example": ["127.0.0.1"],
    }

    def ask(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        if host not in answers:
            raise socket.gaierror
        return [(0, 0, 0, "", (address, port)) for address in answers[host]]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    trading_place.cache_clear()
    places = [trading_place(f"http://{name}:1") for name in ("a.example", "b.example", "192.0.2.1")]
    assert places == ["192.0.2.1:1"] * 3
    assert trading_place("http://mine.example:1") == trading_place("http://localhost:1") == "loopback:1"
    assert trading_place("http://nowhere.example:1") == "nowhere.example:1"
    trading_place.cache_clear()
