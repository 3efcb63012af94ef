"""Commands in this process, and a server beside them that they reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result

from kikao import App
from kikao.cli import main
from kikao.cli.phone import loop_in_thread
from kikao.cli.serving import load_settings
from kikao.server import Server


class Commands:
    """Those that begin with some words."""

    def __init__(self, *first: str) -> None:
        self._first = first

    def __call__(self, *words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(main, [*self._first, *words], input=typed)

    def said(self, *words: str) -> str:
        """What one prints that does what it is asked."""
        done = self(*words)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def parsed(self, *words: str) -> list[dict[str, Any]]:
        """The lines of that, as JSON."""
        return [json.loads(line) for line in self.said(*words, "--json").splitlines()]


@contextmanager
def at_work(app: App, **options: Any) -> Iterator[tuple[Callable[[Any], Any], Server, list[object]]]:
    """A server in a thread, with the settings as they are: what runs something there, the server, and its events."""
    with loop_in_thread() as run:
        events: list[object] = []
        serving = app.serving(load_settings(makes_keys=True), subscribers=[events.append], **options)
        server = run(serving.__aenter__())
        try:
            yield run, server, events
        finally:
            run(serving.__aexit__(None, None, None))
