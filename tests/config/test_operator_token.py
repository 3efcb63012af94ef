"""The token of operators: what it may be, and that no provider knows it."""

from pathlib import Path

import pytest

from kikao.config import load
from tests.config.asking import PRODUCTION, problem

OPERATOR = "0f8d5e1c9a7b3f6420d1c8e7"


@pytest.mark.parametrize("token", [OPERATOR, "q83vEjRWeJCrze/+q83vEjRWeJCrze8=", "a.b_c~d-e+f/g" * 3])
def test_the_operator_token_is_what_a_bearer_may_carry(tmp_path: Path, token: str) -> None:
    found = load({**PRODUCTION, "KIKAO_OPERATOR_TOKEN": token}, tmp_path)
    assert found.operator_token is not None
    assert found.operator_token.reveal() == token.encode()
    assert "operator token: set" in found.describe()
    for text in (repr(found), "\n".join(found.describe())):
        assert token not in text


def test_without_an_operator_token_it_is_told_who_sees_metrics(tmp_path: Path) -> None:
    assert "operator token: not set, /metrics is for this machine alone" in load({}, tmp_path).describe()
    assert "operator token: not set, /metrics is closed" in load(PRODUCTION, tmp_path).describe()


def test_a_token_that_a_provider_knows_is_no_operator_token(tmp_path: Path) -> None:
    environ = {**PRODUCTION, "KIKAO_OPERATOR_TOKEN": OPERATOR, "KIKAO_USSD_AFRICASTALKING_TOKEN": OPERATOR}
    told = problem(environ, tmp_path)
    assert "is also the path token of africastalking" in told
    assert OPERATOR not in told
