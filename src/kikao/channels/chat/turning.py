"""What a turn does differently in a chat, where members scroll back, tap what is old, and type what they read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec
from msgspec import structs

from kikao.channels.channel import Gateway, Response
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.ladder import meant
from kikao.channels.chat.message import Link, Message
from kikao.channels.chat.secret_links import SecretLinks
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.media.kinds import kind_of
from kikao.conversation.attached import Attached
from kikao.conversation.effects import Host
from kikao.conversation.engine import WORKING, Engine
from kikao.conversation.errors import TEXTS, ErrorCode
from kikao.conversation.inputs import Attachment, Dial, Event, File, Place, Reply, Show
from kikao.conversation.journal import Conversation
from kikao.conversation.member import Member
from kikao.conversation.runner import RECEIVED, Turned
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import Text, Translate, t
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.outgoing import Status
from kikao.sessions.session import Session

WHY: Final[dict[str, Text]] = {
    "old": t("That button is of an older message. Here is where we are:"),
    "over": t("That question is over. Here is where we are:"),
    "unknown": t("I do not know that command."),
    "secret": t("Do not type it here, where it is kept. Use the button."),
    "field": t("Do not write it as a message. Enter it in the field."),
    "lost": t("Your file did not arrive. Send it again."),
    "large": t("That file is too large. Send a smaller one."),
}
"""What stands above a screen that is shown again; see `Show.why`."""

TOASTS: Final[dict[str, Text]] = {"old": t("That button is of an older message.")}
"""What is said besides where a provider shows something for a tap."""

WORDED: Final[tuple[tuple[Text, Text], ...]] = (
    (RECEIVED, t("Request received. Do not repeat it. You will get the result here.")),
    (
        TEXTS[ErrorCode.UNKNOWN_OUTCOME],
        t("We are checking your request. Do not repeat it. You will get the result here."),
    ),
    (
        WORKING.body[0],
        t("Your last request is still being processed. You will get the result here."),
    ),
)
"""What is said otherwise where nobody has to dial again."""

ENTER: Final = t("Enter it here")
"""On the button that leads to the page where a secret is entered."""

ALONE: Final = t("The next step needs something secret, and others read here. Go on in a chat with me alone.")
"""In place of a question for a secret, in a group."""

NOWHERE: Final = t(
    "The next step needs something secret, which is not typed into a chat. There is no page for it here."
)
"""In place of a question for a secret, where the server has no address that a link could lead to."""

GO_ON: Final = t("Go on alone")
"""On the button that leads there."""

MOVES: Final = ("back", "home", "cancel", "language")
"""Commands that are the engine's own."""


