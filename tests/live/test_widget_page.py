"""The widget in Chromium, on another site with a strict policy, with a real server behind it."""

from __future__ import annotations

import base64
import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    WebSocketRoute,
    expect,
)

from kikao.channels.socket.tokens import Tokens
from kikao.config import Hidden, JwtKey, JwtSettings
from kikao.console.simulator.chats.phone import SAMPLE
from tests.console.browser import REFUSED, Desk, chromium, new_window, stored, that_goes_back
from tests.digits import stands_in
from tests.http.servers import ServerProcess, serving

KEY: Final = b"0123456789abcdef0123456789abcdef"
PIN: Final = "7359"
ASKED: Final = "What would you like?"

PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/site.css"></head><body><main><h1>A shop</h1><p>Tea, every day.</p></main>
<script src="{chat}/socket/widget.js" data-token-url="/chat-token" data-title="Tea shop" {options} async></script>
</body></html>"""

STYLE: Final = (
    "button { background: red !important; font-size: 40px } p { display: none } body { margin: 40px }"
)
"""What a site might do to all that is on it."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src {chat}; connect-src 'self' {socket}; img-src data: {chat}; "
    "media-src {chat}; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What a strict site allows for it, and nothing else."""


COUNTING: Final = """
    window.opened = 0;
    window.WebSocket = class extends WebSocket {
      constructor(...given) { super(...given); window.opened += 1; }
    };
"""
"""Has a page count the sockets that it opens."""


class Site:
    """Somebody's own site, with the widget on it. `user` is who is logged in there."""

    def __init__(self, chat: str, tokens: Tokens) -> None:
        self.user = "asha"
        self.options = ""
        self.chat = chat
        self.asked = 0
        """How often a token was asked for."""
        site = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = "text/html; charset=utf-8", PAGE.format(chat=chat, options=site.options)
                if self.path == "/chat-token" and not site.user:
                    self.send_error(401)
                    return
                if self.path == "/chat-token":
                    site.asked += 1
                    kind, body = "application/json", f'{{"token": "{tokens.sign(site.user, 600)}"}}'
                elif self.path == "/site.css":
                    kind, body = "text/css", STYLE
                self.send_response(200)
                self.send_header("content-type", kind)
                policy = POLICY.format(chat=chat, socket=chat.replace("http", "ws"))
                self.send_header("content-security-policy", policy)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://localhost:{self.server.server_address[1]}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    keys = f"t1:HS256:{base64.b64encode(KEY).decode()}"
    data = tmp_path_factory.mktemp("shop") / "data"
    with serving(data, "tests.live.shop_app:app", KIKAO_JWT_KEYS=keys) as server:
        yield server


@pytest.fixture(scope="module")
def site(server: ServerProcess) -> Iterator[Site]:
    tokens = Tokens(JwtSettings(keys=(JwtKey("t1", "HS256", Hidden(KEY)),)))
    site = Site(f"http://127.0.0.1:{server.port}", tokens)
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


