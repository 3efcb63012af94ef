"""What a file is, by its first octets: what is said of it is believed only where it says more of the same.

A file that is not known is `application/octet-stream`, or `text/plain` if it is text. Never anything that a browser
would run: HTML and SVG are text here.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final, Literal

Kind = Literal["image", "audio", "video", "document"]

HEAD: Final = 4096
"""Octets that are looked at."""

UNKNOWN: Final = "application/octet-stream"

LONGEST_NAME: Final = 100
"""Characters of a file's name."""

_OLE = "application/x-ole-storage"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
)

_BRANDS: Final = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
}
"""Of ISO base media files, ISO/IEC 14496-12, 4.3; any other is a video of MPEG-4."""

_FINER: Final = {
    "text/plain": {"text/csv", "text/vcard", "text/calendar", "application/json"},
    "application/zip": {
        *(f"{_OFFICE}{each}" for each in ("wordprocessingml.document", "spreadsheetml.sheet")),
        f"{_OFFICE}presentationml.presentation",
    },
    _OLE: {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"},
    "video/mp4": {"audio/mp4", "audio/aac"},
    "video/webm": {"audio/webm"},
    "video/3gpp": {"audio/3gpp"},
    "audio/ogg": {"audio/opus"},
}
"""What files of one form may be besides: the sender knows, and no octet at the beginning tells."""

EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/tiff": "tiff",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}presentationml.presentation": "pptx",
    "text/plain": "txt",
    "text/csv": "csv",
    "text/vcard": "vcf",
    "application/json": "json",
}
"""What a file without a name ends with."""

_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,90}").fullmatch
"""RFC 6838, 4.2, shortened."""


def mime_of(head: bytes, declared: str = "") -> str:
    """The media type of a file that begins like this; `declared` counts where it is a finer name of the same form."""
    found = sniffed(head)
    said = plain(declared)
    return said if said in _FINER.get(found, ()) else found


def sniffed(head: bytes) -> str:
    """The media type, by the beginning of a file alone."""
    head = head[:HEAD]
    for signature, mime in _SIGNATURES:
        if head.startswith(signature):
            return mime
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12], UNKNOWN
        )
    if head[4:8] == b"ftyp":
        return "video/3gpp" if head[8:10] == b"3g" else _BRANDS.get(head[8:12], "video/mp4")
    if head[:4] == b"OggS":
        return "video/ogg" if b"\x80theora" in head[:200] else "audio/ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head[:100] else "video/x-matroska"
    if head[:4] == b"PK\x03\x04":
        return _zipped(head)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _framed(head[1])
    return "text/plain" if _is_text(head) else UNKNOWN


def plain(mime: str) -> str:
    """A media type as its sender wrote it, without parameters and in lower case; empty for what is none."""
    bare = mime.partition(";")[0].strip().lower()
    return bare if _MIME(bare) else ""


def kind_of(mime: str) -> Kind:
    """What members call it: whatever is no image, audio or video is a document."""
    main = mime.partition("/")[0]
    return main if main in ("image", "audio", "video") else "document"  # type: ignore[return-value]


def safe_name(name: str, mime: str = "") -> str:
    """A file's name that can be shown, sent and saved: no folders, nothing invisible, no hidden file; never empty.

    One that its sender did not give is `file`, with what its media type ends with.
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(" " if c.isspace() else c for c in last if not unicodedata.category(c).startswith("C"))
    shown = " ".join(shown.split()).strip(". ")
    shown = re.sub(r'[<>:"|?*]', "_", shown)
    if not shown:
        return f"file.{EXTENSIONS[mime]}" if mime in EXTENSIONS else "file"
    if len(shown) > LONGEST_NAME:
        stem, dot, ending = shown.rpartition(".")
        end = dot + ending if stem and len(ending) <= 10 else ""
        shown = shown[: LONGEST_NAME - len(end)].rstrip(". ") + end
    return shown


def _zipped(head: bytes) -> str:
    """What is packed: Office Open XML and OpenDocument name their parts at the beginning, mostly."""
    if head[30:38] == b"mimetype":
        said = head[38:120].partition(b"PK")[0].decode("latin-1")
        return said if said.startswith(_OPEN) and _MIME(said) else "application/zip"
    for part, what in (
        (b"word/", "wordprocessingml.document"),
        (b"xl/", "spreadsheetml.sheet"),
        (b"ppt/", "presentationml.presentation"),
    ):
        if part in head:
            return _OFFICE + what
    return "application/zip"


def _framed(second: int) -> str:
    """Frames of MPEG audio: ADTS has layer 0, MP3 III or II, and none a reserved version (ISO/IEC 13818-7, 11172-3)."""
    if second & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/mpeg" if second & 0x06 in (2, 4) and second & 0x18 != 0x08 else UNKNOWN


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters, though it be cut in the middle of a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and not any((ord(c) < 32 and c not in "\t\n\r\f") or c == "\x7f" for c in text)
