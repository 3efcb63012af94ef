"""The words of the web-chat widget: what its buttons and notes say, which it is told in the member's language."""

from __future__ import annotations

from typing import Final

from kikao.i18n.messages import Text, Translate, t

WORDS: Final[dict[str, Text]] = {
    "title": t("Chat"),
    "open": t("Open the chat"),
    "close": t("Close the chat"),
    "unread": t("New messages: {count}", count="{count}"),
    "log": t("Messages"),
    "you": t("You"),
    "message": t("Message"),
    "write": t("Write a message"),
    "send": t("Send"),
    "attach": t("Choose a file"),
    "file": t("File"),
    "location": t("Location"),
    "locate": t("Send my location"),
    "contact": t("Contact"),
    "picture": t("Picture"),
    "video": t("Video"),
    "recording": t("Recording"),
    "page": t("opens a page"),
    "choose": t("Choose"),
    "find": t("Find in the list"),
    "none": t("Nothing found"),
    "back": t("Close the list"),
    "secret": t("Something secret"),
    "private": t("What you enter here is not kept in your chat."),
    "working": t("One moment"),
    "sending": t("Sending"),
    "waiting": t("Waits for the connection"),
    "failed": t("Not sent"),
    "retype": t("Not sent. Enter it again."),
    "again": t("Send again"),
    "refused": t("This was not taken. Write it in another way."),
    "large": t("That file is too large. It may have {size} at most.", size="{size}"),
    "unreadable": t("That file cannot be read."),
    "nowhere": t("Your device does not say where you are. Allow it, or write it."),
    "connecting": t("Connecting"),
    "online": t("Online"),
    "offline": t("You are offline. What you write is sent when you are back."),
    "away": t("The chat does not answer just now. We keep trying."),
    "missed": t("Some messages may be missing. Here is where we are:"),
    "idle": t("This chat was closed, since nothing happened for a while."),
    "logged_out": t("You have been logged out."),
    "not_logged_in": t("Log in to chat."),
    "token_expired": t("You have been here for long. Confirm that it is still you."),
    "stopped": t("This chat is over."),
    "closed": t("Closed"),
    "begin": t("Begin again"),
    "start": t("Begin"),
    "latest": t("Go to the latest message"),
}
"""By the name that the widget has for them (`assets/words.js`, where they stand in English until it is connected).
What is in braces it puts in itself."""


def words(translate: Translate) -> dict[str, str]:
    """The same in a language, as they are sent."""
    return {name: translate(text) for name, text in WORDS.items()}