class Widget:
    """The page of a site with the widget on it. `problems` is what the browser complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self.sockets: list[WebSocketRoute] = []
        page.on("pageerror", self._fail)
        page.on("console", self._hear)
        page.route_web_socket(re.compile("/socket/websocket"), self._connect)
        page.goto(url)
        self.log = page.get_by_role("log")
        self.field = page.get_by_role("textbox", name="Message")
        self.launcher = page.get_by_role("button", name=re.compile("^Open the chat"))

    def open(self) -> Widget:
        self.launcher.click()
        return self.says(ASKED)

    def tap(self, name: str) -> Widget:
        self.page.get_by_role("button", name=name, exact=True).click()
        return self

    def write(self, text: str) -> Widget:
        self.field.fill(text)
        self.field.press("Enter")
        return self

    def says(self, text: str) -> Widget:
        """The app has said it last."""
        expect(self.log.locator("li.theirs").last).to_contain_text(text)
        return self

    @property
    def markup(self) -> str:
        """All that is on the page, and in the widget, with what stands in its fields."""
        inside = (
            "(() => { const r = document.querySelector('kikao-chat').shadowRoot;"
            "return r.innerHTML + [...r.querySelectorAll('input, textarea')].map((f) => f.value) +"
            "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie]); })()"
        )
        return self.page.content() + str(self.page.evaluate(inside))

    def drop(self) -> None:
        """The connection breaks."""
        self.sockets[-1].close(code=1012)

    def audit(self, state: str) -> None:
        """No finding of axe, in light and dark; nothing wider than the page. With `SCREENSHOTS`, pictures."""
        for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            options = {"resultTypes": ["violations"], **rules}
            found = Axe(axe_script="0").run(self.page, options=options)
            assert found.violations_count == 0, f"{state}, {scheme}: {found.generate_report()}"
            if pictures := os.environ.get("SCREENSHOTS"):
                self.page.screenshot(path=f"{pictures}/widget {state} {scheme}.png")
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    def _connect(self, route: WebSocketRoute) -> None:
        route.connect_to_server()
        self.sockets.append(route)

    def leave(self) -> Page:
        """The page as somebody finds it who opens it next: on the same site, with nothing kept and nobody listening."""
        self.page.goto(f"{self.url}site.css")
        self.page.evaluate("sessionStorage.clear()")
        self.page.remove_listener("pageerror", self._fail)
        self.page.remove_listener("console", self._hear)
        return self.page

    def _fail(self, error: Error) -> None:
        self.problems.append(str(error))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.problems.append(message.text)


Open = Callable[..., Widget]

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of somebody at a desk, who lets sites know where they are. For all tests: one takes a while."""
    context = new_window(
        browser,
        locale="en-GB",
        viewport={"width": 1000, "height": 760},
        permissions=["geolocation"],
        geolocation={"latitude": 0.3476, "longitude": 32.5825},
    ).context
    yield context
    context.close()


@pytest.fixture(scope="module")
def pages(context: BrowserContext) -> list[Page]:
    """Those that nobody looks at. A new one takes longer than what most tests do in it."""
    return list(context.pages)


@pytest.fixture
def open_widget(browser: Browser, context: BrowserContext, pages: list[Page], site: Site) -> Iterator[Open]:
    """Without a name it is one that no other test has: nobody is asked whether to go on with what another began."""
    opened: list[Widget] = []
    somebody = f"user-{next(NUMBERS)}"

    def open_(user: str = somebody, options: str = "", **window: Any) -> Widget:
        site.user, site.options = user, options
        page = new_window(browser, locale="en-GB", **window) if window else None
        opened.append(Widget(page or (pages.pop() if pages else context.new_page()), site.url))
        return opened[-1]

    yield open_
    for widget in opened:
        assert widget.problems == []
        if widget.page.context is context:
            pages.append(widget.leave())
        else:
            widget.page.context.close()


def focused(page: Page) -> Locator:
    """What has the focus within the widget."""
    return page.locator("kikao-chat :focus")


def test_a_conversation_by_buttons_a_list_and_words(open_widget: Open) -> None:
    chat = open_widget()
    chat.open().tap("Tea").says("Which size?").tap("Small").says("A cup of tea: s.")
    chat.tap("A flavour").says("Which flavour?").tap("Choose")
    chat.page.get_by_label("Find in the list").fill("saff")
    expect(chat.page.get_by_role("dialog", name="Choose").get_by_role("listitem")).to_have_count(1)
    chat.tap("Saffron").says("With Saffron")
    link = chat.log.get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.com/Saffron")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    chat.write("<img src=x onerror=alert(1)>\njavascript:alert(2)").says("Invalid choice")
    expect(chat.log.locator("li.mine").last).to_contain_text("<img src=x onerror=alert(1)>")
    expect(chat.log.locator("a:not([href='https://example.com/Saffron'])")).to_have_count(0)
    chat.tap("News").says(ASKED)
    picture = chat.log.get_by_role("img", name="The new leaves")
    expect(picture).to_have_js_property("naturalWidth", 480)


def test_a_photo_and_a_place_are_sent_where_they_are_asked_for(open_widget: Open) -> None:
    chat = open_widget().open()
    expect(chat.page.get_by_role("button", name="Choose a file")).to_have_count(0)
    chat.tap("Send a photo").says("Of what you drink.")
    with chat.page.expect_file_chooser() as choosing:
        chat.tap("Choose a file")
    choosing.value.set_files(SAMPLE)
    chat.says("Thank you for the image/jpeg.")
    expect(chat.log.locator("li.mine").last.get_by_role("img")).to_have_js_property("complete", True)
    chat.tap("Where you are").says("Where are you?").tap("Send my location").says("There you are")
    expect(chat.log.locator("li.theirs").get_by_role("link")).to_have_attribute(
        "href", re.compile(r"openstreetmap\.org/\?mlat=0\.3476&mlon=32\.5825")
    )


