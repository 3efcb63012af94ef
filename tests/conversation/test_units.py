"""The small pure pieces: journal values, keys of effects, secrets, signals of misuse."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import inspect
import pickle
import sys
from typing import Any

import msgspec
import pytest

from kikao.conversation import Flows, Misuse, Secret
from kikao.conversation.errors import JournalFull
from kikao.conversation.journal import (
    MAX_ENTRIES,
    Entry,
    Intent,
    Run,
    decode_value,
    encode_value,
)
from kikao.i18n import Amount


class Line(msgspec.Struct, frozen=True):
    """One line of a bill."""

    name: str
    price: Amount
    at: dt.datetime | None = None
    image: bytes = b""


class Bill(msgspec.Struct):
    """Lines."""

    lines: list[Line]
    notes: Any = None


class TestJournalValues:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            7,
            1.5,
            "seven",
            b"seven",
            [1, [2, None]],
            {"a": {"b": 1}},
            Amount("UGX", 500),
            Line("milk", Amount("UGX", 500), dt.datetime(2026, 1, 31, tzinfo=dt.UTC), b"\x00\xff"),
            [Line("a", Amount("UGX", 1)), Line("b", Amount("UGX", 2))],
            Bill([Line("a", Amount("UGX", 1))]),
            [],
        ],
        ids=repr,
    )
    def test_a_value_comes_back_as_what_it_was(self, value: Any) -> None:
        tag, data = encode_value(value, "here")
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(data))
        assert decode_value(tag, stored) == value
        assert type(decode_value(tag, stored)) is type(value)

    @pytest.mark.parametrize(
        "value", [(1, (2, 3)), {"a": (1,)}, decimal.Decimal("1.50"), dt.date(2026, 1, 31)]
    )
    def test_what_replay_would_give_is_what_the_flow_gets_at_once(self, value: Any) -> None:
        tag, data = encode_value(value, "here")
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(data))
        live, replayed = decode_value(tag, data), decode_value(tag, stored)
        assert live == replayed
        assert type(live) is type(replayed)

    @pytest.mark.parametrize(
        "value",
        [
            object(),
            lambda: 1,
            Secret("4321"),
            {"pin": Secret("4321")},
            [Line("a", Amount("UGX", 1)), 5, {1}, 1j],
        ],
        ids=["object", "lambda", "secret", "secret inside", "mixed"],
    )
    def test_what_cannot_be_kept_is_refused_by_its_place_without_its_content(self, value: Any) -> None:
        with pytest.raises(Misuse) as caught:
            encode_value(value, "flows.py:7")
        assert "4321" not in str(caught.value)

    def test_each_reader_gets_a_copy(self) -> None:
        tag, data = encode_value({"items": [1, 2]}, "here")
        decode_value(tag, data)["items"].append(3)
        assert decode_value(tag, data) == {"items": [1, 2]}
        tag, data = encode_value(Bill([], {"a": [1]}), "here")
        decode_value(tag, data).notes["a"].append(2)
        assert decode_value(tag, data).notes == {"a": [1]}

    def test_a_stored_name_never_imports_and_never_makes_anything_but_a_struct(self) -> None:
        assert "antigravity" not in sys.modules
        for tag in (
            "antigravity:Fly",
            "os:system",
            "kikao.conversation.journal:Missing",
            "builtins:dict",
            ":",
        ):
            with pytest.raises(LookupError):
                decode_value(tag, {})
        assert "antigravity" not in sys.modules

    def test_a_type_that_changed_does_not_fit(self) -> None:
        with pytest.raises(msgspec.ValidationError):
            decode_value(f"{__name__}:Line", {"title": "milk"})


class TestRuns:
    @staticmethod
    def run(*entries: Entry) -> Run:
        run = Run("r", "f", b"s" * 32)
        for entry in entries:
            run.append(entry)
        return run

    def test_no_two_attempts_share_a_key(self) -> None:
        run = self.run(Entry("a#1", "ask", "text", "x"))
        keys = [run.token("pay#1"), run.token("pay#2"), run.token("shop#1/pay#1")]
        run.attempts["pay#1"] = 1
        keys.append(run.token("pay#1"))
        run.truncate(0)
        keys.append(run.token("pay#1"))
        keys.append(Run("r2", "f", b"t" * 32).token("pay#1"))
        assert len(set(keys)) == len(keys)
        assert all(len(key) == 32 for key in keys)

    def test_barriers(self) -> None:
        run = self.run(
            Entry("a#1", "ask", "text", "x"),
            Entry("pay#1", "step", "", "ok"),
            Entry("no#1", "refused", "", ["rejected", {}]),
            Entry("b#1", "ask", "text", "y"),
            Entry("ok#1", "confirm", "confirm", True),
        )
        assert run.barrier() == 2
        assert run.last_question() == 4
        assert run.last_question(plain=True) == 3
        run.truncate(3)
        assert run.last_question() is None
        run.intents.append(Intent("x#1", "step", "t", "key", b""))
        assert run.barrier() == 3, "an open effect guards everything"

    def test_the_size_is_that_of_the_entries(self) -> None:
        entries = [Entry(f"a#{i}", "ask", "text", "x" * i) for i in range(10)]
        run = self.run(*entries)
        run.truncate(4)
        assert run.size == self.run(*entries[:4]).size

    def test_the_cap(self) -> None:
        run = self.run(*[Entry("a", "read", "", 1)] * (MAX_ENTRIES - 1))
        run.need_room("b")
        run.append(Entry("a", "read", "", 1))
        with pytest.raises(JournalFull, match="restart_with"):
            run.need_room("b")


class TestSecret:
    """Nothing shows it but `reveal()`."""

    @pytest.mark.parametrize(
        "show",
        [
            str,
            "{}".format,
            "{:>10}".format,
            lambda s: f"{s!s}",
            lambda s: f"{s:x}",
            pickle.dumps,
            copy.copy,
            copy.deepcopy,
            msgspec.json.encode,
            msgspec.msgpack.encode,
            msgspec.to_builtins,
            vars,
            hash,
            lambda s: s == "4321",
            ["4321", "1234"].index,
            lambda s: s.__getstate__(),
            lambda s: s.__value,
            list,
            bytes,
            int,
        ],
    )
    def test_it_raises_rather_than_show_itself(self, show: Any) -> None:
        with pytest.raises((TypeError, AttributeError)) as caught:
            show(Secret("4321"))
        assert "4321" not in str(caught.value)

    def test_repr_says_only_that_it_is_one(self) -> None:
        assert repr(Secret("4321")) == "<secret>"
        assert repr([Secret("4321")]) == "[<secret>]"

    def test_what_walks_through_its_attributes_does_not_meet_it(self) -> None:
        secret = Secret("4321")
        assert "4321" not in repr([value for _, value in inspect.getmembers(secret) if not callable(value)])
        assert [name for name in dir(secret) if not name.startswith("_")] == ["matches", "reveal"]

    def test_matches(self) -> None:
        assert Secret("4321").matches(Secret("4321"))
        assert not Secret("4321").matches(Secret("4320"))
        assert Secret("é").matches(Secret("é"))

    def test_reveal(self) -> None:
        assert Secret("4321").reveal() == "4321"


class TestFlows:
    def test_a_flow_has_a_name_of_its_own_that_journals_can_carry(self) -> None:
        flows = Flows()

        async def f(chat: Any) -> None: ...

        def plain(chat: Any) -> None: ...

        flows.flow("f")(f)
        with pytest.raises(ValueError, match="already defined at"):
            flows.flow("f")(f)
        for name in ("", "a/b", "a#1", "a*"):
            with pytest.raises(ValueError, match="name must not"):
                flows.flow(name)(f)
        with pytest.raises(ValueError, match="async def"):
            flows.flow("plain")(plain)  # type: ignore[arg-type]

    def test_registries_are_put_together(self) -> None:
        ours, theirs = Flows(), Flows()

        async def f(chat: Any) -> None: ...

        theirs.flow("f")(f)
        ours.include(theirs)
        assert [flow.name for flow in ours] == ["f"]
        with pytest.raises(ValueError, match="already defined"):
            ours.include(theirs)
