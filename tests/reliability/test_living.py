"""The models of live sessions: each law that they hold a server to can be broken."""

from __future__ import annotations

from typing import Any

from tests.reliability.living.models import Log, Notices, Watcher


def reply(top: int, *numbers: int, recovered: bool = True) -> dict[str, Any]:
    messages = [{"event": "shout", "payload": {"seq": number, "n": number}} for number in numbers]
    return {"epoch": "e", "seq": top, "recovered": recovered, "messages": messages}


def test_a_stream_has_no_gap_and_no_double() -> None:
    log = Log()
    log.joined(False, reply(3, recovered=False))
    log.heard({"seq": 4, "n": "a"})
    log.joined(True, reply(6, 5, 6))
    assert (log.wrong, log.replayed, log.asks) == ([], 2, {"last_seq": 6, "epoch": "e"})

    log.heard({"seq": 6})
    log.heard({"seq": 8})
    log.joined(True, reply(10, 9))
    log.joined(True, reply(12, 11, recovered=False))
    assert log.wrong == [
        "6 after 6",
        "8 after 6",
        "recovered up to 9, and the stream is at 10",
        "not recovered, and given 1 messages",
    ]


def shown(*refs: str) -> dict[str, Any]:
    return {"ada": {"metas": [{"phx_ref": ref, "device": "phone"} for ref in refs]}} if refs else {}


def test_presence_knows_ghosts_flickers_and_who_comes_back() -> None:
    vanished: list[str] = []
    watcher = Watcher(lambda: 1.0, vanished.append)
    watcher.state(shown("a", "b"))
    assert watcher.devices() == {("ada", "phone"): 2}
    watcher.diff({"joins": {}, "leaves": shown("a")})
    assert (watcher.gone, vanished) == ({"a": 1.0}, [])
    watcher.diff({"joins": shown("a"), "leaves": {}})
    watcher.diff({"joins": shown("a"), "leaves": {}})
    assert (watcher.came_back, watcher.doubled) == ({"a": 1.0}, 1)
    watcher.client.rejoin()
    watcher.state({})
    assert vanished == ["ada"]
    watcher.diff({"joins": shown("b"), "leaves": {}})
    assert (watcher.listed_without, watcher.of({("ada", "phone")})) == (1, {"b"})


def test_devices_keep_the_newest_count_and_what_they_were_told() -> None:
    notices = Notices()
    notices.joined({"pending": [{"id": "1"}], "unread": {"total": 1, "by_kind": {}, "version": 5}})
    notices.notice({"id": "2"})
    notices.counted({"total": 9, "by_kind": {}, "version": 4})
    assert (notices.seen, notices.unread["total"]) == ({"1", "2"}, 1)
