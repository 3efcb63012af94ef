"""What channels take of what flows show, and what is said where they take nothing."""

from __future__ import annotations

import msgspec
import pytest

from kikao.channels.media.limits import CHANNELS, MB, misfit
from kikao.channels.media.saying import said
from kikao.conversation.attached import Attached
from kikao.conversation.errors import Misuse
from kikao.conversation.inputs import File, Place
from kikao.i18n.messages import Message, t

JPEG = File("m1", "image/jpeg", 5 * MB, "ab" * 32, f"{'a' * 32}/{'b' * 32}", "kadi.jpg")
PDF = File("m2", "application/pdf", 1000, "ab" * 32, f"{'a' * 32}/{'c' * 32}", "terms.pdf")
LINK = "https://example.com/terms.pdf?v=2"


@pytest.mark.parametrize(
    ("channel", "kind", "mime", "size", "why"),
    [
        ("whatsapp", "image", "image/jpeg", 5 * MB, ""),
        (
            "whatsapp",
            "image",
            "image/jpeg",
            5 * MB + 1,
            "whatsapp takes 5,000,000 octets of image, not 5,000,001",
        ),
        ("whatsapp", "image", "image/webp", 10, "whatsapp takes no image/webp as image"),
        ("whatsapp", "document", "application/zip", 10, "whatsapp takes no application/zip as document"),
        ("telegram", "document", "application/zip", 50 * MB, ""),
        (
            "telegram",
            "image",
            "image/jpeg",
            10 * MB + 1,
            "telegram takes 10,000,000 octets of image, not 10,000,001",
        ),
        ("ussd", "image", "image/jpeg", 10, "ussd shows no files"),
    ],
)
def test_what_a_channel_takes(channel: str, kind: str, mime: str, size: int, why: str) -> None:
    assert misfit(channel, kind, mime, size) == why  # type: ignore[arg-type]


def test_of_a_link_only_the_kind_is_known() -> None:
    assert misfit("whatsapp", "image", "", 0, linked=True) == ""
    assert misfit("ussd", "image", "", 0, linked=True) == "ussd shows no files"


def test_every_kind_has_a_limit() -> None:
    for limits in CHANNELS.values():
        assert set(limits) == {"image", "audio", "video", "document"}


@pytest.mark.parametrize(
    ("attached", "text"),
    [
        (Attached.document(LINK, caption=t("Our terms")), (t("Our terms"), LINK)),
        (Attached.location(Place(0.3476, 32.5825), caption="Kampala"), ("Kampala", "0.34760, 32.58250")),
        (Attached.contact("Help desk", "+256312000000"), ("Help desk +256312000000",)),
    ],
)
def test_what_cannot_be_shown_is_said(attached: Attached, text: tuple[object, ...]) -> None:
    assert said(attached) == text


def test_a_file_without_a_link_is_told_of() -> None:
    for attached in (Attached.image(JPEG), Attached.document(JPEG)):
        (only,) = said(attached)
        assert isinstance(only, Message)
        assert "cannot be shown here" in only.msgid


@pytest.mark.parametrize(
    "attached",
    [
        Attached.image(JPEG, caption=t("Card of {name}", name="Amina")),
        Attached.document(PDF),
        Attached.video("https://example.com/v.mp4", caption="How to pay"),
        Attached.audio("https://example.com/a.ogg"),
        Attached.location(Place(-1.0, 30.0)),
        Attached.contact("Amina", "+256772000001", caption=t("Call her")),
    ],
)
def test_what_is_attached_can_be_kept(attached: Attached) -> None:
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(attached), type=Attached) == attached


def test_a_document_has_the_name_of_its_file() -> None:
    assert Attached.document(PDF).filename == "terms.pdf"
    assert Attached.document(PDF, filename="masharti.pdf").filename == "masharti.pdf"
    assert (Attached.document(PDF).mime, Attached.document(LINK).mime) == ("application/pdf", "")


@pytest.mark.parametrize(
    ("kind", "what", "why"),
    [
        ("image", PDF, "a file of application/pdf is no image"),
        ("image", "http://example.com/a.png", "https://"),
        ("image", "javascript:alert(1)", "https://"),
        ("image", "https:///a.png", "https://"),
        ("image", "https://user:pw@example.com/a.png", "before its host"),
        ("image", "https://example.com/a b.png", "ASCII without spaces"),
        ("image", "https://example.com/" + "a" * 2000, "at most 2000"),
        ("image", "https://[::1", "is none"),
        ("audio", Place(0, 0), "an audio is a File"),
        ("video", None, "a video is a File"),
    ],
)
def test_what_does_not_go_together_is_misuse(kind: str, what: object, why: str) -> None:
    with pytest.raises(Misuse, match=why) as caught:
        getattr(Attached, kind)(what)
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Attached.location(Place(91, 0)),
        lambda: Attached.location(Place(float("nan"), 0)),
        lambda: Attached.location(JPEG),  # type: ignore[arg-type]
        lambda: Attached("contact", JPEG),
        lambda: Attached.contact("", "+256312000000"),
        lambda: Attached.contact("A\nB", "+256312000000"),
        lambda: Attached.contact("Help", "0312000000"),
        lambda: Attached.image(JPEG, caption=None),  # type: ignore[arg-type]
        lambda: Attached.document(PDF, filename="a\nb"),
    ],
)
def test_parts_that_are_none_are_misuse(make: object) -> None:
    with pytest.raises(Misuse, match="what a screen shows: "):
        make()  # type: ignore[operator]
