"""The `kikao` command: `kikao run module:app`, `kikao demo`, `kikao chat`."""

from kikao.cli.main import main

__all__ = ["main"]
