"""One message from a member, channel-neutral: what every gateway parses its requests into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kikao.channels.media.remote import Remote
from kikao.conversation.inputs import Attachment
from kikao.conversation.secrets import Secret

Happening = Literal["new", "reply", "end", "abort", "timeout", "notice", "charge_failed", "outcome"]
"""A dialogue begins, or a member answers. All else the provider only tells: the dialogue is over (`end`), since the
member hung up (`abort`), since nobody answered in time (`timeout`), or since the member could not be charged
(`charge_failed`); or something that concerns no dialogue (`notice`). `outcome` no provider tells: what became of an
effect waits, and the conversation goes on by itself (`kikao.outcomes`)."""

TURNS: Final = frozenset({"new", "reply"})
"""What a member did, and is answered; the rest is acknowledged, but for an outcome."""


@dataclass(frozen=True, slots=True)
class Chatted:
    """What an inbound of a chat has besides: none of it comes over USSD."""

    to: str = ""
    """Where the reply goes: the chat, where that is not the member's own address."""
    group: str = ""
    """The group it was said in, by the provider's id; empty between the member and the app alone."""
    command: str = ""
    """`balance` of `/balance 2026`, lower case; `text` is then what stands behind it."""
    pressed: str = ""
    """Which screen a tapped choice belongs to (`Parcel.mark`); `text` is then its key. Empty where it was typed."""
    seen: str = ""
    """Which screen was shown where it was typed (`Parcel.mark`), as far as that is told."""
    apart: bool = False
    """It was entered on a page of its own: a secret that no chat keeps."""
    message: str = ""
    """The provider's name of the message whose choice was tapped. Where `pressed` is empty that was of no screen, as on
    a template: nobody knows what was asked above it, so it never answers a confirmation."""
    said: str = ""
    """The provider's name of the member's own message: this one, or the one that what was tapped answers."""
    callback: str = ""
    """What the provider wants to hear that a tap arrived under; empty where it does not."""
    order: int = 0
    """Grows with each inbound of the app's account; 0 where the provider does not count them."""
    language: str = ""
    """What the provider says the member's app is set to (BCP 47)."""
    remote: Remote | None = None
    """A file that is still at the provider."""
    lost: Literal["", "lost", "large"] = ""
    """It was wanted and did not come: it could not be had, or is too large."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a gateway understood. Typed text stays a `Secret` until the question is known not to ask for one.

    `identity` is the member's address on the channel (E.164 for ussd; a provider's masked token where it hides
    numbers); it may be empty only where nobody is answered, as at an end that names its dialogue alone. `dialogue` is
    the provider's session id: never a key of ours, only a sign of a redial. `message_id` is what makes a redelivery
    recognisable, None where the provider gives nothing. It is unique over all dialogues of a member on this gateway:
    where the provider counts anew in each dialogue, the session's id is part of it.
    """

    channel: str
    gateway: str
    identity: str
    happening: Happening
    text: Secret
    """What was typed; at a dial, what was dialled behind the code, as answers joined by `*`."""
    dialogue: str = ""
    service_code: str = ""
    keyed_by_code: bool = True
    """Whether each request of this gateway tells the code, so that it is part of a session's key. Where only a dial
    does, `service_code` is as much as is known of it, for whoever reads."""
    network: str = ""
    """The member's operator, as the provider names it."""
    msisdn: str = ""
    """E.164, empty where the provider hides it."""
    message_id: Secret | None = None
    accumulated: bool = False
    """`text` is everything typed since the dialogue began, joined by `*`."""
    code_length: int = 0
    """Characters at the beginning of an accumulated `text` that are the end of the dialled code (`7` of `*167*7#`)."""
    dialled: Secret | None = None
    """Where the provider does not say whether a dialogue begins, its id alone tells: this is what was dialled behind
    the code if it does, and `text` what was answered if it does not. `happening` is then "reply", or "new" where the
    provider says it, but may say it again. Where it has no ids either, a dialogue lasts until kikao closes it, or the
    provider tells that it is over: set there as well, with nothing in it. None where the provider says, and where
    `accumulated`."""
    attachment: Attachment | None = None
    sent_at: float | None = None
    """Seconds since the epoch, by the provider's clock."""
    unknown_fields: tuple[str, ...] = ()
    """Names (never values) of fields the gateway's contract does not list."""
    again: bool = False
    """It may be a copy of what this dialogue said last, and nothing tells: if it says the same it is no answer."""
    note: str = ""
    """For the log: what the provider says of an ended dialogue (a status, never what was typed)."""
    chat: Chatted | None = None
    """What only chats have; None on channels that are none."""
    echo: tuple[tuple[str, str], ...] = ()
    """Fields that the provider wants to see again in the reply, by name; never what was typed."""

    def typed(self) -> str:
        """The text without what of it is the dialled code. Show it to nobody: there may be a PIN in it."""
        text = self.text.reveal()
        return text[self.code_length :].removeprefix("*") if self.code_length else text
