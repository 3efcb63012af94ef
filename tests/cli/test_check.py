"""`kikao check` as a user meets it: reports, exit codes, and what it says where there is nothing to check."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao.cli import main

SHOP = """
import datetime
from kikao import App, Chat, Flows, Pin, Text, t

flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    await chat.ask("what", Text(max=9), t("What"))
    at = datetime.datetime.now()
    await chat.end(t("Done."))


app = App(flows, entry="shop", members=False)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The present folder, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def kikao(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def test_a_fault_is_told_and_fails(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP)

    done = kikao("shop:app")

    assert done.exit_code == 1
    assert re.sub(r"\d+ screens", "so many screens", done.stdout) == (
        "shop.py:11: K404 error: datetime.datetime.now() reads the clock, and a replay reads another time\n"
        "    flow shop\n"
        "    Use `await chat.now()`.\n"
        "\n"
        "shop:app: 1 error\n"
        "read 1 function, 2 sentences in en\n"
        "explored 0 of 0 branches in 1 flow, so many screens in 1 language\n"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 1),
        (["--fail-on", "error"], 1),
        (["--ignore", "K404"], 0),
        (["--ignore", "k4,K1"], 0),
        (["--select", "K2"], 0),
        (["--select", "K404", "--no-explore"], 1),
        (["--select", "K9"], 2),
        (["--format", "xml"], 2),
        (["--channel", "pigeon"], 2),
    ],
)
def test_exit_codes(folder: Path, words: list[str], code: int) -> None:
    (folder / "shop.py").write_text(SHOP)

    assert kikao("shop:app", *words).exit_code == code


def test_levels_decide_what_fails(folder: Path) -> None:
    # Nothing decides this branch: a note. An allowance of nothing: a warning.
    text = SHOP.replace("at = datetime.datetime.now()", "if len('x') > 2: await chat.say(t('Tea'))")
    (folder / "shop.py").write_text(text)
    assert kikao("shop:app").exit_code == 0
    assert kikao("shop:app", "--fail-on", "note").exit_code == 1

    (folder / "shap.py").write_text(
        SHOP.replace("datetime.datetime.now()", "1  # kikao: allow K404 - no more")
    )
    assert "shap.py:11: K001 warning: nothing here breaks K404\n" in kikao("shap:app").stdout
    assert kikao("shap:app").exit_code == 1
    assert kikao("shap:app", "--fail-on", "error").exit_code == 0


def test_a_finding_is_allowed_with_a_reason(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP.replace(".now()", ".now()  # kikao: allow K404 - shown nowhere"))

    assert kikao("shop:app").exit_code == 0


def test_what_the_app_prints_is_no_part_of_the_report(folder: Path) -> None:
    (folder / "shop.py").write_text("print('hello')\n" + SHOP.replace("at = ", "print('held')\n    at = "))

    done = kikao("shop:app", "--format", "json")

    assert json.loads(done.stdout)["app"] == "shop:app"
    assert {"hello", "held"} <= set(done.stderr.splitlines())


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_report_in_a_file(folder: Path, form: str) -> None:
    (folder / "shop.py").write_text(SHOP)

    done = kikao("shop:app", "--format", form, "--output", "report")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("1 finding in report; explored 0 of 0 branches in 1 flow, ")
    assert json.loads((folder / "report").read_text())["version"] in (1, "2.1.0")


def test_a_report_that_cannot_be_written(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP)

    done = kikao("shop:app", "--output", "no/report")

    assert done.exit_code == 2
    assert "kikao: --output: no/report cannot be written: No such file or directory" in done.stderr


def test_another_channel(folder: Path) -> None:
    pin = 'await chat.secret("pin", Pin(), t("PIN"), use=print)'
    (folder / "shop.py").write_text(SHOP.replace("at = datetime.datetime.now()", pin))

    assert kikao("shop:app", "--select", "K503").exit_code == 0
    done = kikao("shop:app", "--select", "K503", "--channel", "sms")
    assert done.exit_code == 1
    assert "shop.py:11: K503 error" in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_library\n", "shop.py:1: ModuleNotFoundError: No module named 'no_such_library'"),
        ("def broken(:\n", "shop.py:1: SyntaxError: invalid syntax"),
        ("x = {}['a']\n", "shop.py:1: KeyError: 'a'"),
        ("import kikao\napp = kikao.App(kikao.Flows(), entry='a')\n", "shop.py:2: ValueError: the entry flow 'a' is"),
        ("import kikao\napp = kikao.App(kikao.Flows(), entry='a')\n", "is not defined; defined are []"),
        ("app = 1\n", "shop:app is a int, not a kikao App"),
        ("", "module 'shop' has no 'app'"),
    ],
)  # fmt: skip
def test_an_app_that_cannot_be_loaded(folder: Path, text: str, words: str) -> None:
    (folder / "shop.py").write_text(text)

    done = kikao("shop:app")

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("kikao: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_app_without_flows(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP + "app.engine.flows = Flows()\n")

    done = kikao("shop:app")

    assert (done.exit_code, done.stderr) == (2, "kikao: shop:app has no flows: there is nothing to check\n")


def test_the_app_is_imported_once_and_its_services_stay_closed(folder: Path) -> None:
    (folder / "shop.py").write_text(
        SHOP.replace("datetime.datetime.now()", "1")
        .replace("members=False", "members=False, services=opened")
        .replace(
            "flows = Flows()",
            "flows = Flows()\nprint('imported')\n\ndef opened(settings):\n    raise SystemExit(3)\n",
        )
    )

    done = kikao("shop:app")

    assert done.exit_code == 0
    assert done.stderr == "imported\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import sys\n\nsys.exit(0)\n", "shop.py:3: SystemExit: 0"),
        ("import os\n\nos.nothing\n", "shop.py:3: AttributeError: module 'os' has no attribute 'nothing'"),
    ],
)
def test_an_app_that_ends_python_or_breaks_at_its_import_is_no_success(
    folder: Path, source: str, reason: str
) -> None:
    (folder / "shop.py").write_text(source)

    done = kikao("shop:app")

    assert done.exit_code == 2
    assert f"shop:app cannot be imported: {reason}" in done.stderr


def test_a_report_never_takes_the_place_of_a_source(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP)

    done = kikao("shop:app", "--output", "shop.py")

    assert done.exit_code == 2
    assert "choose another name" in done.stderr
    assert (folder / "shop.py").read_text() == SHOP


def test_a_folder_of_catalogs_that_is_yet_to_be_made_comes_with_the_command_that_makes_it(
    folder: Path,
) -> None:
    shop = SHOP.replace("members=False", 'members=False, catalogs=["locales"]')
    (folder / "shop.py").write_text(shop)

    done = kikao("shop:app")

    assert done.exit_code == 2
    assert "shop.py:15: ValueError: catalogs: there is no folder locales. " in done.stderr
    assert "`kikao messages update --add sw`" in done.stderr
    made = CliRunner().invoke(main, ["messages", "update", "--add", "sw"])
    assert made.exit_code == 0
    sys.modules.pop("shop", None)
    assert kikao("shop:app", "--select", "K404").exit_code == 1
