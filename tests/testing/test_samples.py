"""What phones send unless a test says otherwise is what it is called, to whoever looks at its octets."""

from __future__ import annotations

import pytest

from kikao import App, Chat, Flows, Media, t
from kikao.channels.media.kinds import kind_of, sniffed
from kikao.testing import Stage
from kikao.testing.samples import sample

flows = Flows()


@flows.flow("receipt", title=t("Receipt"))
async def receipt(chat: Chat) -> None:
    file = await chat.ask("file", Media(("image",)), t("Send a photo."))
    await chat.end(t("{mime} it is.", mime=file.mime))


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("photo", "image/jpeg"),
        ("sticker", "image/webp"),
        ("voice", "audio/ogg"),
        ("audio", "audio/mpeg"),
        ("video", "video/mp4"),
        ("document", "application/pdf"),
    ],
)
def test_a_sample_is_of_its_kind(kind: str, mime: str) -> None:
    assert sniffed(sample(kind)) == mime
    assert kind_of(mime) == {"photo": "image", "sticker": "image", "voice": "audio"}.get(kind, kind)


async def test_a_photo_answers_a_question_for_one_and_a_document_does_not() -> None:
    async with Stage(App(flows, entry="receipt", channels=["telegram", "whatsapp"])) as stage:
        for phone in (stage.telegram("Asha"), stage.whatsapp("Brian")):
            await phone.start()
            assert "Send a photo." in await phone.send("document")
            assert await phone.send("photo") == "image/jpeg it is."
