"""URLs that the store refuses, and TLS, which is asked for there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.redis import RedisStore
from tests.certified import Certified
from tests.engines.valkey import Valkey
from tests.sessions.store_contract import make


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://s3cret@host", "no way to Redis"),
        ("redis+ring://s3cret@host", "no way to Redis"),
        ("redis://s3cret@host/0/1", "path is too long"),
        ("redis://s3cret@host/zero", "int"),
        ("redis://s3cret@a,b", "several servers"),
        ("redis://s3cret@", "a host is missing"),
        ("redis://s3cret@host:many", "[Pp]ort"),
        ("redis://s3cret@host?colour=red", "colour= is not known"),
        ("redis://s3cret@host?timeout=0", "time-out"),
        ("redis://s3cret@host?timeout=nan", "time-out"),
        ("redis://s3cret@host?commands=0", "numbers from 1"),
        ("redis://s3cret@host?prefix=a:b", "prefix"),
        ("redis+sentinel://s3cret@host", "name the service"),
        ("redis+cluster://s3cret@host/1", "one database"),
        ("redis://user:s3cret/x@host", "%2F"),
        ("redis://user:s3cret#x@host", "%23"),
        ("redis://user:x?s3cret@host", "%3F"),
        ("redis://user:x?s3cret=x@host", "%3F"),
        ("redis://user:x@y:s3cret/z@host", "%40"),
        ("redis://user:s3cret", "a port is a number"),
        ("redis://host?s3cret", "name=value"),
        ("unix+cluster:///s3cret", "that of one server"),
        ("unix://", "that of one server"),
    ],
)
def test_what_is_no_url_of_a_store_is_refused_and_not_shown(url: str, problem: str) -> None:
    with pytest.raises(StoreRefused, match=problem) as refused:
        RedisStore(url)
    assert "s3cret" not in str(refused.value)


class Fronted(Certified):
    """A certificate, and TLS with it in front of a server."""

    @asynccontextmanager
    async def before(self, server: Valkey) -> AsyncIterator[int]:
        """TLS in front of a server that has none, on a port; it asks for a certificate of the client, too."""
        context = self.context
        context.verify_mode = ssl.CERT_REQUIRED

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner, outer = await asyncio.open_unix_connection(server.socket)

            async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while octets := await source.read(65536):
                    sink.write(octets)
                sink.close()

            await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer), return_exceptions=True)

        listening = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()


@pytest.fixture
def certified(tmp_path: Path) -> Fronted:
    return Fronted(tmp_path)


async def test_by_tls_both_sides_show_certificates(valkey: Valkey, certified: Fronted) -> None:
    async with certified.before(valkey) as port:
        ours = f"ca={certified.certificate}&cert={certified.certificate}&key={certified.key}"
        store = RedisStore(f"rediss://localhost:{port}?{ours}&prefix=tls")
        await store.open()
        await make(store)
        await store.close()
        for wrong in ("", f"ca={certified.certificate}"):
            with pytest.raises(StoreRefused, match="cannot be reached"):
                await RedisStore(f"rediss://localhost:{port}?{wrong}").open()
        with pytest.raises(StoreRefused, match="cannot be reached"):  # another host's certificate
            await RedisStore(f"rediss://127.0.0.1:{port}?{ours}").open()
