"""The pytest plugin: transcripts are tests. Every run of pytest loads it, so what it does is imported when needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kikao.testing.scene import Scene


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    as_it_is(pluginmanager)
    group = parser.getgroup("kikao", "transcripts of conversations")
    group.addoption(
        "--accept-screens",
        action="store_true",
        help="Write the screens that are seen into transcripts, in place of those that differ. Not where CI is set.",
    )
    parser.addini("kikao_app", "The app that transcripts are played on, as module:app.")
    parser.addini(
        "kikao_transcripts",
        "Which files are transcripts, from the root: ** is any folders. By default those of folders named transcripts, "
        "where an app or a kikao_stage says what they are played on.",
        type="linelist",
        default=[],
    )
    parser.addini(
        "kikao_gateways",
        "The gateways that each transcript is played through.",
        type="args",
        default=["africastalking"],
    )


def as_it_is(pluginmanager: pytest.PytestPluginManager) -> None:
    """Leave kikao's code as it is: pytest would rewrite the `assert`s of every module that comes with a plugin.

    That would take seconds where no bytecode is kept, and the app under test would not be the one that runs.
    """
    hook = getattr(pluginmanager, "rewrite_hook", None)
    getattr(hook, "_must_rewrite", set()).difference_update({"kikao", "kikao_apps"})
    getattr(hook, "_marked_for_rewrite_cache", {}).clear()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--accept-screens"):
        from kikao.testing.accepting import refuse_in_ci

        refuse_in_ci()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    from kikao.testing.places import is_transcript

    if not is_transcript(file_path, parent.config):
        return None
    from kikao.testing.collecting import TranscriptFile

    return TranscriptFile.from_parent(parent, path=file_path)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--accept-screens"):
        from kikao.testing.accepting import accepted_lines

        for line in accepted_lines(terminalreporter.stats.values()):
            terminalreporter.write_line(line)


@pytest.fixture
def kikao_scene(request: pytest.FixtureRequest) -> Scene:
    """What is played: `transcript`, `gateway`, `path`, and `language(languages)`. For a `kikao_stage` of your own."""
    from kikao.testing.collecting import scene_of

    return scene_of(request)


@pytest.fixture
def kikao_members() -> dict[str, str]:
    """Numbers (E.164) of members by name, for those of whom a transcript tells none. Define your own to have some."""
    return {}


@pytest.fixture
def kikao_stage(kikao_scene: Scene, pytestconfig: pytest.Config) -> Any:
    """The stage that a transcript is played on: what `async with` makes a `Stage`. Define your own for other services.

    This one has the app that `kikao_app` names. New members get the language of the transcript.
    """
    from kikao.testing.collecting import stage_of

    return stage_of(kikao_scene, pytestconfig)
