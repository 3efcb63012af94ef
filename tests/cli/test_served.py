"""What a server that is started by hand knows of where it is reached."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kikao.channels.telegram.emulator import BotApi
from kikao.cli.served import address, reached
from kikao.config import load


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000", "http://[::1]:8000"),
    ],
)
def test_links_in_simulated_chats_lead_to_this_machine(tmp_path: Path, url: str, public: str) -> None:
    assert reached(load({}, tmp_path), url).public_url == public


@pytest.mark.parametrize(
    "environ",
    [
        {"KIKAO_SIMULATOR": "off"},
        {"KIKAO_PUBLIC_URL": "https://chat.example"},
        BotApi().environment(),
    ],
)
def test_members_who_are_elsewhere_get_no_link_to_it(tmp_path: Path, environ: dict[str, str]) -> None:
    own = load(environ, tmp_path)
    assert reached(own, "http://127.0.0.1:8000") == own


def test_where_a_socket_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        assert address(door) == f"http://127.0.0.1:{door.getsockname()[1]}"
