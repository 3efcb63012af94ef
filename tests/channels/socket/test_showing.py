"""Files in a web chat: a name that is worth nothing elsewhere, an address for some minutes, and what is behind it."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kikao.channels.channel import Response
from kikao.channels.edge import Denied, respond
from kikao.channels.line import Posted, through
from kikao.channels.media import sealing
from kikao.channels.media.errors import FileDamaged
from kikao.channels.media.sealing import PIECE
from kikao.channels.media.store import FileStore
from kikao.channels.socket.showing import GOOD_FOR, PATH, Showing
from kikao.channels.streamed import Streamed
from kikao.conversation.attached import Attached
from kikao.conversation.inputs import File, Place
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from kikao.testing.samples import sample

RING = KeyRing({"k": bytes(range(32))})


class Desk:
    def __init__(self, folder: Path) -> None:
        self.now = Clock()
        self.store = FileStore(folder / "files", RING, days=3, most=10_000_000, clock=self.now)
        self.showing = Showing(lambda: RING, self.store, self.now)

    async def photo(self) -> File:
        return await self.store.put(sample("photo"), filename="../me & you.jpg")

    async def ref(self, user: str = "asha") -> str:
        return str(self.showing.described(user, Attached.image(await self.photo()))["ref"])

    async def token(self) -> str:
        return self._token(await self.ref())

    async def token_of(self, data: bytes) -> str:
        file = await self.store.put(data)
        return self._token(str(self.showing.described("asha", Attached.document(file))["ref"]))

    def _token(self, ref: str) -> str:
        url = self.showing.address("asha", ref)
        assert url is not None
        assert url.startswith(PATH)
        return url.removeprefix(PATH)

    async def got(self, token: str, method: str = "GET", **headers: str) -> Response:
        """As it goes over the wire, with headers of the request, by their names with `_`."""
        asked = tuple((name.replace("_", "-"), value) for name, value in headers.items())

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            response = await self.showing.open(token, scope["method"], dict(asked))
            if isinstance(response, Streamed):
                await response.send(scope["method"], receive, send)
            else:
                await respond(send, response)

        return await through(answer)(Posted("/", asked, b"", "127.0.0.1", method))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_picture_is_shown_by_its_name_and_opened_by_its_address(desk: Desk) -> None:
    said = desk.showing.described("asha", Attached.image(await desk.photo(), caption="Me"))
    assert (said["kind"], said["caption"], said["name"]) == ("image", "Me", "me & you.jpg")
    assert (said["type"], said["size"]) == ("image/jpeg", len(sample("photo")))
    response = await desk.got(await desk.token())
    headers = dict(response.headers)
    assert (response.status, response.body) == (200, sample("photo"))
    assert headers["content-length"] == str(len(sample("photo")))
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-disposition"] == 'inline; filename="me & you.jpg"'
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, max-age=300"


async def test_what_a_browser_might_run_is_saved(desk: Desk) -> None:
    page = await desk.store.put(b"<html><script>alert(1)</script></html>", filename='x".html')
    ref = desk.showing.described("asha", Attached.document(page))["ref"]
    url = desk.showing.address("asha", ref)
    assert url is not None
    headers = dict((await desk.got(url.removeprefix(PATH))).headers)
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == 'attachment; filename="x_.html"'


async def test_a_name_is_worth_nothing_to_another_user(desk: Desk) -> None:
    ref = await desk.ref("asha")
    assert desk.showing.address("brian", ref) is None
    assert desk.showing.address("asha", ref) is not None


async def test_a_name_is_no_address_and_an_address_is_no_name(desk: Desk) -> None:
    with pytest.raises(Denied):
        await desk.showing.open(await desk.ref())
    assert desk.showing.address("asha", await desk.token()) is None


async def test_an_address_is_over_after_some_minutes(desk: Desk) -> None:
    token = await desk.token()
    desk.now.advance(GOOD_FOR - 1)
    assert (await desk.got(token)).status == 200
    desk.now.advance(1)
    with pytest.raises(Denied) as denied:
        await desk.showing.open(token)
    assert denied.value.status == 410


async def test_an_address_that_was_changed_or_made_up_opens_nothing(desk: Desk) -> None:
    token = await desk.token()
    octets = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    octets[-1] ^= 1
    changed = base64.urlsafe_b64encode(bytes(octets)).decode().rstrip("=")
    for wrong in ("", "A" * 64, "é" * 64, "A" * 3000, "_" * 17, changed, token[:-4]):
        with pytest.raises(Denied):
            await desk.showing.open(wrong)


async def test_a_file_that_is_not_kept_any_more_is_gone(desk: Desk) -> None:
    token = await desk.token()
    desk.now.advance(GOOD_FOR - 1)
    for path in (p for p in (desk.store._folder.path).rglob("*") if p.is_file()):
        path.unlink()
    with pytest.raises(Denied) as denied:
        await desk.showing.open(token)
    assert denied.value.status == 410


async def test_links_places_and_people_need_no_address(desk: Desk) -> None:
    described = desk.showing.described
    link = described("asha", Attached.document("https://example.com/terms.pdf", filename="terms.pdf"))
    assert (link["url"], link["name"]) == ("https://example.com/terms.pdf", "terms.pdf")
    place = described("asha", Attached.location(Place(0.3, 32.5), caption="Here"))
    assert place == {"kind": "location", "caption": "Here", "latitude": 0.3, "longitude": 32.5}
    person = described("asha", Attached.contact("Help", "+256312000000"))
    assert (person["name"], person["number"]) == ("Help", "+256312000000")


LARGE = random.Random(7).randbytes(2 * PIECE + 1000)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1),  # the first that Safari asks for
        ("bytes=0-", 0, len(LARGE) - 1),
        (f"bytes={PIECE - 10}-{PIECE + 9}", PIECE - 10, PIECE + 9),
        (f"bytes={PIECE}-", PIECE, len(LARGE) - 1),
        (f"bytes={2 * PIECE + 1}-{9 * PIECE}", 2 * PIECE + 1, len(LARGE) - 1),
        ("bytes=-7", len(LARGE) - 7, len(LARGE) - 1),
    ],
)
async def test_a_player_gets_the_part_that_it_asks_for(desk: Desk, asked: str, first: int, last: int) -> None:
    token = await desk.token_of(LARGE)
    response = await desk.got(token, range=asked)
    headers = dict(response.headers)
    assert (response.status, headers["content-range"]) == (206, f"bytes {first}-{last}/{len(LARGE)}")
    assert response.body == LARGE[first : last + 1]
    assert headers["content-length"] == str(last + 1 - first)


async def test_what_is_not_read_is_no_reason_to_read_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.token_of(LARGE)
    read: list[int] = []
    opened = sealing.opened

    def watched(*given: Any) -> Iterator[bytes]:
        for piece in opened(*given):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr(sealing, "opened", watched)
    assert (await desk.got(token, range=f"bytes={2 * PIECE}-")).status == 206
    assert read == [1000]
    assert (await desk.got(token, "HEAD")).body == b""
    assert read == [1000, PIECE]


async def test_a_range_behind_the_end_is_none(desk: Desk) -> None:
    response = await desk.got(await desk.token(), range="bytes=9999999-")
    assert (response.status, response.body) == (416, b"")
    assert dict(response.headers)["content-range"] == f"bytes */{len(sample('photo'))}"


async def test_a_range_is_of_what_there_was_and_what_is_known_is_not_sent_again(desk: Desk) -> None:
    token = await desk.token()
    tag = dict((await desk.got(token)).headers)["etag"]
    assert (await desk.got(token, range="bytes=0-1", if_range=tag)).status == 206
    assert (await desk.got(token, range="bytes=0-1", if_range='"another"')).body == sample("photo")
    assert (await desk.got(token, range="bytes=0-1", if_range=f"W/{tag}")).status == 200
    known = await desk.got(token, if_none_match=tag)
    assert (known.status, known.body) == (304, b"")


async def test_what_was_cut_on_the_disk_does_not_end_as_if_it_were_whole(desk: Desk) -> None:
    token = await desk.token_of(LARGE)
    (path,) = (p for p in (desk.store._folder.path / "files").rglob("*") if p.is_file())
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1000 - 16)
    with pytest.raises(FileDamaged):
        await desk.got(token)
    with pytest.raises(Denied) as denied:
        await desk.got(token, range=f"bytes={2 * PIECE}-")
    assert denied.value.status == 410
