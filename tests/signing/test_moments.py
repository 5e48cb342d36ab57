"""Moments: times in every unit, and counters that never go back for a key, whatever the thread."""

from concurrent.futures import ThreadPoolExecutor

from fixtures.signing.moments import Clock, Moment, next_count

NOW = 1_700_000_000.123456


def test_times_in_every_unit() -> None:
    """One moment has one time, written in seconds, parts of seconds, and as text."""
    moment = Moment(key_id="k", clock=Clock(now=lambda: NOW))
    assert {name: moment.value(name) for name in ("timestamp_s", "timestamp_ms", "timestamp_us")} == {
        "timestamp_s": "1700000000", "timestamp_ms": "1700000000123", "timestamp_us": "1700000000123456",
    }  # fmt: skip
    assert moment.value("timestamp_iso") == "2023-11-14T22:13:20.123Z"
    assert moment.value("timestamp_iso_s") == "2023-11-14T22:13:20"
    assert moment.value("other") is None


def test_a_moment_says_the_same_twice() -> None:
    """A nonce that is signed is the nonce that is sent."""
    moment = Moment(key_id="k")
    for name in ("nonce", "uuid", "counter_ms", "timestamp_us"):
        assert moment.value(name) == moment.value(name)
    assert moment.value("nonce") != Moment(key_id="k").value("nonce")


def test_a_shifted_moment_is_at_another_time() -> None:
    """A forged request may come from the past or the future."""
    clock = Clock(now=lambda: NOW)
    assert Moment(key_id="k", clock=clock, shift=-90.0).value("timestamp_s") == "1699999910"


def test_counters_grow_for_a_key_across_threads() -> None:
    """No two requests of a key have the same count, and each thread sees its own grow; another key counts by itself."""
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: [next_count("shared", NOW, 1000) for _ in range(200)], range(8)))
    assert all(row == sorted(row) for row in rows)
    assert len({count for row in rows for count in row}) == 1600
    assert next_count("alone", NOW, 1000) == int(NOW * 1000)
    assert next_count("alone", NOW - 60, 1000) == int(NOW * 1000) + 1
