"""What is wrong with a catalog: every rule of `kikao messages check` but those of the code (see `sources`)."""

from __future__ import annotations

import gettext
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babel.messages import Message
from babel.messages.mofile import write_mo

from kikao.cli.messages.files import ALPHABET, GSM_7, Po, compiled, forms, key
from kikao.cli.messages.sources import Finding, Sentence, braced, named
from kikao.i18n.gsm7 import GSM7
from kikao.i18n.templates import is_plain, keeps_to, names_in

COUNTS = range(200)
"""The counts a plural rule is tried with; the rules of all languages repeat within a hundred."""


def wrong_in(
    path: Path,
    po: Po,
    sentences: Mapping[str, Sentence],
    *,
    narrows: bool = False,
    lent: Collection[str] = (),
) -> list[Finding]:
    """What is wrong with a catalog, in the order of its lines; nothing when it is complete, right and compiled.

    `narrows` is for a region's catalog (`sw_TZ`) beside that of the language (`sw`): it may leave sentences to it.
    `lent` are sentences that it may leave to kikao's own catalog.
    """
    found = [
        Finding(str(path), line, text)
        for line, text in _lines(path, po, sentences, sentences.keys() if narrows else lent)
    ]
    mo = path.with_suffix(".mo")
    if not mo.exists() or mo.read_bytes() != compiled(po):
        found.append(Finding(str(mo), 1, f"not compiled from {path.name} as it is. {UPDATE}"))
    return sorted(found)


UPDATE = "Run `kikao messages update`."


def _lines(
    path: Path, po: Po, sentences: Mapping[str, Sentence], left: Collection[str]
) -> Iterator[tuple[int, str]]:
    counts = _counts(po)
    if counts is None:
        yield 1, f"the plural rule {po.plural_forms!r} does not work. Mend Plural-Forms."
    for line in po.twice:
        yield line, "this sentence is in the catalog before. Delete one of the two."
    there = {key(message): message for message in po.entries()}
    for msgid in sorted(sentences.keys() - there.keys()):
        if msgid not in left:
            yield 1, f"{msgid!r} is missing. {UPDATE}"
    for message in (*po.entries(), *po.obsolete.values()):
        for text in _of_message(message, po, sentences, counts, left):
            yield message.lineno or 1, text


def _of_message(
    message: Message,
    po: Po,
    sentences: Mapping[str, Sentence],
    counts: list[list[int]] | None,
    left: Collection[str],
) -> Iterator[str]:
    msgid = key(message)
    if message.context:
        yield f"{msgid!r} has a context (msgctxt), which is never looked up. Delete the line."
        return
    sentence = sentences.get(msgid)
    if sentence is None or po.obsolete.get(msgid) is message:
        yield f"{msgid!r} is not in the code any more. Delete the entry, or run `kikao messages update --drop`."
        return
    if message.id != ((msgid, sentence.plural) if sentence.plural else msgid):
        yield f"{msgid!r} has another second form in the code. {UPDATE}"
        return
    if message.fuzzy:
        yield f"{msgid!r} is marked fuzzy: the translation was made for another text. Mend it and delete the mark."
        return
    strings = forms(message)
    if not any(strings):
        if msgid not in left:
            yield f"{msgid!r} is not translated. Translate it."
        return
    if not all(strings):
        yield f"{msgid!r} needs {len(strings)} forms ({po.plural_forms}), and some are empty. Translate them all."
    for place, translated in enumerate(strings):
        if translated:
            yield from _of_form(translated, place, sentence, po, counts)


def _of_form(
    translated: str, place: int, sentence: Sentence, po: Po, counts: list[list[int]] | None
) -> Iterator[str]:
    source = sentence.plural if sentence.plural and place else sentence.msgid
    if not is_plain(translated):
        yield f"{translated!r}: a brace here belongs to no {{name}}. Write {{{{ or }}}} for a brace."
    elif wrong := _parameters(translated, place, sentence, counts):
        yield f"{translated!r}: {wrong}"
    if _edges(translated) != _edges(source):
        yield f"{translated!r} begins or ends with other space, or has other line breaks, than {source!r}. Keep them."
    outside = sorted({character for character in translated if character not in GSM7})
    if outside and po.alphabet == GSM_7:
        yield (
            f"{translated!r}: {named(outside)} outside the GSM 7-bit alphabet, which halves a USSD page. Write it "
            f"with other letters, or, where the language has no other, set `{ALPHABET}: any` in the header."
        )


def _parameters(translated: str, place: int, sentence: Sentence, counts: list[list[int]] | None) -> str:
    """What is wrong with the placeholders of one form; empty when they are right."""
    there = names_in(translated)
    one, many = names_in(sentence.msgid), names_in(sentence.plural)
    may = one | many | {"n"} if sentence.plural else one
    must = one & many - {"n"} if sentence.plural else one
    if unknown := there - may:
        return f"the sentence has no {braced(unknown)}. Use {braced(may) or 'none'}."
    if lacking := must - there:
        return f"{braced(lacking)} is left out. Put it in."
    assert keeps_to(translated, sentence.msgid, sentence.plural)
    stands_for = counts[place] if counts else []
    if "n" in many and "n" not in there and len(stands_for) > 1:
        return f"{{n}} is left out of a form for several counts ({', '.join(map(str, stands_for[:4]))} ...). Put it in."
    return ""


def _edges(text: str) -> tuple[str, str, int]:
    """Space before and after a text, and its number of line breaks."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :], text.count("\n")


def _counts(po: Po) -> list[list[int]] | None:
    """For each plural form the counts it stands for, as gettext finds them; None for a rule that does not work."""
    probe = Po(po.name)
    probe.mime_headers = po.mime_headers
    probe.add(("one", "many"), tuple(str(place) for place in range(po.num_plurals)))
    file = io.BytesIO()
    write_mo(file, probe)
    file.seek(0)
    try:
        chosen = gettext.GNUTranslations(file).ngettext  # raises for a rule that is no expression
        forms_of = [chosen("one", "many", count) for count in COUNTS]
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if not set(forms_of) <= {str(place) for place in range(po.num_plurals)}:
        return None
    return [
        [count for count, form in zip(COUNTS, forms_of, strict=True) if form == str(place)]
        for place in range(po.num_plurals)
    ]
