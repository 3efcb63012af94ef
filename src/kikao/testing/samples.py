"""Files that members send in tests: as small as each form can be, and what they say they are."""

from __future__ import annotations

from typing import Final

JPEG: Final = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080001000101011100"
    "ffc40014000100000000000000000000000000000000"
    "ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f003fffd9"
)
"""One grey point: ITU-T T.81, baseline, with tables of one code each."""

WEBP: Final = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
"""One point that nobody sees."""

OGG: Final = bytes.fromhex(
    "4f6767530002000000000000000001000000000000001c9ff5d901134f707573486561640101380180bb0000"
    "0000004f676753000400000000000000000100000001000000c5693e6c01154f70757354616773050000006b"
    "696b616f00000000"
)
"""The two headers of Opus, RFC 7845, and nothing to hear."""

MP3: Final = b"ID3\x04" + bytes(6) + b"\xff\xfb\x90\x64" + bytes(413)
"""An empty tag, and one frame of silence."""

MP4: Final = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + b"\x00\x00\x00\x08free"
"""What its first box says is all there is of it."""

PDF: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

FILES: Final = {
    "photo": JPEG,
    "image": JPEG,
    "sticker": WEBP,
    "voice": OGG,
    "audio": MP3,
    "video": MP4,
    "video_note": MP4,
    "animation": MP4,
}


def sample(kind: str) -> bytes:
    """A file of a kind that phones know; a PDF for any other."""
    return FILES.get(kind, PDF)