def test_a_secret_is_in_its_field_and_nowhere_afterwards(open_widget: Open) -> None:
    chat = open_widget()
    chat.open().tap("Pay").says("Enter PIN")
    field = chat.page.get_by_role("textbox", name="Enter PIN")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "off")
    field.fill(PIN)
    field.press("Enter")
    chat.says("Paid.")
    expect(chat.log).to_contain_text("••••")
    assert not stands_in(PIN, chat.markup)
    expect(chat.field).to_have_value("")
    chat.page.reload()  # what the server kept of it is shown again
    expect(chat.log).to_contain_text("Paid.")
    assert not stands_in(PIN, chat.markup)


def test_who_is_in_the_middle_of_something_secret_goes_on_nowhere_else(open_widget: Open) -> None:
    chat, other = open_widget("gift"), open_widget("gift")
    chat.open().tap("Pay").says("Enter PIN")
    other.launcher.click()
    other.says("Enter PIN")
    chat.page.bring_to_front()
    chat.page.get_by_role("textbox", name="Enter PIN").press_sequentially(PIN[:2])
    other.tap("Back").says(ASKED)
    chat.says(ASKED)
    chat.page.keyboard.type(PIN[2:])
    expect(chat.field).to_have_value("")


def test_a_drop_loses_nothing_and_repeats_nothing(open_widget: Open) -> None:
    chat, other = open_widget("binta"), open_widget("binta")
    chat.open()
    other.open()
    chat.drop()
    other.tap("Tea").says("Which size?")
    chat.says("Which size?")
    expect(chat.log.locator("li.mine")).to_have_text(re.compile("Tea"))  # said elsewhere
    chat.drop()
    chat.tap("Small").says("A cup of tea: s.")  # said while it was away
    chat.page.evaluate("dispatchEvent(new Event('offline'))")
    expect(chat.page.get_by_text("You are offline.")).to_be_visible()
    chat.tap("News")
    expect(chat.log.locator("li.mine").last).to_contain_text("Waits for the connection")
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    expect(chat.log.get_by_role("img", name="The new leaves")).to_be_visible()
    for page in (chat, other):
        expect(page.log.locator("li.mine", has_text="Small")).to_have_count(1)
        expect(page.log.locator("li.theirs", has_text="A cup of tea")).to_have_count(1)


def test_another_page_of_the_site_goes_on_and_counts_what_came_while_it_was_closed(open_widget: Open) -> None:
    chat, other = open_widget("chidi"), open_widget("chidi")
    chat.open().tap("Tea").says("Which size?")
    chat.page.reload()
    chat.says("Which size?")
    chat.page.keyboard.press("Escape")
    chat.launcher.click()
    chat.page.keyboard.press("Escape")
    chat.page.reload()  # what was read on the page before is shown again, and is not counted
    other.launcher.click()
    other.says("Which size?").tap("Small").says("A cup of tea: s.")
    expect(chat.launcher).to_have_accessible_name(
        "Open the chat. New messages: 2"
    )  # the question, as the other device was shown it, and what came of the answer
    chat.launcher.click()
    expect(chat.page.locator("kikao-chat .badge")).to_be_hidden()


def test_a_page_that_is_left_and_come_back_to_shows_all_and_connects_once(
    browser: Browser, open_widget: Open, site: Site
) -> None:
    site.user = "gyasi"
    with that_goes_back(browser) as other:
        page = new_window(other, locale="en-GB")
        page.add_init_script(COUNTING)  # of a page that was away Playwright hears no sockets
        page.goto(site.url)
        page.get_by_role("button", name="Open the chat").click()
        log = page.get_by_role("log")
        log.get_by_role("button", name="Tea").click()
        expect(log).to_contain_text("Which size?")
        page.evaluate("window.isSame = true")
        page.goto(f"{site.url}site.css")
        phone = open_widget("gyasi")
        phone.launcher.click()
        phone.says("Which size?").tap("Small").says("A cup of tea: s.")
        page.evaluate("void setTimeout(() => history.back())")
        expect(log.locator("li.theirs", has_text="A cup of tea: s.")).to_have_count(1)
        expect(log.locator("li.mine")).to_have_text([re.compile("Tea"), re.compile("Small")])
        log.get_by_role("button", name="Tea").click()
        phone.says("Which size?")
        # It is loaded anew only where the browser needed the memory.
        assert page.evaluate("opened === (window.isSame ? 2 : 1)")


