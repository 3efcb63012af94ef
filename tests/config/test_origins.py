"""Origins: the forms that settings write them in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.config.origins import origin


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com:8443", "https://app.example.com:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("//example.com", "//example.com"),
        ("//*.Example.com", "//*.example.com"),
        ("//example.com:8443", "//example.com:8443"),
        ("//[::1]", "//[::1]"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]:443"),
        ("//127.0.0.1", "//127.0.0.1"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("*", "*"),
    ],
)
def test_forms(written: str, meant: str) -> None:
    assert origin(written) == meant


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("https://app.example.com/", "without a path"),
        ("https://app.example.com/chat", "without a path"),
        ("app.example.com", "must be https://host"),
        ("https://", "must be https://host"),
        ("null", "must be https://host"),
        ("", "must be https://host"),
        ("https://me@example.com", "must be https://host"),
        ("https://exa mple.com", "must be https://host"),
        ("https://-a.example.com", "must be https://host"),
        ("https://example..com", "must be https://host"),
        ("https://example.com:", "must be https://host"),
        ("https://example.com:x", "must be https://host"),
        ("https://example.com\n", "must be https://host"),
        ("*.example.com", "must be https://host"),
        ("//*", "must be https://host"),
        ("//*.com", "where it stands for hosts"),
        ("//*.0.0.1", "where it stands for hosts"),
        ("//*.example.com:443", "where it stands for hosts"),
        ("https://*.example.com", "where it stands for hosts"),
        ("//*.[::1]", "where it stands for hosts"),
        ("//example.com:0", "a port that there is not"),
        ("//example.com:65536", "a port that there is not"),
        ("//[::g]", "must be https://host"),
        ("//[:::1]", "none of IPv6"),
    ],
)
def test_what_is_none(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        origin(written)


@given(st.text(alphabet="htps:/.*ax0-1[]", max_size=20))
@settings(max_examples=100)
def test_whatever_is_written_is_an_origin_or_refused(text: str) -> None:
    try:
        found = origin(text)
    except ValueError:
        return
    assert origin(found) == found
    assert found == "*" or "//" in found
