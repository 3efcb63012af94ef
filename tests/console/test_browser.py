"""The Chromium of tests."""

from __future__ import annotations

import pytest

from tests.console.browser import chromium


def test_without_chromium_these_tests_are_skipped_or_fail_where_they_are_demanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DEMAND_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is no chromium"), chromium():
        pass
    monkeypatch.setenv("DEMAND_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="there is no chromium"), chromium():
        pass
