"""Files in a web chat: a name that is worth nothing elsewhere, an address for some minutes, and what is behind it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kikao.channels.edge import Denied
from kikao.channels.media.store import FileStore
from kikao.channels.socket.showing import GOOD_FOR, PATH, Showing
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
        url = self.showing.address("asha", await self.ref())
        assert url is not None
        assert url.startswith(PATH)
        return url.removeprefix(PATH)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_picture_is_shown_by_its_name_and_opened_by_its_address(desk: Desk) -> None:
    said = desk.showing.described("asha", Attached.image(await desk.photo(), caption="Me"))
    assert (said["kind"], said["caption"], said["name"]) == ("image", "Me", "me & you.jpg")
    assert (said["type"], said["size"]) == ("image/jpeg", len(sample("photo")))
    response = await desk.showing.open(await desk.token())
    headers = dict(response.headers)
    assert (response.status, response.body) == (200, sample("photo"))
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
    headers = dict((await desk.showing.open(url.removeprefix(PATH))).headers)
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
    assert (await desk.showing.open(token)).status == 200
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
