"""The web-chat widget over HTTP: a script that any site can load with one line, and the module behind it.

    GET /socket/widget.js                  the line's script: a few hundred octets, that load the module
    GET /socket/widget/{version}/kikao.js  the module, which stays as it is for ever
    GET /socket/widget/kikao.js            the same for who imports it: the one of now
    GET /socket/widget/….LICENSE.txt       what others wrote of it, and how they let us use it

Anybody may have them, from any site: nothing in them is anybody's. They are small, and packed where that is asked for.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from kikao.channels.channel import Request, Response
from kikao.channels.edge import Denied, Guard, Receive, Scope, admit
from kikao.live.weaving import woven

ASSETS: Final = Path(__file__).parent / "assets"

LOADER: Final = "widget.js"
MODULE: Final = "kikao.js"

SOON: Final = "public, max-age=300"
"""Of what has the same name in the next release."""

FOR_EVER: Final = "public, max-age=31536000, immutable"

HEADERS: Final = (
    ("access-control-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("vary", "accept-encoding"),
    ("x-content-type-options", "nosniff"),
)


class Asset(msgspec.Struct, frozen=True):
    """A file as it is given out."""

    kind: str
    plain: bytes
    packed: bytes
    """By gzip."""
    tag: str
    """Changes with what is in it."""


class Widget:
    """Answers what is asked for at `{path}/widget.js` and below `{path}/widget/`."""

    def __init__(self, path: str = "/socket") -> None:
        self._loader = f"{path}/{LOADER}"
        self._folder = f"{path}/widget/"

    def serves(self, path: str) -> bool:
        """Whether a path is one of its own."""
        return path == self._loader or path.startswith(self._folder)

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Raises `Denied` for another method, and for a file that there is not."""
        request = await admit(scope, receive, guard=_GUARD)
        name = request.path.removeprefix(self._folder)
        if request.path == self._loader:
            return _given(request, self.files[LOADER], SOON)
        match = _NAME(name)
        if match is None or match[2] not in self.files or match[2] == LOADER:
            raise Denied(404, "the widget has no such file")
        return _given(request, self.files[match[2]], FOR_EVER if match[1] == self.version else SOON)

    @functools.cached_property
    def files(self) -> dict[str, Asset]:
        """All of it by name, made once."""
        loader = (ASSETS / LOADER).read_text("utf-8").replace("VERSION", self.version)
        licences = {path.name: path.read_bytes() for path in (ASSETS / "vendored").glob("*.LICENSE.txt")}
        texts = {LOADER: loader.encode(), MODULE: self._module, **licences}
        return {name: _asset(name, text) for name, text in texts.items()}

    @functools.cached_property
    def version(self) -> str:
        """Of the module: another one when anything in it changes."""
        return hashlib.sha256(self._module).hexdigest()[:16]

    @functools.cached_property
    def _module(self) -> bytes:
        return woven(ASSETS / MODULE).encode()


def _asset(name: str, text: bytes) -> Asset:
    kind = "text/javascript; charset=utf-8" if name.endswith(".js") else "text/plain; charset=utf-8"
    tag = hashlib.sha256(text).hexdigest()[:32]
    return Asset(kind, text, gzip.compress(text, 9, mtime=0), tag)


def _given(request: Request, asset: Asset, kept: str) -> Response:
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{asset.tag}{"-gz" if is_packed else ""}"'
    known = (*HEADERS, ("cache-control", kept), ("etag", tag))
    if tag in request.headers.get("if-none-match", ""):
        return Response(304, known, b"")
    headers = (("content-type", asset.kind), *known)
    if is_packed:
        return Response(200, (*headers, ("content-encoding", "gzip")), asset.packed)
    return Response(200, headers, asset.plain)


_GUARD: Final = Guard(("GET", "HEAD"), max_body=0)
_NAME: Final = re.compile(r"(?:([0-9a-f]{16})/)?([A-Za-z.]{1,40})").fullmatch
