"""The widget as it is given out: to anybody, small, and kept for as long as it stays the same."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Any, Final

import pytest

from kikao.channels.channel import Response
from kikao.channels.edge import Denied
from kikao.live.widget import ASSETS, Widget

WIDGET: Final = Widget()

MOST: Final = 28_500
"""Octets of all of it as it travels: it is there before a slow phone has shown the page."""


def ask(path: str, method: str = "GET", **headers: str) -> Response:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    return asyncio.run(WIDGET(scope, receive))


def header(response: Response, name: str) -> str | None:
    return dict(response.headers).get(name)


def test_any_site_may_have_it_and_reads_no_more_into_it() -> None:
    loader = ask("/socket/widget.js")
    assert loader.status == 200
    assert header(loader, "content-type") == "text/javascript; charset=utf-8"
    assert header(loader, "access-control-allow-origin") == "*"
    assert header(loader, "cross-origin-resource-policy") == "cross-origin"
    assert header(loader, "x-content-type-options") == "nosniff"


def test_the_line_loads_the_module_of_this_release_which_stays_for_ever() -> None:
    loader = ask("/socket/widget.js")
    assert header(loader, "cache-control") == "public, max-age=300"
    named = re.search(r"widget/([0-9a-f]{16})/kikao\.js", loader.body.decode())
    assert named
    module = ask(f"/socket/widget/{named[1]}/kikao.js")
    assert header(module, "cache-control") == "public, max-age=31536000, immutable"
    assert b"class KikaoChat" in module.body


def test_another_release_asks_for_another_version_and_gets_this_one_for_a_while() -> None:
    of_now = ask("/socket/widget/kikao.js")
    of_before = ask("/socket/widget/0123456789abcdef/kikao.js")
    assert of_now.body == of_before.body
    assert header(of_now, "cache-control") == header(of_before, "cache-control") == "public, max-age=300"


def test_it_travels_packed_and_small() -> None:
    plain = ask("/socket/widget/kikao.js")
    packed = ask("/socket/widget/kikao.js", accept_encoding="br, gzip")
    assert header(packed, "content-encoding") == "gzip"
    assert header(plain, "content-encoding") is None
    assert header(plain, "vary") == "accept-encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) + len(ask("/socket/widget.js", accept_encoding="gzip").body) < MOST


@pytest.mark.parametrize("accepted", [{}, {"accept_encoding": "gzip"}])
def test_who_has_it_is_told_so(accepted: dict[str, str]) -> None:
    first = ask("/socket/widget/kikao.js", **accepted)
    tag = header(first, "etag")
    assert tag
    again = ask("/socket/widget/kikao.js", **accepted, if_none_match=tag)
    assert (again.status, again.body) == (304, b"")
    assert header(again, "etag") == tag


def test_the_licence_of_what_is_in_it_can_be_read() -> None:
    licence = ask(f"/socket/widget/{WIDGET.version}/phoenix.LICENSE.txt")
    assert header(licence, "content-type") == "text/plain; charset=utf-8"
    assert b"Chris McCord" in licence.body


@pytest.mark.parametrize(
    "path",
    [
        "/socket/widget/",
        "/socket/widget/element.js",
        "/socket/widget/widget.js",
        "/socket/widget/../kikao.js",
        "/socket/widget/vendored/phoenix.mjs",
        "/socket/widget/0123456789abcdef/0123456789abcdef/kikao.js",
    ],
)
def test_nothing_else_is_given_out(path: str) -> None:
    with pytest.raises(Denied) as denied:
        ask(path)
    assert denied.value.status == 404


def test_it_is_only_read() -> None:
    assert ask("/socket/widget.js", "HEAD").status == 200
    with pytest.raises(Denied) as denied:
        ask("/socket/widget.js", "POST")
    assert denied.value.status == 405


def test_it_stands_below_the_path_of_the_sockets() -> None:
    widget = Widget("/live")
    assert widget.serves("/live/widget.js")
    assert widget.serves("/live/widget/kikao.js")
    assert not widget.serves("/live/widget")
    assert not widget.serves("/live/websocket")
    assert not widget.serves("/socket/widget.js")


def test_it_loads_nothing_from_anywhere_and_reads_no_markup() -> None:
    for path in ASSETS.glob("*.js"):
        script = path.read_text("utf-8")
        named = {url for url in re.findall(r"https?://[\w.]+", script) if "chat.example.com" not in url}
        assert named <= {"http://www.w3.org", "https://www.openstreetmap.org"}, (
            path.name
        )  # a namespace; a link
        for sink in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ):
            assert sink not in script, (path.name, sink)
        assert script.count("\n") <= 300, path.name
