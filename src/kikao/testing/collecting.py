"""Files of transcripts as pytest collects and runs them: a test for each transcript and gateway."""

from __future__ import annotations

import asyncio
import functools
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from kikao.testing.scene import Scene
from kikao.transcripts import Transcript, TranscriptError, parse


class TranscriptFile(pytest.File):
    """One file of transcripts."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each transcript and gateway."""
        name = self.path.relative_to(self.config.rootpath).as_posix()
        try:
            transcripts = parse(self.path.read_bytes().decode("utf-8"), name)
        except (TranscriptError, UnicodeDecodeError) as error:
            raise self.CollectError(
                f"{name}: {error}" if isinstance(error, UnicodeDecodeError) else str(error)
            ) from None
        for transcript in transcripts:
            for gateway in _gateways(transcript, self.config):
                yield TranscriptTest.from_parent(
                    self,
                    name=f"{transcript.title}[{gateway}]",
                    callobj=functools.partial(_play),
                    scene=Scene(transcript, gateway, self.path),
                )


class TranscriptTest(pytest.Function):
    """One transcript through one gateway. A function to pytest, so that it has fixtures."""

    def __init__(self, *, scene: Scene, **rest: Any) -> None:
        super().__init__(**rest)
        self.scene = scene

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.scene.transcript.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """Where it failed and what was seen; for what no step should raise, with its traceback."""
        from kikao.testing.playing import PlayFailed

        failed = excinfo.value
        if not isinstance(failed, PlayFailed):
            return super().repr_failure(excinfo)
        cause = failed.__cause__
        if cause is None or self.config.getoption("tbstyle") in ("line", "no", "auto"):
            return str(failed)
        return f"{super().repr_failure(pytest.ExceptionInfo.from_exception(cause))}\n{failed}"


def scene_of(request: pytest.FixtureRequest) -> Scene:
    """Of the test that asks. Raises `LookupError` outside of transcripts."""
    node = request.node
    if not isinstance(node, TranscriptTest):
        raise LookupError(
            f"{node.name} is no transcript: its scene, and the stage for it, are for transcripts only"
        )
    return node.scene


def stage_of(scene: Scene, config: pytest.Config) -> AbstractAsyncContextManager[Any]:
    """The app of the settings, on a stage whose new members speak the language of the transcript."""
    from kikao.app import App
    from kikao.testing.stage import Stage

    target: str = config.getini("kikao_app") or ""
    module, _, name = target.partition(":")
    if not module or not name:
        raise pytest.UsageError(
            "nothing says which app transcripts are played on: set kikao_app = module:app for pytest, or define a "
            "fixture kikao_stage"
        )
    if str(config.rootpath) not in sys.path:
        sys.path.insert(0, str(config.rootpath))
    app = getattr(importlib.import_module(module), name, None)
    if not isinstance(app, App):
        raise pytest.UsageError(f"kikao_app: {target} is no kikao App")
    return Stage(app, locale=scene.language(app.engine.locales) or None)


def _play(request: pytest.FixtureRequest, kikao_stage: Any, kikao_members: Mapping[str, str]) -> None:
    """The test itself."""
    scene = scene_of(request)
    accept = request.config.getoption("--accept-screens")
    if accept and scene.gateway != _gateways(scene.transcript, request.config)[0]:
        pytest.skip(
            "screens are accepted as the first gateway shows them; run again without --accept-screens"
        )
    from kikao.testing.accepting import accept_screens
    from kikao.testing.playing import PlayFailed

    try:
        seen = asyncio.run(_played(scene, kikao_stage, kikao_members, accept=accept))
    except PlayFailed as failed:
        accept_screens(scene, failed.accepted, request.node)
        raise
    accept_screens(scene, seen, request.node)


async def _played(
    scene: Scene, staged: Any, members: Mapping[str, str], *, accept: bool
) -> dict[int, tuple[str, ...]]:
    from kikao.testing.context import Play
    from kikao.testing.playing import run

    async with staged as stage:
        play = Play(
            scene.transcript,
            stage,
            gateway=scene.gateway,
            members=members,
            language=scene.language(stage.app.engine.locales),
            path=scene.path,
        )
        return await run(play, accept=accept)


def _gateways(transcript: Transcript, config: pytest.Config) -> list[str]:
    own = transcript.settings.get("Gateways", "")
    return [name for name in re.split(r"[,\s]+", own) if name] or config.getini("kikao_gateways")
