"""The durable conversation: a coroutine that survives hang-ups, restarts and deploys.

Pure: it knows no store, no channel, no clock and no randomness of its own.
"""

from kikao.conversation.answer_types import Date, Money, Number, Phone, Pin, Text
from kikao.conversation.answers import Answer, Choice, Confirm, Location, Media
from kikao.conversation.attached import Attached
from kikao.conversation.chat import Chat
from kikao.conversation.effects import Step
from kikao.conversation.errors import BackendError, ErrorCode, Invalid, Misuse, RefusedError
from kikao.conversation.examples import examples
from kikao.conversation.flows import Flow, Flows
from kikao.conversation.inputs import File, Place
from kikao.conversation.member import Member
from kikao.conversation.navigation import Key, Navigation
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.conversation.shortcuts import Shortcut

__all__ = [
    "Answer",
    "Attached",
    "BackendError",
    "Chat",
    "Choice",
    "Confirm",
    "Date",
    "Done",
    "ErrorCode",
    "File",
    "Flow",
    "Flows",
    "Invalid",
    "Key",
    "Location",
    "Media",
    "Member",
    "Misuse",
    "Money",
    "Navigation",
    "Number",
    "Phone",
    "Pin",
    "Place",
    "Refused",
    "RefusedError",
    "Secret",
    "Shortcut",
    "Step",
    "Text",
    "Unknown",
    "Voided",
    "examples",
]
