"""What a check found, and the rules there are. Every finding is of one rule, by its code."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

Severity = Literal["error", "warning", "note"]
"""An error breaks a promise or a screen; a warning hurts members or authors; a note is good to know."""


class Rule(msgspec.Struct, frozen=True):
    """One thing that is looked for. `code` never changes: people write it down to say that they want it so."""

    code: str
    title: str
    severity: Severity
    why: str
    """What a member or an operator would see."""
    cure: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place where a rule is broken."""

    code: str
    message: str
    """What is wrong, there: one sentence."""
    hint: str = ""
    """What to do, where the rule's cure is not enough."""
    file: str = ""
    """Relative to the present folder where it is in it; empty for what has no place."""
    line: int = 0
    """From 1."""
    flow: str = ""
    key: str = ""
    """Journal key of the question or effect, without its ordinal."""
    locale: str = ""
    screen: str = ""
    """The page as a member would see it, for what is about screens."""


def told(code: str, text: str, **where: Any) -> Finding:
    """A finding of a text whose last sentence says what to do: `'Amount' is not translated. Translate it.`"""
    message, _, cure = text.rpartition(". ")
    return Finding(code=code, message=message, hint=cure, **where)


RULES: Final[dict[str, Rule]] = {
    rule.code: rule
    for rule in (
        Rule(
            "K001",
            "allowance that allows nothing",
            "warning",
            "It would hide the next fault on its line.",
            "Remove the comment.",
        ),
        Rule(
            "K002",
            "allowance without a rule or a reason",
            "error",
            "It allows nothing, and nobody knows why it is there.",
            "Write it as `# kikao: allow K407 - why`.",
        ),
        Rule(
            "K003",
            "file that cannot be read",
            "error",
            "Nothing is known of what is in it.",
            "Mend the file.",
        ),
        Rule(
            "K101",
            "screen over the page budget",
            "error",
            "The member gets the question in pieces, and pays for each.",
            "Shorten the text in that language, or move a part of it to a screen of its own.",
        ),
        Rule(
            "K102",
            "character outside GSM-7",
            "error",
            "One such character turns the whole page into UCS-2, which holds 70 units instead of 160 septets.",
            "Write it with a letter of the GSM 7-bit alphabet.",
        ),
        Rule(
            "K103",
            "confirmation does not fit on one page",
            "error",
            "A confirmation is never split, so the member reads an apology instead.",
            "Shorten it until it fits with the longest values it can have.",
        ),
        Rule(
            "K104",
            "more options than a page can hold",
            "warning",
            "What stands on a later page is hardly ever chosen.",
            "Group the options, or ask for the first letters.",
        ),
        Rule(
            "K105",
            "prompt will be cut",
            "error",
            "A word or a label is longer than what the channel shows, and is broken where it ends.",
            "Shorten it.",
        ),
        Rule(
            "K201",
            "translation missing",
            "error",
            "The member reads English in the middle of another language.",
            "Translate it: `kikao messages update` adds it to the catalogs.",
        ),
        Rule(
            "K202",
            "translation unused",
            "warning",
            "Translators keep up a sentence that nobody reads.",
            "Remove it from the catalog: `kikao messages update --drop` does.",
        ),
        Rule(
            "K203",
            "wrong placeholder",
            "error",
            "The member reads the English sentence, or one without its amount.",
            "Use exactly the parameters of the English sentence.",
        ),
        Rule(
            "K204",
            "plural without {n}",
            "warning",
            "The member reads a plural and not how many.",
            "Put {n} into every form.",
        ),
        Rule(
            "K205",
            "catalog that does not work",
            "error",
            "Members read English, or what was translated before.",
            "Mend the file, then compile it: `kikao messages update`.",
        ),
        Rule(
            "K206",
            "sentence that cannot be translated",
            "error",
            "No catalog can have it: what it says is known only when it runs.",
            'Write it out: `t("Hello {name}", name=name)`.',
        ),
        Rule(
            "K207",
            "translation with other space around it",
            "error",
            "Two sentences run into each other, or a screen has an empty line.",
            "Keep the space and the line breaks of the English sentence.",
        ),
        Rule(
            "K208",
            "sentence that is not marked",
            "warning",
            "Members of every language read it as it is written: no catalog can have it.",
            'Mark it, with what changes as a parameter: `t("Hello {name}", name=name)`.',
        ),
        Rule(
            "K301",
            "flow that nobody can reach",
            "warning",
            "It is kept up and never held.",
            "Offer it in a menu, call it, or remove it.",
        ),
        Rule(
            "K302",
            "two questions with one key",
            "warning",
            "The second is told from the first by its order only: a change of order mixes up answers in flight.",
            "Give each its own name.",
        ),
        Rule(
            "K303",
            "loop without a way out",
            "error",
            "Whoever comes there can only hang up.",
            "Add an option that ends or leaves the loop.",
        ),
        Rule(
            "K304",
            "branch that was not explored",
            "note",
            "Nothing is known of the screens behind it.",
            "Register examples with the service that decide the branch the other way.",
        ),
        Rule(
            "K305",
            "flow breaks",
            "error",
            "The member reads an apology.",
            "Mend the error; the answers that lead to it are listed.",
        ),
        Rule(
            "K306",
            "shortcut with a key that is never asked",
            "warning",
            "What is dialled for it, and for those behind it, is dropped: the member types it again.",
            "Name the questions as the flow asks them, in their order, and neither a confirmation nor a secret.",
        ),
        Rule(
            "K401",
            "bare except around a question",
            "error",
            "It catches the end of the turn, and the flow goes on without an answer.",
            "Catch the errors that are meant: `except BackendError`.",
        ),
        Rule(
            "K402",
            "await in finally",
            "error",
            "It runs at the end of every turn, not of the conversation.",
            "Do it after the question, in a step of its own.",
        ),
        Rule(
            "K403",
            "questions at the same time",
            "error",
            "Answers would land where they do not belong.",
            "Ask one after the other; `chat.form` for several, `chat.steps_parallel` for effects.",
        ),
        Rule(
            "K404",
            "clock in a flow",
            "error",
            "A replay sees another time, and takes another way.",
            "Use `await chat.now()`.",
        ),
        Rule(
            "K405",
            "randomness in a flow",
            "error",
            "A replay draws other numbers, and takes another way.",
            "Use `chat.random(name)`.",
        ),
        Rule(
            "K406",
            "unique id in a flow",
            "error",
            "A replay makes another id: what was done under the first is done again.",
            "Use the key that `step` and `secret` hand to the effect.",
        ),
        Rule(
            "K407",
            "input or output outside of read and step",
            "error",
            "It happens again on every turn, and what it returns may differ.",
            "Wrap a look-up in `chat.read`, an effect in `chat.step`.",
        ),
        Rule(
            "K501",
            "secret before another question",
            "warning",
            "The secret is used before the member has said everything, and cannot be taken back.",
            "Ask for the secret last.",
        ),
        Rule(
            "K502",
            "step without retry",
            "error",
            "Nobody knows what may follow when its outcome is unknown.",
            'Declare retry="key", "check" or "never".',
        ),
        Rule(
            "K503",
            "secret by SMS",
            "error",
            "An SMS keeps what is typed, and who has no browser cannot open the page that is for secrets.",
            "Ask for it over USSD or in a chat, or take the flow off that channel.",
        ),
        Rule(
            "K504",
            "secret asked as an ordinary answer",
            "warning",
            "It is kept with the session, and is a plain text that a log or an error may show.",
            "Ask for it with `chat.secret`: it exists only inside of `use`, and nowhere else.",
        ),
        Rule(
            "K505",
            "post to a name that is not declared",
            "warning",
            "The message waits in the outbox, and nobody gets it.",
            "Declare it where the server runs, as `[webhooks.NAME]`, or mend the name.",
        ),
    )
}
