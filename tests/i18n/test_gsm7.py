"""What texts cost, how they are packed, and what is replaced so that a page is not halved for nothing."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.i18n.gsm7 import BASIC, EXTENSION, GSM7, Budget, Cost, cost, fits, normalise, pack, septets, unpack

PLAIN = "".join(sorted(GSM7 - set(EXTENSION)))
gsm7_text = st.text(st.sampled_from(sorted(GSM7)), max_size=200)


# --- what a text costs ---


@pytest.mark.parametrize(
    ("text", "alphabet", "units"),
    [
        ("*100#", "gsm7", 5),
        ("hellohello", "gsm7", 10),
        ("a" * 182, "gsm7", 182),
        ("a" * 183, "gsm7", 183),
        ("€5 [ok]", "gsm7", 10),
        ("1 < 2 | 3", "gsm7", 10),
        ("okukung'aanya ssente", "gsm7", 20),
        ("okukuŋŋaanya ssente", "ucs2", 19),
        ("ennamba y'essimu", "gsm7", 16),
        ("ennamba y’essimu", "ucs2", 16),
        ("₿0.001", "ucs2", 6),
        ("✅ Sent", "ucs2", 6),
        ("`x`", "ucs2", 3),
        ("😀", "ucs2", 2),
        ("\ud83d", "ucs2", 1),
        ("UGX\u00a05", "ucs2", 5),
        ("a\tb", "ucs2", 3),
        ("a\x1bb", "ucs2", 3),
        ("", "gsm7", 0),
    ],
)
def test_known_costs(text: str, alphabet: str, units: int) -> None:
    assert cost(text) == Cost(alphabet, units)  # type: ignore[arg-type]
    assert septets(text) == (units if alphabet == "gsm7" else None)


def test_the_alphabet_has_127_characters_and_ten_more_behind_the_escape() -> None:
    assert len(BASIC) == 128
    assert len(set(BASIC)) == 128
    assert (BASIC[0x00], BASIC[0x09], BASIC[0x24], BASIC[0x40], BASIC[0x7F]) == ("@", "Ç", "¤", "¡", "à")
    assert len(GSM7) == 127 + 10
    assert set(EXTENSION) == set("\f^{}\\[~]|€")


def test_every_character_of_the_extension_table_costs_two() -> None:
    assert [septets(character) for character in EXTENSION] == [2] * 10
    assert septets(PLAIN) == 127


@given(st.text(max_size=60))
def test_a_text_costs_what_its_characters_cost(text: str) -> None:
    if all(character in GSM7 for character in text):
        assert cost(text) == Cost("gsm7", sum(2 if character in EXTENSION else 1 for character in text))
    else:
        assert cost(text) == Cost("ucs2", sum(2 if character > "\uffff" else 1 for character in text))


def test_a_budget_counts_in_the_alphabet_of_the_text() -> None:
    assert fits("a" * 160, Budget())
    assert not fits("a" * 161, Budget())
    assert fits("a" * 182, Budget(septets=182))
    assert not fits("a" * 183, Budget(septets=182))
    assert fits("ŋ" * 80, Budget())
    assert not fits("ŋ" + "a" * 80, Budget())


def test_a_budget_without_room_for_one_character_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        Budget(septets=1)
    with pytest.raises(ValueError, match="at least one character"):
        Budget(units=1)


# --- packing ---


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("*100#", "aa180c3602"),
        ("hellohello", "e8329bfd4697d9ec37"),
        ("", ""),
        ("@", "00"),
        ("€", "9b32"),
    ],
)
def test_known_octets(text: str, octets: str) -> None:
    assert pack(text).hex() == octets
    assert unpack(bytes.fromhex(octets)) == text


@pytest.mark.parametrize(("letters", "octets"), [(7, 7), (8, 7), (9, 8), (160, 140), (182, 160), (183, 161)])
def test_eight_septets_take_seven_octets(letters: int, octets: int) -> None:
    assert len(pack("a" * letters)) == octets


def test_seven_spare_bits_are_filled_so_that_no_at_sign_appears() -> None:
    assert pack("1234567")[-1] >> 1 == 0x0D
    assert unpack(pack("1234567")) == "1234567"
    assert unpack(pack("123456@")) == "123456@"


def test_a_final_carriage_return_survives_seven_spare_bits() -> None:
    assert unpack(pack("123456\r")) == "123456\r"


def test_a_carriage_return_at_an_octet_boundary_gets_one_more() -> None:
    assert len(pack("12345678")) == 7
    assert len(pack("1234567\r")) == 8
    assert unpack(pack("1234567\r")) == "1234567\r\r"


def test_what_cannot_be_packed_is_named() -> None:
    with pytest.raises(ValueError, match=r"U\+014B at place 2 .* UCS-2"):
        pack("okŋ")


def test_a_handset_shows_something_for_unknown_escapes() -> None:
    def octets(*codes: int) -> bytes:
        return sum(code << 7 * place for place, code in enumerate(codes)).to_bytes(
            (7 * len(codes) + 7) // 8, "little"
        )

    assert unpack(octets(0x1B, ord("a"))) == "a"
    assert unpack(octets(ord("b"), 0x1B)) == "b "


@given(gsm7_text)
def test_what_is_packed_is_read_again(text: str) -> None:
    at_boundary = septets(text) in range(0, 1000, 8)
    assert unpack(pack(text)) == (text + "\r" if at_boundary and text.endswith("\r") else text)


# --- look-alikes ---


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("UGX\u00a012,500", "UGX 12,500"),
        ("12\u202f500 F", "12 500 F"),
        ("ennamba y’essimu", "ennamba y'essimu"),
        ("Ngʼombe", "Ng'ombe"),
        ("“Yes” or ‘no’", "\"Yes\" or 'no'"),
        ("«Oui»", '"Oui"'),
        ("08:00–17:00 — daily", "08:00-17:00 - daily"),
        ("\u2212UGX 5", "-UGX 5"),
        ("Please wait…", "Please wait..."),
        ("Hi \u2068Amina\u2069!", "Hi Amina!"),
        ("`x`\ty", "'x' y"),
        ("Jose\u0301", "José"),
        ("soft\u00adware\ufeff", "software"),
    ],
)
def test_look_alikes_are_replaced_and_the_text_stays_in_the_alphabet(written: str, sent: str) -> None:
    assert septets(written) is None
    assert normalise(written) == sent
    assert septets(sent) is not None


@pytest.mark.parametrize(
    "text", ["okukuŋŋaanya", "Ọláìyá", "₦5,000", "₿0.001", "✅", "አማርኛ", "1½", "5×3", "👩\u200d🌾"]
)
def test_what_has_a_meaning_of_its_own_stays(text: str) -> None:
    assert normalise(text) == text


def test_direction_marks_stay_where_they_order_what_is_read() -> None:
    assert normalise("رصيدك \u2066UGX 500\u2069") == "رصيدك \u2066UGX 500\u2069"


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(gsm7_text)
def test_a_text_in_the_alphabet_is_left_alone(text: str) -> None:
    assert normalise(text) == text


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_letters_digits_and_signs_of_currency_are_never_touched(text: str) -> None:
    def telling(text: str) -> str:
        kept = (c for c in text if unicodedata.category(c) in {"Lu", "Ll", "Lo", "Nd", "Sc"})
        return "".join(kept)

    text = unicodedata.normalize("NFC", text)
    assert telling(normalise(text)) == telling(text)