class ChatTurn:
    """One inbound of a chat, as the turn meets it: what the member meant, and what they are shown."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        inbound: Inbound,
        gateway: Gateway,
        translate: Callable[[str], Translate],
        links: SecretLinks | None,
    ) -> None:
        self._engine = engine
        self._store = sessions.store
        self._inbound = inbound
        self._gateway = cast(ChatGateway, gateway)
        self._chat = inbound.chat or Chatted()
        self._translate = translate
        self._links = links
        self._why = ""
        self._locale = ""
        self._spoiled = False
        """Whether something secret may stand in the chat now."""
        self._said: tuple[Held, Message] | None = None
        """What the member said, and the try of the turn that took it: their other devices may show it."""
        self._wanted = ""
        """What the member was asked to share."""

    @property
    def language(self) -> str:
        """The app's language that the provider says the member's is; empty where it has none of it."""
        said = self._chat.language.partition("-")[0].lower()
        return said if said in self._engine.locales else ""

    async def event(self, event: Event, held: Held) -> Event:
        """What `understand` made of it, as the member meant it: a command, or a label that they typed out.

        A typed answer to a confirmation that still waits to leave, or that never came, is none: they did not see that.
        Nor is one that was typed under another screen.
        """
        run, self._locale = held.session.conversation.run, held.session.conversation.locale
        self._wanted = run.pending.screen.wants if run is not None and run.pending is not None else ""
        asked = self._engine.asked(held.session.conversation)
        event = await self._meant(event, held)
        self._why = event.why if isinstance(event, Show) else ""
        if self._why == "secret" and self._gateway.has_field:
            self._why = "field"
        if self._why == "old" and self._chat.apart:
            self._why = "over"  # entered in a field or on a page of its own: there was no button
        if isinstance(event, Reply) and (said := self._told(event, asked)) is not None:
            self._said = held, said
        return event

    def _told(self, event: Reply, asked: Screen | None) -> Message | None:
        """What of an answer may be shown to who answered, elsewhere: nothing that could be secret.

        A number that answers nothing, as no choice has it, may be a PIN that came too late for its question.
        """
        text, translate = self._inbound.text.reveal(), self._translate(self._locale)
        options = () if asked is None else (*asked.options, *asked.navigation)
        answers = asked is not None and (not asked.options or event.text.reveal() in {o.key for o in options})
        if self._chat.apart or (not answers and any(map(str.isdigit, text))):
            return None
        if self._chat.pressed:
            labels = (translate(option.label) for option in options if option.key == text)
            label = next(labels, "")
            return Message(label) if label else None
        if event.attachment is not None:
            return _attached(event.attachment, text)
        return None if asked is not None and asked.secret else Message(text)

    async def _meant(self, event: Event, held: Held) -> Event:
        text, engine, conversation = self._inbound.text, self._engine, held.session.conversation
        if isinstance(event, Dial):  # /start, with what the link brought
            going = conversation.run is not None or conversation.overlay or conversation.farewell is not None
            if event.resume == "on" and going and not text.reveal():
                return Show()  # in a chat nothing that was asked has to be asked in another way
            ahead = tuple(map(Secret, text.reveal().split("_")))
            known = engine.shortcuts is not None and engine.shortcuts.meant(ahead) is not None
            return Dial(ahead if known else (), event.resume)
        if isinstance(event, Reply) and self._chat.apart and not self._asks_for_a_secret(conversation):
            return Show(why="old")
        if not isinstance(event, Reply) or self._chat.apart:
            return event
        if self._chat.pressed and not self._asks_for_a_secret(conversation):
            return event
        if self._chat.command:
            return self._commanded(self._chat.command, text.reveal().split())
        if self._chat.lost:
            return Show(why=self._chat.lost)
        run, screen = conversation.run, engine.asked(conversation)
        if screen is None:
            return event
        if screen.whole and (self._chat.message or self._saw_another(held) or await self._unseen(held)):
            return Show()
        said = self._read(text.reveal(), screen, conversation.locale)
        in_group, waits = self._is_asked_in_a_group(), run is not None and run.pending is not None
        if screen.secret and (in_group or waits) and not self._moves(said, screen, conversation):
            self._spoiled = True
            return Show(why="secret" if self._enters_apart and not in_group else "")
        return Reply(Secret(said), event.attachment)

    @property
    def _enters_apart(self) -> bool:
        """Whether there is somewhere to enter what the chat must not keep."""
        return self._gateway.has_field or self._links is not None

    def _asks_for_a_secret(self, conversation: Conversation) -> bool:
        screen = self._engine.asked(conversation)
        return screen is not None and screen.secret

    def _is_asked_in_a_group(self) -> bool:
        """Where others read what is asked, and what is answered: no secret is either."""
        return bool(self._chat.group)

    def _moves(self, said: str, screen: Screen, conversation: Conversation) -> bool:
        """Whether what was typed is one of the keys of the navigation."""
        pending = conversation.run.pending if conversation.run is not None else None
        if pending is None:
            return False
        page, pages = pending.page, pending.pages
        return (
            self._engine.navigation.command(said, screen, pending.literal, page=page, pages=pages) is not None
        )

    def _commanded(self, command: str, said: Sequence[str]) -> Event:
        if command in MOVES:
            keys: tuple[str, ...] = getattr(self._engine.navigation, command).keys
            if keys:
                return Reply(Secret(keys[0]))
        pieces, shortcuts = tuple(map(Secret, (command, *said))), self._engine.shortcuts
        if shortcuts is not None and shortcuts.meant(pieces) is not None:
            return Dial(pieces, "anew")
        return Show(why="unknown")

    def _saw_another(self, held: Held) -> bool:
        """Whether it was typed under another screen than this, as far as that is told: on another device, or before a
        connection was lost."""
        dialogue = held.session.dialogue
        return self._gateway.tells_seen and (dialogue is None or self._chat.seen != dialogue.shown)

    async def _unseen(self, held: Held) -> bool:
        """Whether something of the last turn, or of one before, has not left yet; or never will, or did not arrive."""
        async for message in self._store.messages(session=held.claim.key):
            if message.to != self._gateway.pushes:
                continue
            lost = message.state == "dead" or message.status is Status.FAILED
            if message.state == "waiting" or (lost and message.posted_at >= held.session.seen_at):
                return True
        return False

    async def advance(self, conversation: Conversation, event: Event, member: Member, host: Host) -> Turned:
        """As `Engine.advance`. What opens a conversation answers its first question only if it names an option of it.

        Whoever writes "hi" saw no question yet, so that is no answer; nor is a number, which could mean anything.
        """
        opens = isinstance(event, Reply) and conversation.run is None
        opens = opens and not conversation.overlay and conversation.farewell is None
        turned = await self._engine.advance(conversation, event, member, host)
        if opens and isinstance(event, Reply) and turned.what == "asked" and not turned.screen.whole:
            said = event.text.reveal()
            key = self._read(said, turned.screen, conversation.locale)
            if key != said:
                facts = turned.facts
                turned = await self._engine.advance(conversation, Reply(Secret(key)), member, host)
                turned.facts = [*facts, *turned.facts]
        return turned

    def worded(self, screen: Screen) -> Screen:
        """A screen as a chat shows it: in its own words, with what the member is told about what they did."""
        if screen.secret and self._is_asked_in_a_group():
            return structs.replace(screen, body=(ALONE,), secret=False)
        if screen.secret and not self._enters_apart:
            return structs.replace(screen, body=(NOWHERE,), secret=False)
        body = tuple(_worded(text) for text in screen.body)
        body = (WHY[self._why], *body) if self._why else body
        return screen if body == screen.body else structs.replace(screen, body=body)

    def reply(self, inbound: Inbound, page: Message, *, ends: bool) -> Response:
        """The answer to the provider, with what it tells the member about a choice that they tapped."""
        if self._spoiled:
            return self._gateway.forgets(inbound)
        toast = TOASTS.get(self._why) if self._chat.pressed else None
        note = "" if toast is None else self._translate(self._locale)(toast)
        return self._gateway.reply(inbound, page, ends=ends, note=note)

    def leaving(self, held: Held, turned: Turned, message: Message) -> tuple[Message, dict[str, str]]:
        """A message as it leaves, with the link that a secret is entered by; how its choices are named when they are
        tapped, and which message it may be put in place of. The session remembers that it shows it.
        """
        session, run = held.session, held.session.conversation.run
        asks = turned.screen.secret and self._enters_apart and run is not None and run.secret
        if turned.screen.secret and self._is_asked_in_a_group():
            asks, message = False, self._alone(message, session.conversation)
        mark = mark_of(session, turned) if message.choices or asks else ""
        if session.dialogue is not None:
            place = (self._chat.to, self._chat.group)
            session.dialogue = structs.replace(session.dialogue, shown=mark, place=place)
        if asks and self._gateway.has_field:
            message = structs.replace(message, secret=True)
        elif asks and self._links is not None:
            locale = session.conversation.locale
            url = self._links.link(held.claim.key, self._inbound, mark, locale)
            message = structs.replace(message, link=Link(self._translate(locale)(ENTER), url))
        if self._wanted and self._wanted != message.wants:
            message = structs.replace(message, clears=True)
        turns_page = bool(self._chat.pressed) and turned.what == "shown" and not self._why
        return message, {"mark": mark, "over": self._chat.message if turns_page else ""}

    def echoed(self, held: Held, until: float) -> list[bytes]:
        """What the member said, as this try of the turn took it, for their other devices."""
        if self._said is None or self._said[0] is not held:
            return []
        return self._gateway.echoed(self._inbound, self._said[1], until=until)

    def _alone(self, message: Message, conversation: Conversation) -> Message:
        """With a link to where nobody else reads, and to the command that begins this there."""
        run, shortcuts = conversation.run, self._engine.shortcuts
        words = {} if shortcuts is None else shortcuts.words
        begins = (word for word, shortcut in words.items() if run is not None and shortcut.flow == run.flow)
        url = self._gateway.alone(next(begins, ""))
        if not url:
            return message
        return structs.replace(message, link=Link(self._translate(conversation.locale)(GO_ON), url))

    def _read(self, said: str, screen: Screen, locale: str) -> str:
        return meant(said, screen, self._translate(locale), self._gateway.limits)


def _attached(attachment: Attachment, text: str) -> Message | None:
    if isinstance(attachment, File):
        return Message(text, shows=(Attached(kind_of(attachment.mime), attachment),))
    if isinstance(attachment, Place):
        return Message(text, shows=(Attached("location", attachment),))
    return None


def _worded(text: Text) -> Text:
    return next((ours for theirs, ours in WORDED if theirs == text), text)


def mark_of(session: Session, turned: Turned) -> str:
    """What tells a screen from all others that this session shows, so that its choices answer no other: 8 characters.

    The same question, shown again with the same options, is the same, whatever was wrong with the answer. It is another
    one where something before it was answered otherwise: who went back and changed the amount confirms that, and not
    what an older message, or a page that is still open, says.
    """
    run = session.conversation.run
    asked = turned.screen
    if run is not None and run.pending is not None and turned.at == run.pending.key:
        asked = run.pending.screen  # without what was wrong
    text = asked.body if asked.whole else asked.body[-1:]  # above a question stands what is told once
    of = (run.id, run.journal) if run is not None else ("", ())
    what = msgspec.msgpack.encode(
        (of, turned.at, turned.page, text, asked.about, asked.options, asked.navigation)
    )
    return base64.urlsafe_b64encode(session.hashed("screen", what.hex())[:6]).decode()
