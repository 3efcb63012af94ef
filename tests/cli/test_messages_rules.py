"""What `kikao messages` finds wrong in a catalog and in the code, each with its place and a cure."""

from pathlib import Path

import pytest

from kikao.checking.translations import sentences_of
from tests.cli.catalogs import CODE, Edit, messages, po_of, translate

# --- what is wrong with a catalog ---


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"Afuna"', '""', "'Recipient' is not translated. Translate it."),
        ('"Emirundi {n}"', '""', "needs 2 forms (nplurals=2; plural=(n != 1);), and some are empty"),
        ('msgstr[1] "Emirundi {n}"\n', "", "needs 2 forms"),
        ("{to} {amount}?", "{to} {amuont}?", "the sentence has no {amuont}. Use {amount}, {to}."),
        ("{to} {amount}?", "{to}?", "{amount} is left out. Put it in."),
        ("{to} {amount}?", "{to} {amount!r}?", "a brace here belongs to no {name}"),
        ("{to} {amount}?", "{to} {amount} {", "a brace here belongs to no {name}"),
        ("Omulundi {n}", "Omulundi {who}", "the sentence has no {who}. Use {n}."),
        ("Emirundi {n}", "Emirundi {m}", "the sentence has no {m}"),
        ("Emirundi {n}", "Emirundi", "{n} is left out of a form for several counts (0, 2, 3, 4 ...)"),
        ("Afuna", "Afuŋa", "ŋ (U+014B) outside the GSM 7-bit alphabet, which halves a USSD page"),
        ("Afuna", "Y’afuna", "’ (U+2019) outside"),
        ("Afuna", "A\u00a0funa", "U+00A0 outside"),
        ('"Afuna"', '"Afuna "', "begins or ends with other space"),
        ('"Afuna"', '" Afuna"', "begins or ends with other space"),
        ('"Afuna"', '"Afuna\\n"', "begins or ends with other space"),
        ('"Afuna"', '"Afu\\nna"', "has other line breaks, than 'Recipient'"),
        ("#: flows.py\nmsgid \"Rec", "#, fuzzy\nmsgid \"Rec", "'Recipient' is marked fuzzy"),
        ('msgid "Recipient"', 'msgctxt "shop"\nmsgid "Recipient"', "'Recipient' has a context (msgctxt), which is"),
        ('msgid "Recipient"', 'msgid "Someone else"', "'Recipient' is missing. Run `kikao messages update`."),
        ('msgid "Recipient"', 'msgid "Someone else"', "'Someone else' is not in the code any more."),
        ("(n != 1)", "(n != )", "the plural rule 'nplurals=2; plural=(n != );' does not work"),
        ("(n != 1)", "n", "the plural rule 'nplurals=2; plural=n;' does not work"),
        ("(n != 1)", "(n % 0)", "does not work. Mend Plural-Forms."),
        ("nplurals=2; plural=(n != 1)", "nplurals=3; plural=(n > 1) + (n > 9)", "needs 3 forms"),
        ("nplurals=2", "nplurals=1", "messages.po:22: '{n} try left' has more forms than nplurals=1 says. Mend"),
        ("nplurals=2", "nplurals=x", "the plural rule 'nplurals=x; plural=(n != 1);' does not work"),
        ("msgstr \"Afuna\"", "msgstrr \"Afuna\"", "'msgstrr \"Afuna\"' is no line of a .po file. Put a text in"),
        ("msgstr \"Afuna\"", "", "not a .po file (missing msgstr for msgid 'Recipient'"),
    ],
)  # fmt: skip
def test_a_wrong_catalog_is_told_with_its_place(edit: Edit, old: str, new: str, words: str) -> None:
    edit(old, new)

    done = messages("check", "shop")

    assert done.exit_code == 1
    assert words in done.output
    assert all(line.startswith("shop/locales/lg/LC_MESSAGES/messages.") for line in done.stdout.splitlines())
    assert "to mend" in done.stderr


def test_every_finding_has_the_line_of_its_entry(translated: Path, edit: Edit) -> None:
    edit('"Afuna"', '""')
    edit("Omulundi {n}", "Omulundi ŋ {n}")
    lines = po_of(translated).read_text().splitlines()
    done = messages("check", "shop")
    places = [int(line.split(":")[1]) for line in done.stdout.splitlines() if "messages.po:" in line]

    assert [lines[place - 1] for place in places] == ['msgid "Recipient"', 'msgid "{n} try left"']


