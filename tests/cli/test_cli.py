"""The `kikao` command as a user meets it: processes, their output and their exit codes."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs

from kikao.cli import main as command
from kikao.cli.serving import announce, make_folder
from kikao.config import load
from kikao.config.settings import Environment
from kikao.testing import Phone
from tests.http.forked import run, serving
from tests.http.servers import CHEAP_WALLET, KIKAO, environment, spawn
from tests.http.wire import get, over_wire

HEAVY = {"argon2", "babel", "cryptography", "httpx", "kikao.app", "kikao.config", "sqlalchemy", "uvicorn"}


def kikao(*words: str, cwd: Path, typed: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with lines typed into it."""
    return run(words, folder=cwd, env=environment(cwd / "data", **env), typed=typed or "")


# --- help ---


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = kikao("--help", cwd=tmp_path)

    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in command.commands)
    assert {"run", "demo", "chat"} <= set(command.commands)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["--help"], ["run", "--help"], ["chat", "--help"], ["messages", "--help"], ["check", "--help"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys\nfrom kikao.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    print('loaded:', *sys.modules)"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)

    assert HEAVY & set(done.stdout.partition("loaded:")[2].split()) == set()


# --- what cannot start says why ---


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere", "'nowhere' must look like module:app"),
        (":app", "must look like module:app"),
        ("nowhere:app", "there is no module 'nowhere' in"),
        ("kikao_apps.nowhere:app", "there is no module 'kikao_apps.nowhere' in"),
        ("kikao_apps.wallet.flows:app", "module 'kikao_apps.wallet.flows' has no 'app'"),
        ("kikao_apps.wallet.flows:flows", "kikao_apps.wallet.flows:flows is a Flows, not a kikao App"),
    ],
)
def test_a_target_that_is_no_app(tmp_path: Path, target: str, words: str) -> None:
    done = kikao("run", target, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("kikao: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_in_the_app_itself_is_shown_whole(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_library\n")

    done = kikao("run", "broken:app", cwd=tmp_path)

    assert done.returncode == 1
    assert "No module named 'no_such_library'" in done.stderr
    assert "broken.py" in done.stderr


def test_wrong_settings_are_listed_all_at_once(tmp_path: Path) -> None:
    done = kikao("run", CHEAP_WALLET, cwd=tmp_path, KIKAO_ENV="prod", KIKAO_STROE="x", KIKAO_RELEASE="one")

    assert (done.returncode, done.stdout) == (2, "")
    assert "KIKAO_ENV (environment): " in done.stderr
    assert "KIKAO_STROE (environment): no such setting. Did you mean KIKAO_STORE?" in done.stderr
    assert "KIKAO_RELEASE (environment): " in done.stderr


def test_production_without_secrets_is_refused(tmp_path: Path) -> None:
    done = kikao("run", CHEAP_WALLET, cwd=tmp_path, KIKAO_ENV="production")

    assert done.returncode == 2
    assert "KIKAO_SECRET_KEYS: missing" in done.stderr


@pytest.mark.parametrize("words", [["run", CHEAP_WALLET, "--port", "0"], ["chat", CHEAP_WALLET]])
def test_production_without_a_gateway_is_refused(tmp_path: Path, words: list[str]) -> None:
    key = base64.b64encode(bytes(range(32))).decode()

    done = kikao(*words, cwd=tmp_path, KIKAO_ENV="production", KIKAO_SECRET_KEYS=f"k1:{key}")

    assert done.returncode == 2
    assert "no gateway is open" in done.stderr
    assert "KIKAO_USSD_AFRICASTALKING_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_in_use_is_refused_and_says_how_to_reach_the_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data"):
        for words in (["run", CHEAP_WALLET, "--port", "0"], ["chat", CHEAP_WALLET]):
            done = kikao(*words, cwd=tmp_path)

            assert done.returncode == 2, done.stderr
            assert "sessions.db" in done.stderr
            assert "Traceback" not in done.stderr
            assert ("kikao chat --url http://127.0.0.1:8000\n" in done.stderr) == (words[0] == "chat")


def test_a_misspelt_tenant_is_none_without_data(tmp_path: Path) -> None:
    (tmp_path / "kikao.toml").write_text("[tenants.acme]\ndrain = 1\n\n[tenants.ujamaa]\ndrain = 1\n")
    for words in (["sessions", "list"], ["audit"], ["members", "show", "+256772000001"]):
        done = kikao(*words, cwd=tmp_path, KIKAO_TENANT="nobody")
        assert (done.returncode, done.stdout) == (2, "")
        assert "KIKAO_TENANT=nobody: there is no such tenant; there are acme, ujamaa" in done.stderr
    done = kikao("sessions", "list", cwd=tmp_path, KIKAO_TENANT="acme")
    assert "there are no sessions yet" in done.stderr
    (tmp_path / "data/tenants/duka").mkdir(parents=True)
    assert "there are no sessions yet" in kikao("sessions", "list", cwd=tmp_path, KIKAO_TENANT="duka").stderr


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        done = kikao(
            "run", CHEAP_WALLET, "--port", str(server.port), cwd=tmp_path, KIKAO_DATA=str(tmp_path / "other")
        )

    assert done.returncode == 2
    assert f"port {server.port}: Address already in use. Choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_chat_with_nobody_says_what_to_start(tmp_path: Path) -> None:
    done = kikao("chat", "--url", "http://127.0.0.1:9", cwd=tmp_path)

    assert done.returncode == 2
    assert "nothing answers at http://127.0.0.1:9" in done.stderr
    assert "kikao demo" in done.stderr


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "file:///etc/hostname", "http://", "http://x/a b", "http://[1"]
)
def test_a_chat_with_no_address(tmp_path: Path, url: str) -> None:
    done = kikao("chat", "--url", url, cwd=tmp_path)

    assert done.returncode == 2
    assert f"{url!r} is no address of a server" in done.stderr
    assert "Traceback" not in done.stderr