def test_who_is_logged_out_is_told_so_and_comes_back_with_another_token(
    open_widget: Open, site: Site
) -> None:
    chat = open_widget("asha")  # whom the app logs out
    chat.open().tap("Log out")
    again = chat.page.get_by_role("button", name="Begin again")
    expect(again).to_be_visible()
    expect(chat.page.get_by_text("You have been logged out.")).to_be_visible()
    expect(chat.log.get_by_role("button")).to_have_count(0)
    asked, sockets = site.asked, len(chat.sockets)
    chat.page.wait_for_timeout(1100)  # the second of the log-out is over: a token of it would be of before
    assert len(chat.sockets) == sockets
    site.user = "abena"
    again.click()
    chat.says(ASKED)
    expect(chat.log.get_by_role("listitem")).to_have_count(1)  # what was said before is not hers
    assert site.asked > asked


def test_who_is_not_logged_in_on_the_site_is_asked_to_and_not_told_that_they_were(
    open_widget: Open, site: Site
) -> None:
    chat = open_widget("")
    chat.launcher.click()
    expect(chat.page.get_by_text("Log in to chat.")).to_be_visible()
    site.user = "imani"
    chat.page.get_by_role("button", name="Begin", exact=True).click()
    chat.says(ASKED)


def test_all_of_it_by_keyboard_on_a_small_screen(open_widget: Open) -> None:
    chat = open_widget("esi", viewport={"width": 320, "height": 560})
    page, keyboard = chat.page, chat.page.keyboard
    expect(chat.launcher).to_be_visible()
    keyboard.press("Tab")
    expect(focused(page)).to_have_accessible_name("Open the chat")
    keyboard.press("Enter")
    chat.says(ASKED)
    expect(focused(page)).to_have_accessible_name("Message")
    panel = page.get_by_role("dialog", name="Tea shop")
    assert panel.evaluate("panel => panel.matches(':modal')")
    for _ in range(30):  # around it, and never out of it
        keyboard.press("Tab")
        name = focused(page).evaluate("one => one.textContent || one.ariaLabel")
        if name == "A flavour":
            break
    else:
        pytest.fail("a choice cannot be reached with the tab key")
    keyboard.press("Enter")
    chat.says("Which flavour?")
    expect(focused(page)).to_have_accessible_name("Message")
    page.get_by_role("button", name="Choose").focus()
    keyboard.press("Enter")
    expect(focused(page)).to_have_accessible_name("Find in the list")
    keyboard.press("Escape")
    expect(focused(page)).to_have_accessible_name("Choose")
    keyboard.press("Enter")
    keyboard.press("ArrowDown")
    expect(focused(page)).to_have_accessible_name("Mint")
    keyboard.press("Enter")
    chat.says("With Mint")
    keyboard.type("Pay")
    keyboard.press("Enter")
    chat.says("Enter PIN")
    expect(focused(page)).to_have_accessible_name("Enter PIN")
    keyboard.type(PIN)
    keyboard.press("Enter")
    chat.says("Paid.")
    keyboard.press("Escape")
    expect(focused(page)).to_have_accessible_name("Open the chat")


def test_an_audit_finds_nothing_in_light_and_dark(open_widget: Open) -> None:
    chat = open_widget(
        "dayo", 'data-accent="#ffcc00"', viewport={"width": 360, "height": 640}, bypass_csp=True
    )
    chat.page.evaluate(Axe().axe_script)
    chat.audit("closed")
    chat.open()
    chat.audit("open")
    small = chat.page.evaluate(
        """[...document.querySelector("kikao-chat").shadowRoot.querySelectorAll("button")]
        .filter((one) => one.getClientRects().length).map((one) => one.getBoundingClientRect())
        .filter(({ width, height }) => width < 44 || height < 44).length"""
    )
    assert small == 0
    chat.tap("Pay").says("Enter PIN")
    chat.audit("secret")
    chat.tap("Back").says(ASKED).tap("A flavour").tap("Choose")
    chat.audit("list")
    chat.page.keyboard.press("Escape")
    chat.page.evaluate("document.querySelector('kikao-chat').setAttribute('theme', 'dark')")
    expect(chat.page.locator("kikao-chat .panel")).to_have_css("background-color", "rgb(22, 27, 34)")