def test_a_form_for_one_count_may_leave_the_count_out(translated: Path, edit: Edit) -> None:
    edit("Omulundi {n}", "Omulundi gumu")
    messages("update", "shop")

    assert messages("check", "shop").exit_code == 0


def test_a_language_with_other_letters_says_so_in_its_header(translated: Path, edit: Edit) -> None:
    edit("Afuna", "ተቀባይ")
    edit("X-Alphabet: GSM-7", "X-Alphabet: any")
    messages("update", "shop")

    assert messages("check", "shop").exit_code == 0
    assert "X-Alphabet: any" in po_of(translated).read_text()


def test_a_sentence_that_is_there_twice(edit: Edit) -> None:
    edit(
        'msgid "Recipient"\nmsgstr "Afuna"',
        'msgid "Recipient"\nmsgstr "Afuna"\n\nmsgid "Recipient"\nmsgstr "Omulala"',
    )

    assert "this sentence is in the catalog before" in messages("check", "shop").output


@pytest.mark.parametrize("damage", [b"", b"not compiled", None])
def test_a_compiled_catalog_that_is_not_that_of_the_text(translated: Path, damage: bytes | None) -> None:
    mo = po_of(translated).with_suffix(".mo")
    mo.unlink()
    if damage is not None:
        mo.write_bytes(damage)

    done = messages("check", "shop")

    assert done.exit_code == 1
    assert (
        "messages.mo:1: not compiled from messages.po as it is. Run `kikao messages update`." in done.output
    )


def test_a_compiled_catalog_whose_text_is_gone(translated: Path) -> None:
    messages("update", "shop", "--add", "sw")
    translate(translated, "sw")
    po_of(translated, "sw").unlink()

    assert (
        "sw/LC_MESSAGES/messages.mo:1: there is no messages.po beside it" in messages("check", "shop").output
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b'msgid "a"\nmsgstr "\xe9"\n',
        b"msgstr",
        b'"',
        b"msgid",
        b'msgid "a"',
        b'msgid "a"\nmsgstr b"\n',
        b'msgid "a"\nmsgstr "b\n',
        b'msgid "a"\nmsgstr "b" c\n',
        b"#~",
    ],
)
def test_a_file_that_is_no_catalog_is_told_and_left_as_it_is(translated: Path, content: bytes) -> None:
    po = po_of(translated)
    compiled_before = po.with_suffix(".mo").read_bytes()
    po.write_bytes(content)

    for command in ("check", "update"):
        done = messages(command, "shop")
        assert done.exit_code == 1
        assert done.stdout.startswith("shop/locales/lg/LC_MESSAGES/messages.po:")
    assert (po.read_bytes(), po.with_suffix(".mo").read_bytes()) == (content, compiled_before)


def test_one_damaged_catalog_keeps_the_others_as_they_are(translated: Path) -> None:
    messages("update", "shop", "--add", "sw")
    before = po_of(translated, "sw").read_bytes()
    po_of(translated).write_bytes(b"msgid")
    (translated / "flows.py").write_text(CODE + '\nMORE = t("More")\n')

    assert messages("update", "shop").exit_code == 1
    assert po_of(translated, "sw").read_bytes() == before


