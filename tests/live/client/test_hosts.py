"""Where the official client cannot run, tests say so, and on CI they fail."""

from __future__ import annotations

import pytest

from tests.live.client.hosts import demanded


@pytest.mark.parametrize(("command", "variable"), [("node", "DEMAND_NODE"), ("chromium", "DEMAND_BROWSER")])
def test_what_is_missing_is_skipped_and_where_it_is_demanded_it_fails(
    command: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"no {command} on the PATH"):
        demanded(command, variable, "apt")
    monkeypatch.setenv(variable, "1")
    with pytest.raises(pytest.fail.Exception, match=f"no {command} on the PATH"):
        demanded(command, variable, "apt")
