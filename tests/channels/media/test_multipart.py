"""Bodies of forms, read by a reader of their own: RFC 2046, 5.1.1 and RFC 7578."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.media.multipart import Field, Form, form

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
fields = st.lists(
    st.builds(
        Field,
        names,
        st.binary(max_size=200),
        st.one_of(st.just(""), names),
        st.sampled_from(["", "image/png"]),
    ),
    max_size=6,
)


def unescaped(name: str) -> str:
    for written, meant in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(written, meant)
    return name


def read(made: Form) -> list[tuple[str, str, str, bytes]]:
    """Name, file's name, type and octets of each part, as a server reads them."""
    match = re.fullmatch("multipart/form-data; boundary=([A-Za-z0-9-]{1,70})", made.content_type)
    assert match
    boundary = b"--" + match[1].encode()
    assert made.body.endswith(boundary + b"--\r\n")
    parts = (b"\r\n" + made.body).split(b"\r\n" + boundary)
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    found = []
    for part in parts[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        said = re.fullmatch(
            'Content-Disposition: form-data; name="([^"]*)"(?:; filename="([^"]*)")?', lines[0]
        )
        assert said, lines
        mime = lines[1].removeprefix("Content-Type: ") if lines[1:] else ""
        found.append((said[1], said[2] or "", mime, data))
    return found


@given(fields)
@settings(max_examples=30)
def test_what_is_written_is_read(written: list[Field]) -> None:
    found = read(form(written))
    assert len(found) == len(written)
    for (name, filename, mime, data), field in zip(found, written, strict=True):
        assert data == field.data
        assert (unescaped(name), unescaped(filename)) == (unescaped(field.name), unescaped(field.filename))
        assert mime == (field.mime or ("application/octet-stream" if field.filename else ""))


def test_an_upload_as_the_cloud_api_takes_it() -> None:
    made = form(
        [
            Field.text("messaging_product", "whatsapp"),
            Field.text("type", "image/png"),
            Field("file", b"\x89PNG\r\n--", "kadi.png", "image/png"),
        ]
    )
    assert read(made) == [
        ("messaging_product", "", "", b"whatsapp"),
        ("type", "", "", b"image/png"),
        ("file", "kadi.png", "image/png", b"\x89PNG\r\n--"),
    ]


def test_a_name_is_no_header() -> None:
    ((name, filename, _, _),) = read(form([Field('a"\r\nX-Evil: 1', b"", 'b"; name="c\r\n\r\nd', "")]))
    assert "\r" not in name + filename
    with pytest.raises(ValueError, match="printable"):
        form([Field("a", b"", "b", "image/png\r\nX-Evil: 1")])


def test_what_is_sent_is_not_shown() -> None:
    field = Field("file", b"secret", "name")
    assert "secret" not in repr(field) + repr(form([field]))