# --- what is wrong in the code ---


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('from kikao import t\nt(f"Hello {name}")', "2: the sentence of this t(...) is not written out"),
        ('from kikao import t\nt("Hello " + name)', "2: the sentence of this t(...) is not written out"),
        ("from kikao import t\nt(greeting)", "2: the sentence of this t(...) is not written out"),
        ('from kikao import t\nt("a" if x else "b")', "2: the sentence of this t(...) is not written out"),
        ('from kikao import t\nt(b"a")', "2: the sentence of this t(...) is not written out"),
        ('from kikao.i18n import t as _\n\n_(greeting)', "3: the sentence of this t(...) is not written out"),
        ("import kikao\nkikao.t(greeting)", "2: the sentence of this t(...) is not written out"),
        ("from kikao import i18n\ni18n.t(greeting)", "2: the sentence of this t(...) is not written out"),
        ("import kikao.i18n.messages as m\nm.t(greeting)", "2: the sentence of this t(...) is not written out"),
        ('from kikao import tn\ntn("a", many, 2)', "2: the sentence of this tn(...) is not written out"),
        ("from kikao import t\nlist(map(t, names))", "2: t is not called here"),
        ('from kikao import t\nt()', "2: t is called in another way than"),
        ('from kikao import t\nt(*["a"])', "2: t is called in another way than"),
        ('from kikao import tn\ntn("a", "b")', "2: tn is called in another way than"),
        ('from kikao import t\nt("")', "2: this t(...) has an empty sentence"),
        ('from kikao import tn\ntn("a", "", 1)', "2: this tn(...) has an empty sentence"),
        ('from kikao import t\nt("Send {amount}?")', "2: 'Send {amount}?': no value for {amount}"),
        ('from kikao import t\nt("Send {a}?", b=1, a=2)', "2: 'Send {a}?': {b} is not in the sentence"),
        ('from kikao import tn\ntn("{n} {a}", "{n}", 2)', "2: '{n} {a}': no value for {a}"),
        ('from kikao import t\nt("Send {0}?")', "2: 'Send {0}?': a brace here belongs to no {name}"),
        ('from kikao import t\nt("Send {a:.2f}?", a=1)', "a brace here belongs to no {name}"),
        ('from kikao import t\nt("It’s done")', "’ (U+2019) outside the GSM 7-bit alphabet"),
        ('from kikao import t\nt("Done ✓")', "✓ (U+2713) outside the GSM 7-bit alphabet"),
        ('from kikao import tn\ntn("a", "b", 1)\ntn("a", "c", 1)', "3: 'a' has two second forms, 'b' and 'c'"),
        ("def broken(:", "1: not Python that can be read"),
        ("x = '\0'", "not Python that can be read"),
    ],
)  # fmt: skip
def test_code_that_cannot_be_translated_is_told_with_its_place(
    translated: Path, code: str, words: str
) -> None:
    before = po_of(translated).read_bytes()
    (translated / "more.py").write_text(code)

    for command in ("update", "check"):
        done = messages(command, "shop")
        assert done.exit_code == 1
        assert "shop/more.py:" in done.stdout
        assert words in done.stdout
    assert po_of(translated).read_bytes() == before


@pytest.mark.parametrize(
    "code",
    [
        'from kikao import t\nt("a" "b")\nt("Fee 5% {{x}}")',
        'from kikao import t\nt("{a}", **values)',
        'from kikao import tn\ntn("One", "{n}", 2)\ntn("{n} of {all}", "{n} of {all}", 2, all=3)',
        'from kikao import t\nt("ማን ነው?")',
        "from other import t\nt(anything)",
        "t = time()\nf(t)",
        "import other\nother.t(anything)",
        'from kikao import tn, t\ntn("a", "{n} b", 1)\nt("a")\ntn("a", "{n} b", 1)',
    ],
)
def test_code_that_can(translated: Path, code: str) -> None:
    (translated / "more.py").write_text(code)

    assert sentences_of(translated)[1] == []


def test_a_plural_that_does_not_say_how_many_is_told_and_keeps_nobody_from_translating(
    translated: Path,
) -> None:
    (translated / "more.py").write_text('from kikao import tn\ntn("{n} cup", "Cups", 2)')

    assert messages("update", "shop").exit_code == 0
    done = messages("check", "shop")
    assert done.exit_code == 1
    assert "shop/more.py:2: 'Cups': {n} is left out of the form for several. Put it in.\n" in done.stdout


def test_tests_and_what_is_installed_have_no_sentences_of_the_package(translated: Path) -> None:
    code = 'from kikao import t\nt("Elsewhere")\n'
    for place in (
        "test_flows.py",
        "conftest.py",
        "tests/talk.py",
        ".venv/lib/a.py",
        "env/lib/a.py",
        "node_modules/a.py",
    ):
        path = translated / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    (translated / "env" / "pyvenv.cfg").write_text("")
    (translated / "sub").mkdir()
    (translated / "sub" / "flows.py").write_text('from kikao import t\nt("Within")\nt("Recipient")\n')

    sentences, _ = sentences_of(translated)

    assert set(sentences) == {"Recipient", "Send {amount} to {to}?", "{n} try left", "Within"}
    assert sentences["Recipient"].files == ("flows.py", "sub/flows.py")
