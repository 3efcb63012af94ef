"""The pytest plugin: transcripts are collected, played, and accepted, in projects of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao.testing import Stage, accepting, playing
from tests.testing.shop import an_app

pytest_plugins = ["pytester"]

APP = """
from kikao import App, Chat, Flows, t

flows = Flows()


@flows.flow("greet", title=t("Greet"))
async def greet(chat: Chat) -> None:
    await chat.choose("how", t("Hello"), {"a": t("Again"), "b": t("Bye")})
    await chat.end(t("Bye"))


app = App(flows, entry="greet", members=False, locales={"en": "English", "sw": "Kiswahili"})
"""

TOLD = """\
// Greetings.
Asha is +256700000001.

# Hello

Asha dials.
    Hello
    1 Again
    2 Bye

Asha chooses Bye.
    Bye
    (end)
"""


@pytest.fixture(autouse=True, scope="module")
def loaded() -> tuple[object, ...]:
    """All that a play imports: what a run of pytest in this process loads, it throws away, and the next loads anew."""

    async def dial() -> None:
        async with Stage(an_app()) as stage:
            await stage.phone().dial()

    asyncio.run(dial())
    return accepting, playing


@pytest.fixture(autouse=True)
def pytest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without other plugins, and outside of CI."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "kikao.testing.plugin")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nkikao_app = greetings:app\n")
    pytester.makepyfile(greetings=APP)
    return pytester


def write(project: pytest.Pytester, text: str = TOLD, name: str = "tests/transcripts/a.txt") -> Path:
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_transcript_is_a_test(project: pytest.Pytester) -> None:
    write(project)
    write(project, "no transcript", "tests/notes.txt")
    run = project.runpytest("-v")
    run.assert_outcomes(passed=1)
    run.stdout.no_fnmatch_line("plugins: *")
    run.stdout.fnmatch_lines(["tests/transcripts/a.txt::Hello[[]africastalking[]] PASSED*"])


def test_which_files_and_which_gateways(project: pytest.Pytester) -> None:
    project.makeini(
        "[pytest]\nkikao_app = greetings:app\nkikao_transcripts =\n    told/*.md\n    more/**\n"
        "kikao_gateways = nalo africastalking\n"
    )
    write(project, name="told/a.md")
    write(project, TOLD.replace("// Greetings.", "Gateways: nalo"), "more/deep/b.talk")
    write(project, name="told/deeper/c.md")
    write(project)
    run = project.runpytest("--collect-only", "-q")
    assert {line for line in run.outlines if "::" in line} == {
        "told/a.md::Hello[nalo]",
        "told/a.md::Hello[africastalking]",
        "more/deep/b.talk::Hello[nalo]",
    }


def test_a_failure_shows_where_and_what_was_seen(project: pytest.Pytester) -> None:
    write(project, TOLD.replace("Bye\n    (end)", "See you"))
    run = project.runpytest()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(
        [
            "tests/transcripts/a.txt:11: Hello (africastalking)",
            "  Asha is +256700000001.",
            "  Asha dials.",
            "> Asha chooses Bye.",
            "┌─ expected *┐   ┌─ seen *┐",
            "│ See you  *│ ≠ │ Bye  *│",
        ]
    )
    run.stdout.no_fnmatch_line("*playing.py*")


def test_a_file_that_is_no_transcript(project: pytest.Pytester) -> None:
    write(project, "# A\nAsha dials\n")
    (project.path / "tests/transcripts/b.txt").write_bytes(b"\xff")
    run = project.runpytest()
    run.assert_outcomes(errors=2)
    run.stdout.fnmatch_lines(["tests/transcripts/a.txt:2: 'Asha dials' is no step*", "*a line may be*"])
    run.stdout.fnmatch_lines(["tests/transcripts/b.txt: *can't decode*"])


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("", "*set kikao_app = module:app for pytest, or define a fixture kikao_stage*"),
        ("greetings:flows", "*kikao_app: greetings:flows is no kikao App*"),
    ],
)
def test_an_app_that_nobody_named(project: pytest.Pytester, app: str, says: str) -> None:
    project.makeini(f"[pytest]\nkikao_app = {app}\nkikao_transcripts = tests/**/*.txt\n")
    write(project)
    run = project.runpytest()
    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines([says])


def test_text_files_of_a_project_that_has_none_are_left_alone(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\n")
    write(project, "Interviewer: Hello. Where were you?", "data/transcripts/interview.txt")
    (project.path / "data/transcripts/latin.txt").write_bytes(b"\xff")
    project.makepyfile(test_it="def test_it():\n    pass\n")
    project.runpytest("-W", "error").assert_outcomes(passed=1)


def test_a_project_without_transcripts_imports_nothing_for_them(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import sys

        def test_it():
            loaded = {name for name in sys.modules if name.startswith("kikao")}
            assert loaded == {"kikao", "kikao.testing", "kikao.testing.places", "kikao.testing.plugin"}
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_stage_in_a_conftest_is_for_what_is_below_its_folder(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\npythonpath = .\n")
    write(project, TOLD, "one/transcripts/a.txt")
    write(project, "Interviewer: Hello. Where were you?", "two/transcripts/interview.txt")
    (project.path / "one/conftest.py").write_text(CONFTEST.replace("\\\\", "\\"))
    run = project.runpytest("-v")
    run.assert_outcomes(passed=1)
    run.stdout.fnmatch_lines(["one/transcripts/a.txt::Hello*"])


WRONG = "# A\nAsha dials and answers 9.\n"


def test_the_language_is_that_of_the_file_or_its_folder(project: pytest.Pytester) -> None:
    write(project, f"{WRONG}    Chaguo ...\n    ...\n", "tests/transcripts/sw/a.txt")
    write(project, f"Language: sw\n{WRONG}    Chaguo ...\n    ...\n", "tests/transcripts/b.txt")
    write(project, f"{WRONG}    Invalid choice. ...\n    ...\n", "tests/transcripts/lg/c.txt")
    project.runpytest().assert_outcomes(passed=3)


def test_a_language_that_the_app_has_not(project: pytest.Pytester) -> None:
    write(project, f"Language: xx\n{WRONG}    Invalid choice. ...\n    ...\n")
    run = project.runpytest()
    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines(["*tests/transcripts/a.txt: Language: xx: the app has en, sw"])


CONFTEST = """
import pytest
from kikao.testing import NAME, Stage, step
from greetings import app


