"""What is wrong with a catalog: the rules K102 and K201 to K207, but for those of the code (see `sentences`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from kikao.checking.findings import Finding, told
from kikao.checking.places import shown
from kikao.checking.translations.catalog import ALPHABET, GSM_7, Catalog, Entry
from kikao.checking.translations.sentences import Sentence, braced, in_order, named
from kikao.i18n.gsm7 import GSM7
from kikao.i18n.templates import is_plain, keeps_to, names_in

COUNTS: Final = range(200)
"""The counts a plural rule is tried with; the rules of all languages repeat within a hundred."""

UPDATE: Final = "Run `kikao messages update`."

Wrong = tuple[str, str]
"""The code of a rule, and what is wrong."""


def wrong_in(
    catalog: Catalog,
    sentences: Mapping[str, Sentence],
    left: Collection[str] = (),
    known: Collection[str] = (),
) -> list[Finding]:
    """What is wrong with a catalog, in the order of its lines; nothing when it is complete, right and compiled.

    `left` are sentences that it may leave to another catalog: that of the language to a region's (`sw` to `sw_TZ`), or
    kikao's own. `known` are sentences of other places that it may translate.
    """
    file = shown(catalog.path)
    found = [
        told(code, text, file=file, line=line, locale=catalog.language)
        for line, (code, text) in _lines(catalog, sentences, left, known)
    ]
    if not catalog.is_compiled():
        text = f"not compiled from {catalog.path.name} as it is. {UPDATE}"
        mo = shown(catalog.path.with_suffix(".mo"))
        found.append(told("K205", text, file=mo, line=1, locale=catalog.language))
    return in_order(found)


def _lines(
    catalog: Catalog, sentences: Mapping[str, Sentence], left: Collection[str], known: Collection[str]
) -> Iterator[tuple[int, Wrong]]:
    counts = _counts(catalog)
    if counts is None:
        yield 1, ("K205", f"the plural rule {catalog.plural_forms!r} does not work. Mend Plural-Forms.")
    for line in catalog.twice:
        yield line, ("K205", "this sentence is in the catalog before. Delete one of the two.")
    for msgid in sorted(sentences.keys() - catalog.entries.keys()):
        if msgid not in left:
            yield 1, ("K201", f"{msgid!r} is missing. {UPDATE}")
    for entry in (*catalog.entries.values(), *catalog.obsolete):
        if not entry.obsolete and entry.msgid in known and entry.msgid not in sentences:
            continue
        for wrong in _of_entry(entry, catalog, sentences, counts, left):
            yield entry.line, wrong


def _of_entry(
    entry: Entry,
    catalog: Catalog,
    sentences: Mapping[str, Sentence],
    counts: list[list[int]] | None,
    left: Collection[str],
) -> Iterator[Wrong]:
    msgid = entry.msgid
    if entry.context:
        yield "K205", f"{msgid!r} has a context (msgctxt), which is never looked up. Delete the line."
        return
    sentence = sentences.get(msgid)
    if sentence is None or entry.obsolete:
        yield (
            "K202",
            f"{msgid!r} is not in the code any more. Delete the entry, or run `kikao messages update --drop`.",
        )
        return
    if entry.plural != sentence.plural:
        yield "K201", f"{msgid!r} has another second form in the code. {UPDATE}"
        return
    if entry.fuzzy:
        text = f"{msgid!r} is marked fuzzy: the translation was made for another text. Mend it and delete the mark."
        yield "K201", text
        return
    if not any(entry.strings):
        if msgid not in left:
            yield "K201", f"{msgid!r} is not translated. Translate it."
        return
    if not all(entry.strings):
        forms = f"{len(entry.strings)} forms ({catalog.plural_forms})"
        yield "K201", f"{msgid!r} needs {forms}, and some are empty. Translate them all."
    for place, translated in enumerate(entry.strings):
        if translated:
            yield from _of_form(translated, place, sentence, catalog, counts)


def _of_form(
    translated: str, place: int, sentence: Sentence, catalog: Catalog, counts: list[list[int]] | None
) -> Iterator[Wrong]:
    source = sentence.plural if sentence.plural and place else sentence.msgid
    if not is_plain(translated):
        text = f"{translated!r}: a brace here belongs to no {{name}}. Write {{{{ or }}}} for a brace."
        yield "K203", text
    elif wrong := _parameters(translated, place, sentence, counts):
        yield wrong[0], f"{translated!r}: {wrong[1]}"
    if _edges(translated) != _edges(source):
        text = f"{translated!r} begins or ends with other space, or has other line breaks, than {source!r}. Keep them."
        yield "K207", text
    outside = sorted({character for character in translated if character not in GSM7})
    if outside and catalog.alphabet == GSM_7:
        text = (
            f"{translated!r}: {named(outside)} outside the GSM 7-bit alphabet, which halves a USSD page. Write it "
            f"with other letters, or, where the language has no other, set `{ALPHABET}: any` in the header."
        )
        yield "K102", text


def _parameters(
    translated: str, place: int, sentence: Sentence, counts: list[list[int]] | None
) -> Wrong | None:
    """What is wrong with the placeholders of one form."""
    there = names_in(translated)
    one, many = names_in(sentence.msgid), names_in(sentence.plural)
    may = one | many | {"n"} if sentence.plural else one
    must = one & many - {"n"} if sentence.plural else one
    if unknown := there - may:
        return "K203", f"the sentence has no {braced(unknown)}. Use {braced(may) or 'none'}."
    if lacking := must - there:
        return "K203", f"{braced(lacking)} is left out. Put it in."
    assert keeps_to(translated, sentence.msgid, sentence.plural)
    stands_for = counts[place] if counts else []
    if "n" in many and "n" not in there and len(stands_for) > 1:
        some = ", ".join(map(str, stands_for[:4]))
        return "K204", f"{{n}} is left out of a form for several counts ({some} ...). Put it in."
    return None


def _edges(text: str) -> tuple[str, str, int]:
    """Space before and after a text, and its number of line breaks."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :], text.count("\n")


def _counts(catalog: Catalog) -> list[list[int]] | None:
    """For each plural form the counts it stands for, as gettext finds them; None for a rule that does not work."""
    chooses = catalog.chooses()
    if chooses is None or not catalog.count:
        return None
    try:
        forms_of = [chooses(count) for count in COUNTS]
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if not set(forms_of) <= set(range(catalog.count)):
        return None
    return [
        [count for count, form in zip(COUNTS, forms_of, strict=True) if form == place]
        for place in range(catalog.count)
    ]