# --- chat ---


def test_a_chat_with_an_app_in_this_process(tmp_path: Path) -> None:
    typed = ["Asha", "1", "2580", "2580", "1", "0772000002", "5000", "1", "2580", "/again", "/quit"]

    done = kikao("chat", CHEAP_WALLET, cwd=tmp_path, typed="\n".join(typed) + "\n")

    assert done.returncode == 0, done.stderr
    assert "│ Enter your name to register" in done.stdout
    assert "Hello Asha. Choose an option." in done.stdout
    assert "Send UGX 5,000 to +256772000002, who is not registered yet? Fee UGX 100" in done.stdout
    refs = re.findall(r"You sent UGX 5,000 to \+256772000002. Ref (\w{8})\.", done.stdout)
    assert len(refs) == 2
    assert len(set(refs)) == 1
    shown = re.sub("^> 2580$", "", done.stdout, flags=re.MULTILINE)  # what was typed, as a terminal shows it
    assert "2580" not in shown + done.stderr


def test_a_chat_through_a_gateway_that_knows_no_redeliveries(tmp_path: Path) -> None:
    """PINs and choices are typed twice in a row, as fast as a script can: they are two answers all the same."""
    typed = ["Ama", "1", "2580", "2580", "1", "0772000002", "5000", "1", "2580", "/again", "/quit"]

    done = kikao("chat", CHEAP_WALLET, "--gateway", "nalo", cwd=tmp_path, typed="\n".join(typed) + "\n")

    assert done.returncode == 0, done.stderr
    assert "Hello Ama. Choose an option." in done.stdout
    refs = re.findall(r"You sent UGX 5,000 to \+256772000002. Ref (\w{8})\.", done.stdout)
    assert (len(refs), len(set(refs))) == (2, 1)
    shown = re.sub("^> 2580$", "", done.stdout, flags=re.MULTILINE)  # what was typed, as a terminal shows it
    assert "2580" not in shown + done.stderr


def test_a_chat_dials_the_code_that_the_gateway_has_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "kikao.toml").write_text('[ussd.safaricom]\ncode = ["*167*7#"]\n')
    done = kikao("chat", CHEAP_WALLET, "--gateway", "safaricom", cwd=tmp_path, typed="Ama\n/quit\n")
    assert "Enter your name to register" in done.stdout, done.stderr
    assert "HTTP" not in done.stdout
    done = kikao(
        "chat", CHEAP_WALLET, "--gateway", "safaricom", "--code", "*168#", cwd=tmp_path, typed="/quit\n"
    )
    assert "HTTP 400" in done.stdout
    assert "set KIKAO_USSD_SAFARICOM_CODE" in done.stdout


def test_a_chat_dials_with_something_behind_the_code_and_sends_no_slip(tmp_path: Path) -> None:
    typed = ["Asha", "/dail", "/dial 2", "/again now", "//7", "/hangup", "/dial *284*2#", "/quit"]

    done = kikao("chat", CHEAP_WALLET, cwd=tmp_path, typed="\n".join(typed) + "\n")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("there are /hangup, /dial, /again, /quit") == 2
    assert done.stdout.count("Enter at least 2 characters.") == 2, (
        "2 came as an answer, with and without the code"
    )
    assert done.stdout.count("Enter a name of letters.") == 1, "and /7 once, with one slash"


def test_what_is_dialled_behind_the_code_is_blank_in_a_transcript(tmp_path: Path) -> None:
    done = kikao("chat", CHEAP_WALLET, "--record", "a.md", cwd=tmp_path, typed="/dial 7301\n/quit\n")
    assert done.returncode == 0, done.stderr
    recorded = (tmp_path / "a.md").read_text()
    assert "dials ____" in recorded
    assert "7301" not in recorded


def test_a_chat_ends_with_its_input_and_goes_on_the_next_time(tmp_path: Path) -> None:
    assert kikao("chat", CHEAP_WALLET, cwd=tmp_path, typed="Asha\n").returncode == 0

    done = kikao("chat", CHEAP_WALLET, cwd=tmp_path, typed="1\n")

    assert "Continue where you stopped?" in done.stdout
    assert "Choose your currency" in done.stdout


