"""`kikao ussd`: a provider's request from a file, read here and answered there."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from kikao.channels.ussd.registry import SLUGS, client, example, kind
from kikao.cli import main
from tests.channels.ussd.told import environment, fixtures, settings_of
from tests.http.forked import serving
from tests.http.wire import raw
from tests.http.wire import request as octets_of

TOKEN = "0123456789abcdef01234567"
PIN = "4321"


def request(**fields: object) -> str:
    said = {"USERID": "ACME", "MSISDN": "233241234567", "USERDATA": "", "MSGTYPE": True, **fields}
    return f"POST /cb HTTP/1.1\nContent-Type: application/json\n\n{json.dumps(said)}\n"


def send(*words: str, said: str | bytes, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["ussd", "send", "-", *words], input=said, env=env or {})


def served() -> list[str]:
    """The gateways whose requests come over HTTP."""
    return [slug for slug in SLUGS if not kind(slug).connects]


@pytest.fixture(scope="module")
def port() -> int:
    """On which the server calls a phone."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[str]:
    data = tmp_path_factory.mktemp("ussd") / "data"
    env = {name: value for slug in served() for name, value in environment(slug).items()}
    env |= {f"KIKAO_USSD_{slug.upper()}_URL": f"http://127.0.0.1:{port}/" for slug in called()}
    with serving(data, "tests.cli.kiosk:app", **env, KIKAO_USSD_NALO_TOKEN=TOKEN) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_gateways_are_listed() -> None:
    done = CliRunner().invoke(main, ["ussd", "list"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()[1:]] == sorted(SLUGS)


@contextmanager
def elsewhere(status: int = 302) -> Iterator[tuple[str, list[str]]]:
    """What leads every request to another place, or answers it otherwise, and hears of each."""
    heard: list[str] = []

    class Leads(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.requestline)
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Leads) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


def test_nobody_is_followed_elsewhere_with_what_the_request_holds() -> None:
    with elsewhere() as (url, heard):
        done = send("--gateway", "nalo", "--url", url, said=request(MSGTYPE=False, USERDATA=PIN))
    assert done.exit_code == 1
    assert "answered 302" in done.output
    assert heard == ["POST /ussd/nalo HTTP/1.1"]


def test_a_query_may_have_letters_and_spaces_that_no_url_has() -> None:
    with elsewhere() as (url, heard):
        done = send("--gateway", "channel_mobile", "--url", url, said=f"msisdn=1&a=%23&request=é {PIN}")
    assert heard == [f"GET /ussd/channel_mobile?msisdn=1&a=%23&request=%C3%A9%20{PIN} HTTP/1.1"]
    assert PIN not in done.output


def test_a_token_that_no_path_can_have_is_not_shown() -> None:
    done = send("--gateway", "nalo", "--url", "http://127.0.0.1:1", "--token", "a token", said=request())
    assert done.exit_code == 2
    assert "nothing answers at" in done.output
    assert "a token" not in done.output


# --- how it is read ---


def test_what_was_typed_is_shown_as_its_length() -> None:
    said = request(MSGTYPE=False, USERDATA=PIN, TARIFF=1, SESSIONID="s1")
    done = send("--gateway", "nalo", "--parse-only", said=said)
    assert done.exit_code == 0
    assert "reply: a member answered" in done.output
    assert "identity      +233241234567" in done.output
    assert "dialogue      s1" in done.output
    assert "4 characters" in done.output
    assert "unknown fields: TARIFF" in done.output
    assert PIN not in done.output
    assert f"'{PIN}'" in send("--gateway", "nalo", "--parse-only", "--show-typed", said=said).output


def test_a_gateway_that_cannot_be_served_is_read_and_that_is_all() -> None:
    said = fixtures("ontech")["requests"][0]["body"]
    done = send("--gateway", "ontech", "--parse-only", said=said)
    assert done.exit_code == 0
    assert "service_code  *388*10#" in done.output
    refused = send("--gateway", "ontech", said=said)
    assert refused.exit_code == 2
    assert "nobody knows what the body of its replies has to look like" in refused.output
    assert "--parse-only" in refused.output


def test_settings_and_region_count() -> None:
    env = {"KIKAO_USSD_NALO_CODE": "*284#"}
    said = request(USERDATA="*284*1*2#", MSISDN="0241234567")
    refused = send("--gateway", "nalo", "--parse-only", said=said, env=env)
    assert refused.exit_code == 1
    assert "KIKAO_USSD_NALO_REGION" in refused.output
    done = send("--gateway", "nalo", "--parse-only", "--show-typed", "--region", "gh", said=said, env=env)
    assert done.exit_code == 0
    assert "+233241234567" in done.output
    assert "dialled ahead '1*2'" in done.output


def test_what_is_refused_says_why_and_shows_nothing() -> None:
    done = send("--gateway", "nalo", "--parse-only", said=request(USERDATA=int(PIN)))
    assert done.exit_code == 1
    assert "field USERDATA must be a text, not a number" in done.output
    assert PIN not in done.output


def test_a_method_that_the_gateway_does_not_know_is_told() -> None:
    done = send("--gateway", "nalo", "--parse-only", said=request().replace("POST", "PUT"))
    assert done.exit_code == 1
    assert "the method is PUT, this gateway expects POST" in done.output


