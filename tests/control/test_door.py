"""Commands through the door of a running server: what comes back, and what nobody can do to the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import stat
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.control import Call, CommandRefused, Commands, Door, DoorLost, NoDoor, Nothing, Visitor, socket_in
from kikao.control import door as doors
from kikao.control import place as places
from kikao.control import visitor as visitors
from kikao.control.lines import MAX_REQUEST
from tests.waiting import until


class Many(msgspec.Struct, frozen=True):
    """How many numbers to count."""

    count: int


class Number(msgspec.Struct, frozen=True):
    """One of them."""

    n: int


COUNT = Call("count", Many, Number)
BREAK = Call("break", Nothing, Number)
REFUSE = Call("refuse", Nothing, Number)
WAIT = Call("wait", Nothing, Number)
HUGE = Call("huge", Nothing, Number)
UNKNOWN = Call("unknown", Nothing, Number)


class Abacus:
    """A few commands, and what is seen of them from inside."""

    def __init__(self) -> None:
        self.counted = 0
        self.ended = asyncio.Event()
        self.go_on = asyncio.Event()
        self.told: list[tuple[str, str, str]] = []
        self.commands = Commands()
        self.commands.add(COUNT, self.count)
        self.commands.add(BREAK, self.give_up)
        self.commands.add(REFUSE, self.refuse)
        self.commands.add(WAIT, self.wait)

    async def count(self, many: Many) -> AsyncGenerator[Number, None]:
        try:
            for n in range(many.count):
                self.counted = n
                yield Number(n)
        finally:
            self.ended.set()

    async def give_up(self, _: Nothing) -> AsyncGenerator[Number, None]:
        yield Number(1)
        raise ValueError("of a member: +256772000001")

    async def refuse(self, _: Nothing) -> AsyncGenerator[Number, None]:
        raise CommandRefused("not today")
        yield Number(1)

    async def wait(self, _: Nothing) -> AsyncGenerator[Number, None]:
        try:
            yield Number(1)
            await self.go_on.wait()
            yield Number(2)
        finally:
            self.ended.set()

    def hear(self, command: str, what: str, error: BaseException | None) -> None:
        self.told.append((command, what, type(error).__name__ if error else ""))


@contextlib.asynccontextmanager
async def a_door(folder: Path) -> AsyncIterator[tuple[Abacus, Visitor]]:
    abacus = Abacus()
    door = Door(abacus.commands, "here", abacus.hear)
    await door.open(folder)
    try:
        yield abacus, Visitor(folder, "here")
    finally:
        await door.close()


async def numbers(asked: AsyncGenerator[Number, None]) -> list[int]:
    return [number.n async for number in asked]


async def heard(abacus: Abacus, count: int = 1) -> list[tuple[str, str, str]]:
    """What the server was told of, once it was told so much."""
    await until(lambda: len(abacus.told) >= count, f"{count} commands to be told of")
    return abacus.told


# --- what comes back ---


async def test_a_command_gives_the_same_through_the_door_as_without(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        for ask in (visitor.ask, abacus.commands.ask):
            assert await numbers(ask(COUNT, Many(3))) == [0, 1, 2]
            assert await numbers(ask(COUNT, Many(0))) == []
            with pytest.raises(CommandRefused, match=r"^not today$"):
                await numbers(ask(REFUSE, Nothing()))
            with pytest.raises(
                CommandRefused, match=r"no command 'unknown'\. There are: count, break, refuse, wait"
            ):
                await numbers(ask(UNKNOWN, Nothing()))
        assert await heard(abacus, 4) == [
            ("count", "done", ""),
            ("count", "done", ""),
            ("refuse", "refused", ""),
            ("", "refused", ""),
        ]


async def test_a_command_that_breaks_is_told_without_its_text_and_the_server_lives(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        with pytest.raises(CommandRefused, match=r"^the command failed \(ValueError\); the server's log"):
            await numbers(visitor.ask(BREAK, Nothing()))
        assert await heard(abacus) == [("break", "failed", "ValueError")]
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


async def test_a_server_with_other_data_refuses(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, _):
        with pytest.raises(CommandRefused, match="has other data than the settings"):
            await numbers(Visitor(tmp_path, "elsewhere").ask(COUNT, Many(1)))
        assert abacus.counted == 0


async def test_arguments_of_another_version_are_refused(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (_, visitor):
        with pytest.raises(CommandRefused, match="count: Object missing required field `count`"):
            await numbers(visitor.ask(Call("count", Nothing, Number), Nothing()))
        with pytest.raises(DoorLost, match="does not answer as this kikao expects"):
            await anext(visitor.ask(Call("count", Many, Many), Many(1)))


def test_a_name_is_one_command() -> None:
    commands = Commands()
    commands.add(COUNT, Abacus().count)
    with pytest.raises(ValueError, match="there is a command 'count' already"):
        commands.add(COUNT, Abacus().count)


async def test_a_reader_that_stops_stops_the_command_and_not_the_memory(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        asked = visitor.ask(COUNT, Many(1_000_000))
        await anext(asked)
        before = -1
        while abacus.counted != before:  # until nothing moves
            before = abacus.counted
            for _ in range(100):
                await asyncio.sleep(0)
        assert abacus.counted < 100_000, "what the sockets and two buffers take"
        assert await anext(asked) == Number(1)
        await asked.aclose()
        await abacus.ended.wait()
        assert await heard(abacus) == [("count", "left", "")]


async def test_while_a_command_works_the_visitor_hears_that_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "BEAT", 0.001)
    async with a_door(tmp_path) as (abacus, visitor):
        asked = visitor.ask(WAIT, Nothing())
        assert await anext(asked) == Number(1)
        reader, writer = await connected(tmp_path)
        writer.write(b'{"command":"wait","where":"here"}\n')
        assert [await reader.readline() for _ in range(3)] == [
            b'{"type":"item","item":{"n":1}}\n',
            b"\n",
            b"\n",
        ]
        abacus.go_on.set()
        assert await numbers(asked) == [2]
        writer.close()


async def test_a_server_that_gives_no_sign_of_life_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "PATIENCE", 0.01)
    async with a_door(tmp_path) as (abacus, visitor):
        asked = visitor.ask(WAIT, Nothing())
        await anext(asked)
        with pytest.raises(DoorLost, match="no sign of life"):
            await anext(asked)
        monkeypatch.setattr(doors, "BEAT", 0.001)
        assert not abacus.ended.is_set()


async def test_a_visitor_that_leaves_ends_a_command_that_has_nothing_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "BEAT", 0.001)
    async with a_door(tmp_path) as (abacus, visitor):
        asked = visitor.ask(WAIT, Nothing())
        await anext(asked)
        await asked.aclose()
        await abacus.ended.wait()
        assert await heard(abacus) == [("wait", "left", "")]


async def test_a_server_that_stops_ends_what_is_at_work(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        asked = visitor.ask(WAIT, Nothing())
        await anext(asked)
    assert abacus.ended.is_set()
    with pytest.raises(DoorLost, match="left before it was done"):
        await anext(asked)
    with pytest.raises(DoorLost, match="does not answer"):
        await anext(visitor.ask(COUNT, Many(1)))


# --- what nobody can do to it ---


async def connected(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(socket_in(folder))


async def said(folder: Path, text: bytes) -> bytes:
    """What comes back for some octets and the end of the line."""
    reader, writer = await connected(folder)
    with contextlib.suppress(ConnectionError):
        writer.write(text)
        writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


GARBAGE = [
    b"\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"\xff\xfe\n",
    b'{"command":"count","where":"here","args":[]}\n',
    b'{"command":"count","where":"here","args":{"count":"7"}}\n',
    b'{"command":7,"where":"here"}\n',
    b'{"command":"\\ud800","where":"here"}\n',
    b"[" * 50_000 + b"\n",
    b'{"command":"count","where":"here","args":' + b'{"a":' * 10_000 + b"\n",
    b'{"command":"' + b"x" * (MAX_REQUEST + 1),
    b"x" * (3 * MAX_REQUEST),
]


@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_refused_in_a_line(tmp_path: Path, text: bytes) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        back = await said(tmp_path, text)
        assert back.startswith(b'{"type":"refused","reason":"'), back
        assert back.count(b"\n") == 1
        assert len(back) < 400
        assert abacus.counted == 0
        assert await numbers(visitor.ask(COUNT, Many(2))) == [0, 1]


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
async def test_no_octets_break_it(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_door(Path(folder)) as (_, visitor):
            for octets in lines:
                await said(Path(folder), octets)
            assert await numbers(visitor.ask(COUNT, Many(2))) == [0, 1]


async def test_who_says_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PATIENCE", 0.01)
    async with a_door(tmp_path):
        reader, writer = await connected(tmp_path)
        assert await reader.readline() == b'{"type":"refused","reason":"no request came within 0.01 s"}\n'
        writer.close()


async def test_more_than_a_few_at_once_are_refused_and_the_few_go_on(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        waiting = [visitor.ask(WAIT, Nothing()) for _ in range(doors.AT_ONCE)]
        for asked in waiting:
            await anext(asked)
        with pytest.raises(CommandRefused, match="too many commands at once"):
            await numbers(visitor.ask(COUNT, Many(1)))
        abacus.go_on.set()
        assert [await numbers(asked) for asked in waiting] == [[2]] * doors.AT_ONCE
        await heard(abacus, doors.AT_ONCE + 1)
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


async def test_a_server_short_of_files_takes_commands_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PAUSE", 0.01)
    async with a_door(tmp_path) as (_, visitor):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket(socket.AF_UNIX) as waiting:
            taken = os.dup(waiting.fileno())
            resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 1, hard))
            try:
                waiting.connect(str(socket_in(tmp_path)))
                for _ in range(10):
                    await asyncio.sleep(0)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                os.close(taken)
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


# --- where it is ---


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_only_the_owner_may_open_it_and_it_goes_with_the_server(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    async with a_door(tmp_path):
        assert mode(tmp_path / "control.sock") == 0o600
        assert os.listdir(tmp_path) == ["control.sock"]
    assert os.listdir(tmp_path) == []


async def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    assert not Visitor(tmp_path, "here").finds_somebody()
    async with a_door(tmp_path) as (_, visitor):
        assert visitor.finds_somebody()
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


async def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    async with a_door(tmp_path) as (abacus, visitor):
        with pytest.raises(NoDoor, match="another server listens there"):
            await Door(abacus.commands, "there", abacus.hear).open(tmp_path)
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


async def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "control.sock").write_text("of somebody")
    with pytest.raises(NoDoor, match=r"is no socket\. Move it away"):
        await Door(Commands(), "here", Abacus().hear).open(tmp_path)
    with pytest.raises(NoDoor, match="is no socket"):
        Visitor(tmp_path, "here").finds_somebody()
    assert (tmp_path / "control.sock").read_text() == "of somebody"


async def test_a_folder_that_cannot_be_written_has_no_door(tmp_path: Path) -> None:
    with pytest.raises(
        NoDoor, match=r"control\.sock: no socket can be made there \(No such file or directory\)"
    ):
        await Door(Commands(), "here", Abacus().hear).open(tmp_path / "nowhere")


def test_a_folder_of_another_user_says_whose_it_is() -> None:
    with tempfile.TemporaryDirectory(prefix="kikao-") as name:
        folder = Path(name)
        folder.chmod(0 if os.geteuid() else 0o700)
        try:
            if os.geteuid() == 0:
                os.seteuid(65534)
            with pytest.raises(NoDoor, match=rf"{name} is for user {folder.stat().st_uid} alone"):
                Visitor(folder, "here").finds_somebody()
        finally:
            os.seteuid(os.getuid())
            folder.chmod(0o700)


async def test_a_server_does_not_take_away_the_door_of_its_successor(tmp_path: Path) -> None:
    first = Door(Commands(), "here", Abacus().hear)
    await first.open(tmp_path)
    (tmp_path / "control.sock").unlink()
    async with a_door(tmp_path) as (_, visitor):
        await first.close()
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, with a short path wherever the tests run."""
    with tempfile.TemporaryDirectory(prefix="k-", dir="/tmp") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