def test_a_transcript_of_a_chat_has_the_answers_and_none_is_taken_for_a_dial(tmp_path: Path) -> None:
    typed = ["Asha", "1", "2580", "2580", "99", "5", "", "/quit"]
    done = kikao("chat", CHEAP_WALLET, cwd=tmp_path, typed="\n".join(typed) + "\n")
    assert "> Asha\n" in done.stdout
    assert "(ended; Enter dials again) 5\nnobody asks for an answer now: an empty line dials" in done.stdout
    assert done.stdout.count("Hello Asha.") == 2


def test_a_chat_in_a_language(tmp_path: Path) -> None:
    words = ("chat", "kikao_apps.wallet:app", "--locale")
    strange = kikao(*words, "fr", cwd=tmp_path)
    assert (strange.returncode, "has no language 'fr'. It has: en, lg, sw" in strange.stderr) == (2, True)
    assert "Chagua lugha" in kikao(*words, "sw", cwd=tmp_path, typed="\n").stdout
    assert "was met before: --locale is for new members" in kikao(*words, "lg", cwd=tmp_path, typed="").stderr


def test_ctrl_c_ends_a_chat_at_once(tmp_path: Path) -> None:
    terminal, stdin = os.openpty()
    process = subprocess.Popen(
        (*KIKAO, "chat", CHEAP_WALLET),
        cwd=tmp_path,
        env=environment(tmp_path / "data"),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        shown = ""
        while not shown.endswith("\n> "):
            octet = process.stdout.read(1)
            assert octet, shown
            shown += octet
        # A signal in the instant before the read begins is seen after it: press until it takes.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
        stderr = process.stderr.read() if process.stderr else ""
        assert process.returncode == 0
        assert all(line.startswith('{"time":') for line in stderr.splitlines()), stderr
        assert sorted(path.name for path in (tmp_path / "data").glob("*.db-*")) == []
    finally:
        process.kill()
        process.communicate()
        os.close(terminal)
        os.close(stdin)


async def test_a_chat_with_a_running_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        words = ("chat", "--url", f"http://127.0.0.1:{server.port}", "--as", "+256772000009")
        proxy = "http://127.0.0.1:9"  # nobody: what is typed goes to the server, not to a proxy
        done = kikao(*words, cwd=tmp_path, typed="Asha\n/hangup\n\n1\n/quit\n", http_proxy=proxy)

        assert done.returncode == 0, done.stderr
        assert "Continue where you stopped?" in done.stdout
        assert done.stdout.count("Choose your currency") == 2
        assert "Continue" in await Phone(over_wire(server.port), "+256772000009").dial()


# --- demo ---


async def test_the_demo_says_where_it_answers_and_what_to_type(tmp_path: Path) -> None:
    server = spawn(tmp_path / "data", "wallet", command="demo").wait_until_up()
    try:
        assert "Choose language" in await Phone(over_wire(server.port)).dial()
        status, page = await get(server.port, "/simulator")
        assert (status, b"<html" in page) == (200, True)
        server.process.terminate()
        assert server.process.stdout is not None
        said = "".join([*server.said, server.process.stdout.read()])
    finally:
        server.kill()
    assert server.process.returncode == 0
    assert f"kikao is answering on http://127.0.0.1:{server.port}\n" in said
    assert f"kikao chat --url http://127.0.0.1:{server.port}\n" in said
    assert f"phones in a browser: http://127.0.0.1:{server.port}/simulator\n" in said
    assert "environment: dev, not safe to expose" in said


def test_what_is_announced_of_live_sessions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(env: Environment) -> str:
        settings = structs.replace(load({}, tmp_path), env=env)
        announce((settings,), (), "http://0.0.0.0:8000", welcome=False, live=("/socket",))
        return next(line for line in capsys.readouterr().out.splitlines() if "live:" in line)

    line = "  live: ws://127.0.0.1:8000/socket, page script http://127.0.0.1:8000/socket/widget.js"
    assert said("dev") == f"{line}; a token: kikao live token --user NAME"
    assert said("production") == line


def test_what_is_announced_of_the_simulator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(host: str, ahead: float = 0.0, **environ: str) -> str:
        settings = load({f"KIKAO_{name}": value for name, value in environ.items()}, tmp_path)
        announce((settings,), (), f"http://{host}:8000", welcome=False, ahead=ahead)
        return capsys.readouterr().out

    assert "phones in a browser: http://127.0.0.1:8000/simulator\n" in said("0.0.0.0")
    assert "phones in a browser: http://[::1]:8000/simulator\n" in said("[::]")
    assert "/simulator" not in said("localhost", SIMULATOR="off")
    assert "the clock is 25 h 1 min ahead" in said("localhost", 25 * 3600 + 60)
    assert "ahead" not in said("localhost")


def test_the_data_folder_is_made_for_its_owner_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "var" / "kikao"
    make_folder(data)
    make_folder(data)
    assert data.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    assert not caplog.records
    make_folder(tmp_path / "file" / "data")
    assert "cannot be made (Not a directory)" in caplog.text
