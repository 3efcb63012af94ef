"""Secrets among the settings: in no text and in no copy."""

import copy
import pickle
from pathlib import Path

import pytest

from kikao.config import Hidden, SecretKeys, load
from tests.config.asking import KEY, KEY_TEXT, PRODUCTION, TOKEN


def test_no_text_of_the_settings_has_a_secret(tmp_path: Path) -> None:
    found = load(PRODUCTION, tmp_path)
    lines = "\n".join(found.describe())
    for text in (repr(found), str(found), f"{found}", lines):
        assert TOKEN not in text
        assert KEY_TEXT not in text
        assert repr(KEY)[2:-1] not in text
    assert "secret keys: set, from KIKAO_SECRET_KEYS (environment) (k1; the first seals)" in lines
    assert "ussd africastalking: path token set, allowed: every address" in lines


@pytest.mark.parametrize("secret", [Hidden(b"hunter2"), SecretKeys({"k1": b"hunter2"})])
def test_a_hidden_value_has_no_text_and_no_copy(secret: Hidden | SecretKeys) -> None:
    assert "hunter2" not in f"{secret} {secret!r}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leak(secret)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[union-attr]
