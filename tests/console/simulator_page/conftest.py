"""The simulator's page in Chromium: one server, one browser and one window for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import Desk, chromium, new_window
from tests.console.simulator_page.members import NUMBERS, PIN, Member, Open, desk_of
from tests.http.forked import serving
from tests.http.servers import ServerProcess

ENDPOINTS: Final = f"""
[ussd.nalo]
code = ["*713*5#"]

[[simulator.endpoints]]
name = "Wallet Uganda"
description = "Mobile money, as dialled in Kampala"
icon = "wallet"
colour = "#0b6e4f"
gateway = "africastalking"

[[simulator.endpoints]]
name = "Wallet Ghana"
description = "The same app for another tenant"
icon = "G"
colour = "#f0c040"
gateway = "nalo"
code = "*713*5#"

[[simulator.endpoints]]
name = "{"W" * 40}"
description = "{"x" * 200}"
icon = "ABCDEFGH"
gateway = "africastalking"
code = "*284*12345678*12345678#"

[[simulator.endpoints]]
name = "By XML"
gateway = "comviva_xml"

[[simulator.endpoints]]
name = "By a query"
gateway = "comviva_flares"

[[simulator.endpoints]]
name = "By a call"
gateway = "ideamart"

[ussd.ideamart]
app_id = "APP_000417"
password = "the-password"
"""


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server works; its data is in `data`."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "kikao.toml").write_text(ENDPOINTS)
    return folder


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def server(browser: Browser, folder: Path) -> Iterator[ServerProcess]:
    with serving(folder / "data", "tests.console.desk_app:app") as server:
        yield server


@pytest.fixture(scope="package")
def window(browser: Browser) -> Page:
    """One window for most of the tests: a new one takes longer than what they do in it."""
    return new_window(browser)


@pytest.fixture
def open_desk(browser: Browser, window: Page, server: ServerProcess) -> Iterator[Open]:
    """Opens the page as on the first day; with options of a context, in a window of its own.

    No window may have complained in the end.
    """
    url = f"http://127.0.0.1:{server.port}/simulator"
    desks: list[Desk] = []

    def open_(**options: Any) -> Desk:
        desks.append(Desk(new_window(browser, **options) if options else window, url))
        return desks[-1]

    yield open_
    problems = [problem for desk in desks for problem in desk.problems]
    for desk in desks:
        desk.page.unroute_all()
        desk.leave()
        if desk.page is not window:
            desk.page.context.close()
    assert problems == []


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    """The page with one phone, whose number nobody has met."""
    return desk_of(open_desk(), next(NUMBERS))


@pytest.fixture
def member(server: ServerProcess) -> Member:
    """Opens an account of UGX 100,000 over the wire, as a gateway would, and leaves nothing open; the number."""

    def register(name: str) -> str:
        number, text, reply = next(NUMBERS), "", b""
        for answer in ("", "1", name, "1", PIN, PIN, "2", PIN):
            text = f"{text}*{answer}" if text else answer
            form = {"sessionId": number, "phoneNumber": number, "serviceCode": "*284#", "text": text}
            reply = urlopen(
                f"http://127.0.0.1:{server.port}/ussd/africastalking", urlencode(form).encode()
            ).read()
        assert reply == b"END Your balance is UGX 100,000."
        return number

    return register


@pytest.fixture
def asha(open_desk: Open, member: Member) -> Desk:
    """The page with one phone, of Asha, who has an account; the menu is open."""
    desk = desk_of(open_desk(), member("Asha"))
    desk.phone().dial().shows("Hello Asha", "1 Send money")
    return desk