@pytest.mark.parametrize(
    ("words", "said", "why"),
    [
        (["--gateway", "yo"], "a=1", "there is no gateway 'yo'"),
        (["--gateway", "nalo", "--parse-only", "--token", TOKEN], "a=1", "--parse-only sends nothing"),
        (["--gateway", "nalo"], "", "it is empty"),
        (["--gateway", "nalo", "--url", "nowhere"], request(), "is no address of a server"),
        (["--gateway", "nalo", "--url", "http://127.0.0.1:1"], request(), "nothing answers at"),
    ],
)
def test_what_cannot_be_sent_says_why(words: list[str], said: str, why: str) -> None:
    done = send(*words, said=said)
    assert done.exit_code == 2
    assert why in done.output


@pytest.mark.parametrize("slug", SLUGS)
def test_what_a_provider_sends_is_read(slug: str) -> None:
    """The raw request of every gateway's client, under the settings of its fixtures."""
    if kind(slug).connects:
        return
    exchange = client(slug, "+233241234567", "*284#", settings_of(slug)).dial("d1")
    headers = "".join(f"{name}: {value}\n" for name, value in exchange.headers)
    behind = f"/{exchange.rest}" if exchange.rest else ""
    line = f"{exchange.method} /cb{behind}?{exchange.query} HTTP/1.1"
    whole = f"{line}\n{headers}\n".encode() + exchange.body
    done = send("--gateway", slug, "--parse-only", said=whole, env=environment(slug))
    assert done.exit_code == 0, done.output
    assert "+233241234567" in done.output or "hidden by the provider" in done.output
    assert fixtures(slug)


# --- what is answered ---


def test_the_reply_is_shown_with_its_screen(url: str) -> None:
    words = ("--gateway", "nalo", "--url", url, "--token", TOKEN)
    done = send(*words, said=request())
    assert done.exit_code == 0, done.output
    assert "answered 200" in done.output
    assert "content-type: application/json" in done.output
    assert '"MSGTYPE":true' in done.output
    assert "it waits for an answer" in done.output


@pytest.mark.parametrize(
    ("words", "said", "status", "why"),
    [
        ([], request(), 404, "the path token is wrong"),
        (["--token", TOKEN], request(MSISDN=PIN), 400, "field MSISDN"),
        (["--token", TOKEN], request().replace("POST", "PUT"), 405, "expects another method"),
    ],
)
def test_a_refusal_of_the_server_is_told(
    url: str, words: list[str], said: str, status: int, why: str
) -> None:
    done = send("--gateway", "nalo", "--url", url, *words, said=said)
    assert done.exit_code == 1
    assert f"answered {status}" in done.output
    assert why in done.output
    assert PIN not in done.output
    assert TOKEN not in done.output


def called() -> list[str]:
    """The gateways whose provider is called with each screen, at an address of the settings."""
    return [slug for slug in served() if any(option.name == "url" for option in kind(slug).options)]


def test_a_phone_in_the_terminal_speaks_every_gateway(url: str, port: int) -> None:
    for slug in SLUGS:
        if not kind(slug).connects:
            words = ["chat", "--gateway", slug, "--as", "+233241234567", "--url", url]
            words += ["--token", TOKEN] if slug == "nalo" else []
            words += ["--listen", str(port)] if slug in called() else []
            done = CliRunner().invoke(main, words, input="/dial\nbread\n", env=environment(slug))
            assert done.exit_code == 0, f"{slug}: {done.output}"
            assert re.findall("│ (What|Size) ", done.output) == ["What", "What", "Size"], (
                f"{slug}: {done.output}"
            )


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        (False, "start the server with KIKAO_USSD_IDEAMART_URL=http://127.0.0.1:9000/"),
        (True, "Address already in use"),
    ],
)
def test_a_phone_that_cannot_be_called_says_why(url: str, listen: bool, why: str) -> None:
    words = ["chat", "--gateway", "ideamart", "--url", url]
    words += ["--listen", url.rpartition(":")[2]] if listen else []
    done = CliRunner().invoke(main, words, env=environment("ideamart"))
    assert done.exit_code == 2
    assert why in done.output


async def test_a_header_is_on_the_wire_as_the_gateway_writes_it(url: str) -> None:
    exchange = client("comviva_flares", "+256752000001", "*284#", example("comviva_flares")).dial("a7f3")
    target = f"/ussd/comviva_flares?{exchange.query}"
    octets = await raw(int(url.rpartition(":")[2]), octets_of(target, method="GET"))
    head = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"Freeflow: FC" in head
    assert {b"content-type: text/plain; charset=utf-8", b"charge: N", b"connection: close"} < set(head)


def test_a_gateway_that_nobody_calls_has_no_address_to_talk_to(url: str) -> None:
    for words in (["--url", url], []):
        done = CliRunner().invoke(main, ["chat", "--gateway", "smpp", *words])
        assert done.exit_code == 2
        assert "Give MODULE:APP" in done.output
        assert "KIKAO_USSD_SMPP_URL" not in done.output


def test_a_key_that_the_phone_lacks_is_asked_for() -> None:
    with elsewhere(403) as (url, _):
        words = ["chat", "--gateway", "comviva_flares", "--url", url]
        done = CliRunner().invoke(main, words, input="/quit\n")
    assert "HTTP 403" in done.output
    assert "KIKAO_USSD_COMVIVA_FLARES_PASSWORD must be here as on the server" in done.output


def test_a_file_is_read(tmp_path: Path, url: str) -> None:
    file = tmp_path / "request.txt"
    file.write_text(
        "sessionId=a1&serviceCode=%2A284%23&phoneNumber=%2B256772000001&text=\n", encoding="utf-8"
    )
    done = CliRunner().invoke(main, ["ussd", "send", str(file), "--gateway", "africastalking", "--url", url])
    assert done.exit_code == 0, done.output
    assert "CON " in done.output
