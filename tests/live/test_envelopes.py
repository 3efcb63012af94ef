"""What goes over the bus: for whoever has the look-up key, in the name of who said it, and for nobody else."""

from __future__ import annotations

import pytest

from kikao.live import envelopes
from kikao.live.envelopes import FRESH, NONCE, Envelopes
from kikao.sessions.sealing import KeyRing

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
ONE, OTHER = "one".ljust(16), "other".ljust(16)


def test_processes_of_a_deployment_open_what_each_says_and_nobody_reads_it() -> None:
    one, other = Envelopes(KeyRing({"k1": OLD}), ONE), Envelopes(KeyRing({"k1": OLD}), OTHER)
    said = [one.seal(b"SAID"), one.seal(b"SAID")]
    assert said[0] != said[1]
    assert b"SAID" not in b"".join(said)
    assert [other.opened(ONE, each) for each in said] == [b"SAID", b"SAID"]
    assert len(said[0]) == NONCE + len(b"SAID") + 16


def test_while_a_key_is_put_in_front_process_by_process_all_understand_each_other() -> None:
    before = KeyRing({"k1": OLD})
    after = KeyRing({"k2": NEW, "k1": OLD}, lookup="k1")
    rings = [before, after, KeyRing({"k1": OLD, "k2": NEW})]
    for n, ring in enumerate(rings):
        said = Envelopes(ring, ONE).seal(b"said")
        assert [Envelopes(each, OTHER).opened(ONE, said) for each in rings] == [b"said"] * 3, n


@pytest.mark.parametrize(
    "ring",
    [KeyRing({"k1": NEW}), KeyRing({"k1": OLD}, tenant="acme"), KeyRing({"k1": OLD, "k2": NEW}, lookup="k2")],
    ids=["another key", "another tenant", "another look-up key"],
)
def test_others_on_the_same_bus_open_nothing(ring: KeyRing) -> None:
    said = Envelopes(KeyRing({"k1": OLD}), ONE).seal(b"said")
    assert Envelopes(ring, OTHER).opened(ONE, said) is None
    assert Envelopes(KeyRing({"k1": OLD}), OTHER).opened(ONE, Envelopes(ring, ONE).seal(b"said")) is None


def test_what_was_changed_or_said_in_anothers_name_does_not_open() -> None:
    ring = KeyRing({"k1": OLD})
    said, mine = Envelopes(ring, ONE).seal(b"said"), Envelopes(ring, OTHER)
    for wrong in (said[:-1] + bytes([said[-1] ^ 1]), said[:-1], said[NONCE:], b"\0" * NONCE, b"x", b""):
        assert mine.opened(ONE, wrong) is None
    assert mine.opened("third".ljust(16), said) is None
    assert mine.opened(ONE, said) == b"said"


def test_what_was_said_before_is_not_heard_again() -> None:
    ring = KeyRing({"k1": OLD})
    one, mine = Envelopes(ring, ONE), Envelopes(ring, OTHER)
    said = [one.seal(b"%d" % n) for n in range(4)]
    assert [mine.opened(ONE, said[n]) for n in (0, 0, 2, 1, 3, 2)] == [b"0", None, b"2", None, b"3", None]


def test_what_was_recorded_is_not_heard_by_a_process_that_begins_later() -> None:
    ring, now = KeyRing({"k1": OLD}), [1.8e9]
    one = Envelopes(ring, ONE, lambda: now[0])
    recorded = [one.seal(b"%d" % n) for n in range(2)]
    assert Envelopes(ring, OTHER, lambda: now[0] + FRESH - 1).opened(ONE, recorded[0]) == b"0"
    later = Envelopes(ring, OTHER, lambda: now[0])
    now[0] += FRESH + 1
    assert [later.opened(ONE, each) for each in recorded] == [None, None]
    now[0] -= 3600  # what is said still goes up, also with a clock that is put back
    assert [later.opened(ONE, each) for each in recorded] == [None, None]
    now[0] += 3600
    said = [one.seal(b"%d" % n) for n in range(2, 4)]
    now[0] += 2 * FRESH  # who was heard may be slow
    assert later.opened(ONE, said[0]) is None
    now[0] -= 2 * FRESH
    assert later.opened(ONE, said[0]) == b"2"
    now[0] += 2 * FRESH
    assert later.opened(ONE, said[1]) == b"3"


def test_numbers_only_grow_whatever_becomes_of_the_clock() -> None:
    now = [1.8e9]
    one = Envelopes(KeyRing({"k1": OLD}), ONE, lambda: now[0])
    numbers = []
    for step in (0.0, 0.0, 5.0, -3600.0, -3600.0, 1.0):
        now[0] += step
        numbers.append(one.seal(b"")[:NONCE])
    assert sorted(set(numbers)) == numbers


def test_who_makes_up_names_fills_nothing_and_who_is_forgotten_is_known_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(envelopes, "KNOWN", 2)
    ring = KeyRing({"k1": OLD})
    mine = Envelopes(ring, ONE)
    for n in range(5):
        assert mine.opened(f"made up {n}", b"x" * 40) is None
    assert mine._others == {}
    others = {name: Envelopes(ring, name) for name in ("a", "b", "c")}
    for _ in range(2):
        for name, each in others.items():
            assert mine.opened(name, each.seal(name.encode())) == name.encode()
            assert len(mine._others) <= 2