@pytest.fixture
def kikao_stage(kikao_scene, tmp_path):
    assert kikao_scene.transcript.title == "Hello"
    assert kikao_scene.gateway == "africastalking"
    return Stage(app, locale="sw")


@pytest.fixture
def kikao_members():
    return {"Asha": "+256700000009"}


@step(rf"(?P<who>{NAME}) has (?P<number>\\\\S+)\\\\.")
def has(play, who, number):
    assert play.number(who) == number, "another number"


@step("It breaks.")
def breaks(play):
    raise RuntimeError("broken")
"""


def test_a_stage_members_and_steps_of_a_project(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST.replace("\\\\", "\\"))
    write(project, "# Hello\nAsha has +256700000009.\nAsha dials and answers 9.\n    Chaguo ...\n    ...\n")
    project.runpytest().assert_outcomes(passed=1)


def test_what_a_step_should_not_raise_comes_with_its_traceback(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST.replace("\\\\", "\\"))
    write(project, "# Hello\nIt breaks.\n", "tests/transcripts/a.txt")
    write(project, "# Hello\nAsha has 17.\n", "tests/transcripts/b.txt")
    run = project.runpytest()
    run.assert_outcomes(failed=2)
    run.stdout.fnmatch_lines(["*raise RuntimeError*", "*tests/transcripts/a.txt:2: Hello*", "*> It breaks.*"])
    run.stdout.fnmatch_lines(["tests/transcripts/b.txt:2: Hello*", "> Asha has 17.", "*another number*"])
    project.runpytest("--tb=long", "-k", "Hello").stdout.fnmatch_lines(
        ["*assert play.number(who) == number*"]
    )


def test_the_fixtures_are_for_transcripts_only(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="def test_it(kikao_scene):\n    pass\n")
    run = project.runpytest()
    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines(["*test_it is no transcript*"])


# --- screens are accepted ---

BARE = """\
// Greetings.

# Hello

Asha dials.
// and goes
Asha chooses Bye.
    Old

# Again
Gateways: nalo

Asha dials.
    Hel...
    ...
Asha answers 2.
"""

ACCEPTED = """\
// Greetings.

# Hello

Asha dials.
    Hello
    1 Again
    2 Bye

// and goes
Asha chooses Bye.
    Bye
    (end)

# Again
Gateways: nalo

Asha dials.
    Hel...
    ...
Asha answers 2.
    Bye
    (end)
"""


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n2"]])
def test_screens_are_accepted_and_nothing_else_changes(project: pytest.Pytester, options: list[str]) -> None:
    path = write(project, BARE)
    path.chmod(0o640)
    run = project.runpytest("--accept-screens", *options)
    run.assert_outcomes(passed=2)
    run.stdout.fnmatch_lines(["kikao: 3 screens accepted in tests/transcripts/a.txt: read what changed"])
    assert path.read_text(encoding="utf-8") == ACCEPTED
    assert path.stat().st_mode & 0o777 == 0o640
    run = project.runpytest("--accept-screens")
    run.assert_outcomes(passed=2)
    run.stdout.no_fnmatch_line("*accepted in*")
    project.runpytest().assert_outcomes(passed=2)


def test_a_step_that_fails_is_not_accepted_and_what_came_before_it_is(project: pytest.Pytester) -> None:
    path = write(project, "# A\nAsha dials.\nAsha flies.\n\n# B\nAsha dials.\nAsha chooses Fly.\n")
    run = project.runpytest("--accept-screens")
    run.assert_outcomes(failed=2)
    run.stdout.fnmatch_lines(["kikao: 1 screen accepted in tests/transcripts/a.txt*"])
    assert path.read_text(encoding="utf-8").startswith(
        "# A\nAsha dials.\nAsha flies.\n\n# B\nAsha dials.\n    Hello\n"
    )


def test_screens_are_accepted_through_the_first_gateway(project: pytest.Pytester) -> None:
    write(project, TOLD.replace("// Greetings.", "Gateways: nalo, africastalking"))
    run = project.runpytest("--accept-screens", "-rs")
    run.assert_outcomes(passed=1, skipped=1)
    run.stdout.fnmatch_lines(["*as the first gateway shows them*"])


def test_nothing_is_accepted_where_a_machine_checks(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(project, BARE)
    monkeypatch.setenv("CI", "true")
    run = project.runpytest("--accept-screens")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*--accept-screens writes files, and CI is set*"])
    assert path.read_text(encoding="utf-8") == BARE
    monkeypatch.setenv("CI", "false")
    project.runpytest("--accept-screens").assert_outcomes(passed=2)
