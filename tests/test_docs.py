"""The documentation runs: its code is executed, and its tables say what there is. The tutorial: `test_tutorial.py`."""

import ast
import base64
import inspect
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import httpx
import msgspec
import pytest

from kikao import Amount, Chat, Done, ErrorCode, Refused, Secret, Voided
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.cli import main
from kikao.config import load
from kikao.conversation.errors import WAYS_ON
from kikao.testing import Clock, Phone, Service, Stage, in_process, play
from kikao.transcripts import parse
from tests.terminal import DOCS, ROOT, Served, environment

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language]


def run_tests(folder: Path) -> str:
    """What `pytest` says of the tests in a folder, all of which pass; it has no other plugin than kikao's."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "kikao.testing.plugin"]
    env = environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- testing a chat ---


@pytest.fixture
def tea_shop() -> dict[str, Any]:
    """What the page defines."""
    page, found = DOCS / "how-to" / "test-a-chat.md", {"__name__": "tea_shop"}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), found)
    return found


async def test_the_test_of_a_chat_passes(tea_shop: dict[str, Any]) -> None:
    await tea_shop["test_tea"]()


async def test_the_stories_of_a_chat_come_true(tea_shop: dict[str, Any]) -> None:
    (text,) = blocks(DOCS / "how-to" / "test-a-chat.md", "text")
    for transcript in parse(text, "test-a-chat.md"):
        async with Stage(tea_shop["app"]) as stage:
            await play(transcript, stage)


# --- tokens of live sessions ---


def test_a_token_that_a_backend_of_the_guide_signs_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"KIKAO_JWT_KEYS": f"k1:HS256:{key}", "KIKAO_JWT_AUDIENCE": "kikao", "LIVE_KEY": key}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    backend, app_test = blocks(DOCS / "how-to/sign-tokens.md", "python")
    found: dict[str, Any] = {}
    exec(compile(backend + app_test, "sign-tokens.md", "exec"), found)
    assert found["tokens"].verify(found["live_token"]("ama")).user == "ama"
    assert found["tokens"].verify(found["token"]).claims["role"] == "nurse"


def test_every_reason_for_refusing_a_token_is_documented() -> None:
    from kikao.channels.socket.tokens import Fault

    page = (DOCS / "how-to/sign-tokens.md").read_text(encoding="utf-8")
    table = page.partition("## When one is refused")[2].partition("## In tests")[0]
    assert [each.value for each in Fault if f"`{each.value}`" not in table] == []


# --- live channels ---


async def test_the_room_of_the_guide_works() -> None:
    from tests.live.inside import inside

    page = DOCS / "how-to/hold-live-channels.md"
    found: dict[str, Any] = {"__name__": "rooms"}
    room, others, kept = blocks(page, "python")
    exec(compile(room + others, page.name, "exec"), found)
    exec(compile(kept, page.name, "exec"), found)
    async with Stage(found["app"]) as stage, inside(stage.server, "ada") as ada:
        assert (await ada.ask("room:staff", "phx_join"))["response"] == {"reason": "staff only"}
        assert (await ada.ask("room:lobby", "phx_join", {"device": "tv"}))["response"] == {"welcome": "ada"}
        assert (await ada.until("presence_state"))["ada"]["metas"][0]["device"] == "tv"
        await ada.say(None, "9", "room:lobby", "say", {"text": "hello"})
        assert await ada.until("said") == {"who": "ada", "text": "hello"}
        assert (await ada.ask("user:ada", "phx_join"))["status"] == "ok"
        assert stage.server.hub is not None
        await stage.server.hub.to_users(["ada"], "paid", {"amount": 5000})
        assert await ada.until("paid") == {"amount": 5000}


def test_every_limit_of_live_channels_and_every_end_of_a_socket_is_documented() -> None:
    from kikao.channels.socket.reasons import Reason
    from kikao.live import LiveLimits

    page = (DOCS / "reference/live.md").read_text(encoding="utf-8")
    for field, default in zip(LiveLimits.__struct_fields__, LiveLimits.__struct_defaults__, strict=True):
        assert f"`{field}`" in page, field
        assert f"{default:,.10g}" in page, field
    assert [each.label for each in Reason if f"`{each.label}`" not in page] == []


# --- the README ---


class Receipt(msgspec.Struct, frozen=True):
    ref: str


class Bank:
    def __init__(self) -> None:
        self.sent: dict[str, Receipt] = {}

    async def fee(self, amount: Amount) -> Amount:
        return Amount(amount.currency, 500)

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        if not pin.matches(Secret("1234")):
            return Refused(ErrorCode.WRONG_SECRET)
        return Done(self.sent.setdefault(key, Receipt("AB12CD34")))

    async def find(self, key: str) -> Done[Receipt] | Voided:
        return Done(self.sent[key]) if key in self.sent else Voided()


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> tuple[types.ModuleType, Bank]:
    """The flow of the README, as a module, on a bank."""
    bank: Any = types.ModuleType("bank")
    bank.Bank, bank.bank = Bank, Bank()
    monkeypatch.setitem(sys.modules, "bank", bank)
    module = types.ModuleType("sending")
    exec(
        compile(blocks(ROOT / "README.md", "python")[0], "README.md", "exec"), vars(module)
    )  # our own README
    monkeypatch.setitem(sys.modules, "sending", module)
    return module, bank.bank


async def test_the_flow_of_the_readme_pays(sending: tuple[types.ModuleType, Bank]) -> None:
    module, _ = sending
    async with Stage(module.app) as stage:
        phone = stage.phone()
        await phone.dial()
        confirmation = await phone.reply("0772000002", "5000")
        assert confirmation.startswith("Send UGX 5,000 to +256772000002? Fee UGX 500")
        assert (await phone.reply("1", "9999")).startswith("Wrong PIN. Try again.\nEnter PIN")
        assert await phone.reply("1234") == "Sent. Ref AB12CD34"
        assert phone.ended


async def test_the_transcript_of_the_readme_plays(sending: tuple[types.ModuleType, Bank]) -> None:
    module, bank = sending
    (transcript,) = parse(blocks(ROOT / "README.md", "text")[0], "README.md")
    async with Stage(module.app) as stage:
        await play(transcript, stage)
    assert len(bank.sent) == 1


async def test_the_request_of_the_readme_is_answered(tmp_path: Path) -> None:
    from kikao_apps.wallet import app

    shell = "\n".join(blocks(ROOT / "README.md", "sh")).replace("\\\n", " ")
    (curl,) = [shlex.split(line) for line in shell.splitlines() if line.startswith("curl ")]
    fields = [curl[i + 1].partition("=") for i, word in enumerate(curl) if word in ("-d", "--data-urlencode")]
    path = "/" + curl[-1].split("/", 3)[3]
    async with app.serving(load({}, tmp_path, makes_keys=True)) as server:
        body = urlencode({name: value for name, _, value in fields}, safe="+").encode()
        reply = await in_process(server)(Exchange(path, FORM, body))
    assert (reply.status, reply.body[:4]) == (200, b"CON ")


def test_make_targets_that_are_named_exist() -> None:
    makefiles = (ROOT / "Makefile", ROOT / "src/kikao/cli/new/template/makefile")
    targets = {
        target for path in makefiles for target in re.findall(r"^([a-z]+):", path.read_text(), re.MULTILINE)
    }
    named = {
        target
        for page in PAGES
        for block in [*blocks(page, "sh"), *re.findall("`(make [^`]+)`", page.read_text())]
        for target in re.findall(r"^make ([a-z]+)", block, re.MULTILINE)
    }
    assert named <= targets


# --- the how-to guides ---


def guide(tmp_path: Path) -> Path:
    folder = tmp_path / "guide"
    shutil.copytree(DOCS / "how-to/code", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_service_of_the_guide_keeps_its_promises(tmp_path: Path) -> None:
    command = [sys.executable, "laws.py"]
    done = subprocess.run(
        command, cwd=guide(tmp_path), env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_the_guide_pass(tmp_path: Path) -> None:
    assert "18 passed" in run_tests(guide(tmp_path))


def test_the_gateway_of_the_guide_is_one_of_the_house_once_it_is_put_there(tmp_path: Path) -> None:
    house, code = tmp_path / "house", DOCS / "how-to/code"
    for folder in ("src", "tests"):
        shutil.copytree(ROOT / folder, house / folder)  # with its bytecode, which is good there, too
    shutil.copy(ROOT / "pyproject.toml", house)
    ussd = house / "src/kikao/channels/ussd"
    shutil.copy(code / "acme.py", ussd / "gateways")
    shutil.copy(code / "acme_client.py", ussd / "clients/acme.py")
    shutil.copy(code / "acme.json", house / "tests/channels/ussd/fixtures")
    (entry,) = [line for line in blocks(DOCS / "how-to/add-a-gateway.md", "text") if "_Entry(" in line]
    registry = ussd / "registry.py"
    before, told, after = registry.read_text("utf-8").partition('    "africastalking": _Entry(')
    registry.write_text(f"{before}    {entry.strip()}\n{told}{after}", encoding="utf-8")
    checks = [f"tests/channels/ussd/test_{name}.py" for name in ("registry", "talking", "hostile")]
    command = [sys.executable, "-m", "pytest", "-q", "-k", "acme", "-p", "no:cacheprovider", *checks]
    given = {**environment(), "PYTHONPATH": str(house / "src")}
    done = subprocess.run(command, cwd=house, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 30
    layers = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(layers, cwd=house, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_every_piece_of_python_is_python(page: Path) -> None:
    for code in blocks(page, "python"):
        ast.parse(code)


# --- the reference: everything that exists is in its table ---


def reference(page: str) -> str:
    return (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")


def test_every_setting_is_documented(tmp_path: Path) -> None:
    from kikao.config.chat_shapes import variables
    from kikao.config.gateways import COMMON
    from kikao.config.live import variables as live_variables
    from kikao.config.loading import SETTINGS
    from kikao.config.webhooks import KEYS as WEBHOOK

    names = {f"KIKAO_{name.upper()}" for name in SETTINGS}
    names |= {f"KIKAO_USSD_<GATEWAY>_{name.upper()}" for name in COMMON}
    names |= {*variables(), *live_variables()}
    names |= {f"KIKAO_WEBHOOK_<NAME>_{name.upper()}" for name in WEBHOOK}
    assert set(re.findall(r"^\| `(KIKAO_[A-Z_<>]+)`", reference("settings"), re.MULTILINE)) == names


def test_every_command_and_option_is_documented() -> None:
    page = reference("command-line")
    for name, command in main.commands.items():
        assert f"## kikao {name}" in page
        parts = command.commands if isinstance(command, click.Group) else {}
        for words, part in {
            name: command,
            **{f"{name} {word}": part for word, part in parts.items()},
        }.items():
            assert f"kikao {words}" in page
            for parameter in part.params:
                for option in parameter.opts:
                    assert not option.startswith("-") or f"`{option}" in page, f"kikao {words} {option}"
    assert set(re.findall(r"^## kikao (\w+)", page, re.MULTILINE)) == set(main.commands)


def test_every_chat_method_is_documented() -> None:
    methods = {name for name in dir(Chat) if not name.startswith("_") and callable(getattr(Chat, name))} - {
        "begin"
    }
    assert methods <= set(re.findall(r"^\| `(\w+)", reference("chat"), re.MULTILINE))


def test_the_signatures_of_chat_are_those_it_has() -> None:
    (page,) = blocks(DOCS / "reference/chat.md", "python")
    written = [
        node for node in ast.parse(page).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    methods = {n: m for n in dir(Chat) if n[0] != "_" and callable(m := getattr(Chat, n))}
    assert {node.name for node in written} == set(methods) - {"begin"}
    for node in written:
        parameters = set(inspect.signature(methods[node.name]).parameters) - {"self"}
        assert {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)} == parameters, node.name
        assert isinstance(node, ast.AsyncFunctionDef) == inspect.iscoroutinefunction(methods[node.name])


def test_every_error_is_documented_with_its_way_on() -> None:
    page = reference("errors")
    for code in ErrorCode:
        (row,) = re.findall(rf"^\| `{code.name}` .*$", page, re.MULTILINE)
        assert WAYS_ON[code].name in row


@pytest.mark.parametrize("kind", [Stage, Phone, Service, Clock])
def test_every_tool_for_tests_is_documented(kind: type) -> None:
    page = reference("testing")
    assert {name for name in vars(kind) if name[0] != "_" and f"`{name}" not in page} == set()


def test_every_answer_type_is_documented() -> None:
    import kikao
    from kikao import Answer

    names = {n for n in kikao.__all__ if isinstance(k := getattr(kikao, n), type) and issubclass(k, Answer)}
    documented = set(re.findall(r"^\| `(\w+)\(", reference("answers"), re.MULTILINE))
    assert names - {"Answer"} == documented


def test_a_backup_of_the_guide_brings_a_conversation_back(tmp_path: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("the guide copies with the command line of SQLite, which is not installed")
    live, kept = tmp_path / "live", tmp_path / "kept"
    backup, restore, _, _ = (
        re.sub(r"systemctl \w+ kikao\n|-o kikao ", "", block)
        .replace("/var/lib/kikao", str(live))
        .replace("/backup", str(kept))
        for block in blocks(DOCS / "how-to/back-up-and-restore.md", "sh")
    )
    folder = tmp_path / "airtime"
    folder.mkdir()
    (folder / "airtime.py").write_text(blocks(DOCS / "tutorial/a-conversation.md", "python")[0])
    server = Served(folder, "airtime:app", KIKAO_DATA=str(live))
    try:
        assert "For which number?" in dialled(server.url, "")
        shell(backup)
        assert "How much?" in dialled(server.url, "0772000002")
        server.kill()
        shell(restore)
        server.start()
        assert "How much?" in dialled(server.url, "0772000002"), (
            "the answer after the backup is forgotten, and no other"
        )
    finally:
        server.kill()


def shell(script: str) -> None:
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def dialled(url: str, text: str) -> str:
    fields = {"sessionId": "b1", "phoneNumber": "+256772000009", "serviceCode": "*284#", "text": text}
    return httpx.post(f"{url}/ussd/africastalking", data=fields).text
