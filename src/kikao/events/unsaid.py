"""What a web server would log: the queries of requests, where browsers show tokens, and all that WebSockets carry."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Final

LOGGERS: Final = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")

UNSAID: Final = "?…"
"""Stands for a query."""


@contextlib.contextmanager
def without_queries() -> Iterator[None]:
    """Keep queries out of uvicorn's log, and what it tells only when it is debugged: whole heads, and every frame."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(_said)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_said)


def _said(record: logging.LogRecord) -> bool:
    if record.levelno < logging.INFO:
        return False
    if isinstance(record.args, tuple):
        record.args = tuple(_without(each) for each in record.args)
    return True


def _without(said: object) -> object:
    return said.partition("?")[0] + UNSAID if isinstance(said, str) and "?" in said else said