def test_nothing_of_the_sites_style_gets_in_or_of_its_own_gets_out(open_widget: Open) -> None:
    chat = open_widget().open()
    send = chat.page.get_by_role("button", name="Send", exact=True)
    expect(send).to_have_css("background-color", "rgb(11, 110, 79)")
    expect(send).to_have_css("font-size", "15px")
    expect(chat.page.locator("body")).to_have_css("margin-top", "40px")
    assert chat.page.evaluate("Object.keys(window).filter((name) => /kikao|phoenix/i.test(name))") == []
    assert chat.page.evaluate("document.cookie") == ""


def test_a_line_that_a_page_has_twice_is_one_chat(open_widget: Open, site: Site) -> None:
    twice = 'async></script><script src="{0}" data-token-url="/chat-token" async></script><script src="{0}"'
    chat = open_widget("ife", twice.format(f"{site.chat}/socket/widget.js") + ' data-id="other"')
    expect(chat.page.locator("kikao-chat")).to_have_count(2)
    assert chat.page.locator("kikao-chat").evaluate_all("them => them.map(({ id }) => id).sort()") == [
        "",
        "other",
    ]


def test_a_function_that_gives_tokens_may_be_set_when_the_element_stands_there(open_widget: Open) -> None:
    chat = open_widget("jabu", 'data-id="other"')
    chat.page.evaluate("""async () => {
        await customElements.whenDefined("kikao-chat");
        const late = document.body.appendChild(document.createElement("kikao-chat"));
        late.getToken = async () => (await (await fetch("/chat-token")).json()).token;
        late.show();
    }""")
    chat.says(ASKED)


def test_from_right_to_left_in_the_language_of_the_page(open_widget: Open) -> None:
    chat = open_widget("farida", 'data-locale="ar" data-position="start"')
    expect(chat.launcher).to_have_attribute("dir", "rtl")
    assert chat.launcher.bounding_box()["x"] > 500  # type: ignore[index]


def test_the_simulator_has_it_on_its_table(browser: Browser, server: ServerProcess) -> None:
    desk = Desk(new_window(browser, locale="en-GB"), f"http://127.0.0.1:{server.port}/simulator")
    phone = desk.page.get_by_role("article", name="Phone 4")
    log = phone.get_by_role("log")
    expect(phone.get_by_label("User")).to_have_value("amina")
    log.get_by_role("button", name="Pay").click()
    field = phone.get_by_role("textbox", name="Enter PIN")
    expect(desk.tab("Conversation")).to_contain_text("pin#1")
    field.fill(PIN)
    phone.get_by_role("button", name="Drop line").click()
    expect(phone.get_by_role("button", name="Connect")).to_have_attribute("aria-pressed", "true")
    expect(phone.get_by_text("Connecting")).to_be_visible()
    field.press("Enter")  # what was typed before the line dropped is there still
    expect(log.locator("li.mine").last).to_contain_text("Waits for the connection")
    expect(desk.tab("History").get_by_text("phx_join")).to_have_count(1)
    phone.get_by_role("button", name="Connect").click()
    expect(log).to_contain_text("Paid.")
    expect(desk.tab("History").get_by_text("phx_join")).to_have_count(2)
    expect(desk.tab("History")).to_contain_text("Event secret")
    desk.tab("Raw")
    assert not stands_in(PIN, desk.page.content() + desk.heard() + stored(desk.page))
    phone.get_by_role("group", name="What happens").get_by_role("button", name="Log out").click()
    phone.get_by_role("button", name="Begin again").click()
    expect(log.locator("li.theirs").last).to_contain_text(ASKED)
    assert [said for said in desk.problems if "/socket/websocket" not in said] == []
    desk.page.context.close()
