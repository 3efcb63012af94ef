"""What is told to `logging`, as JSON."""

from __future__ import annotations

import io
import json
import logging

import pytest

from kikao.events.logged import logged


def test_a_warning_is_a_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    stream = io.StringIO()
    with logged(stream):
        logging.getLogger("shop").warning("%d cups\nare gone", 3)
        logging.getLogger("shop").info("nothing")
        try:
            raise ValueError("2580")
        except ValueError:
            logging.getLogger("shop").exception("broke")
    logging.getLogger("shop").addHandler(logging.NullHandler())
    logging.getLogger("shop").warning("afterwards")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    told = [(line["event"], line["level"], line["logger"], line["text"]) for line in lines]
    assert told == [("log", "warning", "shop", "3 cups\nare gone"), ("log", "error", "shop", "broke")]
    assert lines[1]["error"] == "ValueError"
    assert "2580" not in stream.getvalue()


def test_what_the_app_has_set_up_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own, stream = io.StringIO(), io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(own)])
    with logged(stream):
        logging.getLogger("shop").warning("mine")
    assert (own.getvalue(), stream.getvalue()) == ("mine\n", "")