@pytest.fixture
def far(tmp_path: Path, rooms: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose path is too long for a socket."""
    monkeypatch.setattr(places, "LONGEST", len(str(rooms)) + 40)
    folder = tmp_path / ("a-folder-with-a-long-name-" * 3)
    folder.mkdir()
    return folder


async def test_a_path_that_is_too_long_leads_to_a_short_one(far: Path, rooms: Path) -> None:
    async with a_door(far) as (_, visitor):
        assert (far / "control.sock").is_symlink()
        assert len(str(socket_in(far))) < len(str(far / "control.sock"))
        (room,) = rooms.iterdir()
        assert (mode(room), mode(room / "control.sock")) == (0o700, 0o600)
        assert visitor.finds_somebody()
        assert await numbers(visitor.ask(COUNT, Many(2))) == [0, 1]
        with pytest.raises(NoDoor, match="another server listens"):
            await Door(Commands(), "here", Abacus().hear).open(far)
    assert os.listdir(far) == []
    assert os.listdir(rooms) == []


async def test_and_a_dead_process_leaves_nothing_behind_there_either(far: Path, rooms: Path) -> None:
    dead = places.listen(far)
    dead.door.close()
    assert not Visitor(far, "here").finds_somebody()
    async with a_door(far) as (_, visitor):
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]
        assert len(os.listdir(rooms)) == 1
    dead = places.listen(far)
    dead.door.close()
    assert dead.room is not None
    for left in (dead.room / "control.sock", dead.room):
        left.unlink() if left.is_socket() else left.rmdir()
    assert not Visitor(far, "here").finds_somebody()
    async with a_door(far) as (_, visitor):
        assert await numbers(visitor.ask(COUNT, Many(1))) == [0]


def test_a_link_to_something_else_is_not_followed_into_deleting_it(far: Path, rooms: Path) -> None:
    precious = rooms / "kikao-door-precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    (far / "control.sock").symlink_to(precious / "file")
    with pytest.raises(NoDoor, match="is no socket"):
        places.listen(far)
    assert (precious / "file").read_text() == "kept"


@pytest.mark.parametrize("taken", ["writable", "link"])
def test_a_folder_that_others_may_change_is_no_way_to_a_server(far: Path, rooms: Path, taken: str) -> None:
    """What was in a temporary folder may be swept away, and a stranger may make one of its name."""
    place = places.listen(far)
    assert place.room is not None
    assert Visitor(far, "here").finds_somebody()
    if taken == "writable":
        place.room.chmod(0o777)
    else:
        place.room.rename(rooms / "elsewhere")
        place.room.symlink_to(rooms / "elsewhere")
    with pytest.raises(NoDoor, match=r"is not its owner's alone\. Remove .*control\.sock"):
        Visitor(far, "here").finds_somebody()
    with pytest.raises(NoDoor, match="is not its owner's alone"):
        places.listen(far)
    place.door.close()


# --- several processes with one folder ---


async def test_one_of_several_has_the_door_and_another_takes_it_when_that_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "KEPT", 0.01)
    folder, commands = tmp_path, Abacus().commands

    async def somebody() -> None:
        await until(lambda: asyncio.to_thread(places.somebody_listens, folder), "somebody at the door")

    one, other = (Door(commands, "here", lambda *_: None) for _ in range(2))
    await one.open(folder)
    keeping = [asyncio.create_task(each.keep(folder)) for each in (one, other)]
    try:
        assert [found.n async for found in Visitor(folder, "here").ask(COUNT, Many(2))] == [0, 1]
        keeping[0].cancel()
        await one.close()
        await somebody()
        assert [found.n async for found in Visitor(folder, "here").ask(COUNT, Many(3))] == [0, 1, 2]

        # Two that begin at the same moment both make one; the one that is not found there makes room.
        (folder / places.NAME).unlink()
        await somebody()
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await other.close()
    assert not await asyncio.to_thread(places.somebody_listens, folder)
