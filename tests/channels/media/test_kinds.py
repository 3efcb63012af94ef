"""What a file is, by its octets; and what it may be called."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.media.kinds import LONGEST_NAME, UNKNOWN, kind_of, mime_of, plain, safe_name, sniffed

OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\x00\x00\x00????", UNKNOWN),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS\x00\x02" + bytes(22) + b"OpusHead", "audio/ogg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x80theora", "video/ogg"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xfeh\x00e\x00", UNKNOWN),  # a text of UTF-16
        (b"#!AMR\n", "audio/amr"),
        (b"\x00\x00\x00\x18ftypmp42\x00", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A \x00", "audio/mp4"),
        (b"\x00\x00\x00\x18ftyp3gp5\x00", "video/3gpp"),
        (b"\x00\x00\x00\x18ftypqt  \x00", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypheic\x00", "image/heic"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska", "video/x-matroska"),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", OFFICE + "wordprocessingml.document"),
        (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml", OFFICE + "spreadsheetml.sheet"),
        (b"PK\x03\x04" + bytes(26) + b"ppt/slides", OFFICE + "presentationml.presentation"),
        (
            b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.textPK",
            "application/vnd.oasis.opendocument.text",
        ),
        (b"PK\x03\x04" + bytes(26) + b"mimetypetext/htmlPK", "application/zip"),
        (b"PK\x03\x04" + bytes(26) + b"a.txt", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        ("Habari ya asubuhi, ሰላም".encode(), "text/plain"),
        ("ሰላም".encode()[:-1], "text/plain"),  # cut within a letter
        (b"<script>alert(1)</script>", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "text/plain"),
        (b"MZ\x90\x00\x03", UNKNOWN),
        (b"\xff", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_octets_tell_what_a_file_is(head: bytes, mime: str) -> None:
    assert sniffed(head) == mime


@pytest.mark.parametrize(
    ("head", "declared", "mime"),
    [
        (b"<script>alert(1)</script>", "text/html", "text/plain"),
        (b"<script>alert(1)</script>", "image/png", "text/plain"),
        (b"MZ\x90\x00", "application/pdf", UNKNOWN),
        (b"a,b\n1,2\n", "Text/CSV; charset=utf-8", "text/csv"),
        (b"\x00\x00\x00\x18ftypmp42\x00", "audio/mp4", "audio/mp4"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel", "application/vnd.ms-excel"),
        (b"\xff\xd8\xff\xe0", "video/mp4", "image/jpeg"),
    ],
)
def test_what_is_declared_counts_where_it_is_a_finer_name(head: bytes, declared: str, mime: str) -> None:
    assert mime_of(head, declared) == mime


@given(st.binary(max_size=64), st.text(max_size=40))
def test_no_file_becomes_what_a_browser_would_run(head: bytes, declared: str) -> None:
    mime = mime_of(head, declared)
    assert plain(mime) == mime
    assert mime not in {"text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript"}


def test_what_members_call_a_file() -> None:
    mimes = ("image/heic", "audio/amr", "video/3gpp", "application/pdf", "text/csv", UNKNOWN)
    assert [kind_of(mime) for mime in mimes] == ["image", "audio", "video", *["document"] * 3]


@pytest.mark.parametrize(
    ("name", "mime", "safe"),
    [
        ("kitambulisho.pdf", "application/pdf", "kitambulisho.pdf"),
        ("../../etc/passwd", "", "passwd"),
        ("..\\..\\windows\\system.ini", "", "system.ini"),
        ("/etc/", "application/pdf", "file.pdf"),
        ("..", "", "file"),
        (".bashrc", "", "bashrc"),
        ("a\x00b\r\nc.pdf", "", "abc.pdf"),
        ("cv\u202efdp.exe", "", "cvfdp.exe"),
        ('x"; filename="y', "", "x_; filename=_y"),
        ("  two   words . ", "", "two words"),
        ("", "image/jpeg", "file.jpg"),
        ("መታወቂያ.jpg", "image/jpeg", "መታወቂያ.jpg"),
        ("a" * 300 + ".pdf", "", "a" * (LONGEST_NAME - 4) + ".pdf"),
        ("a." + "b" * 300, "", "a." + "b" * (LONGEST_NAME - 2)),
    ],
)
def test_names_are_made_fit(name: str, mime: str, safe: str) -> None:
    assert safe_name(name, mime) == safe


@given(st.text())
def test_any_name_is_one_that_can_be_saved(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= LONGEST_NAME
    assert safe not in {".", ".."}
    assert not set(safe) & set('/\\<>:"|?*\0')
    assert not any(unicodedata.category(c).startswith("C") for c in safe)
    assert safe_name(safe) == safe
