"""The reference of sessions says what the code does."""

from __future__ import annotations

import re

import pytest

from kikao.conversation.data import MAX_DATA, SessionData
from kikao.sessions.policy import SessionPolicy
from tests.sessions.policy_page import PAGES, current

REMEDY = "run: python -m tests.sessions.policy_page"


@pytest.mark.parametrize("page", ["sessions.md", "session-keys.md"])
def test_a_page_is_current(page: str) -> None:
    assert (PAGES / page).read_text(encoding="utf-8") == current(page), REMEDY


def test_every_field_of_a_policy_is_documented() -> None:
    page = (PAGES / "sessions.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \| `", page, re.MULTILINE)) == set(SessionPolicy.__struct_fields__)


def test_every_method_of_session_data_is_documented() -> None:
    page = (PAGES / "sessions.md").read_text(encoding="utf-8")
    methods = {name for name, found in vars(SessionData).items() if callable(found) and name[0] != "_"}
    assert methods == set(re.findall(r"^\| `await chat\.session\.(\w+)\(", page, re.MULTILINE))
    assert f"{MAX_DATA // 1024} KB" in page
