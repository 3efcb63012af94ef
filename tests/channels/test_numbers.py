"""Whose number it is: read in one way only, and refused where that cannot be known."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest, Request
from kikao.channels.numbers import international, national
from kikao.channels.reading import MAX_SENDER, RequestReader
from kikao.channels.ussd.registry import gateway
from kikao.config import UssdSettings

GHANA = ("233", 9)


class Plain(RequestReader):
    """A provider that writes the plus, or national numbers."""

    slug = "plain"
    channel = "ussd"

    def __init__(self, region: str = "") -> None:
        self.region = region


class Bare(Plain):
    """One whose contract has international numbers without their plus."""

    bare_numbers = True


def number(reader: RequestReader, value: object, **how: object) -> str:
    return reader.number({"msisdn": value}, "msisdn", **how)  # type: ignore[arg-type]


def refused(reader: RequestReader, value: object, **how: object) -> str:
    with pytest.raises(BadRequest) as refusal:
        number(reader, value, **how)
    assert "4321" not in str(refusal.value)
    return str(refusal.value)


# --- international ---


@pytest.mark.parametrize("value", ["+256772000001", "+2252312345", "+1234567", "+123456789012345"])
def test_a_number_with_its_plus_is_taken_by_everyone(value: str) -> None:
    for reader in (Plain(), Bare(), Plain("UG"), Bare("GH")):
        assert number(reader, value) == number(reader, value, only=GHANA) == value


@pytest.mark.parametrize("digits", ["256772000001", "2252312345", "1234567", "123456789012345", "772000001"])
def test_digits_are_international_only_where_the_contract_says_so(digits: str) -> None:
    assert number(Bare(), digits) == number(Bare("UG"), digits) == f"+{digits}", (
        "a region changes nothing here"
    )
    for reader in (Plain(), Plain("UG")):
        assert "field msisdn is not an international number with its +, 7 to 15 digits" in refused(
            reader, digits
        )


def test_digits_may_be_those_of_one_country_only() -> None:
    for reader in (Plain(), Bare()):
        assert number(reader, "233241234567", only=GHANA) == "+233241234567"
        for other in ("22890112345", "23324123456", "2332412345678", "256772000001"):
            told = refused(reader, other, only=GHANA)
            assert "+ and 7 to 15 digits, or 233 and 9 digits" in told


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+",
        "123456",
        "1234567890123456",
        "+123456",
        "+1234567890123456",
        "+0772000001",
        "++256772000001",
        "256-772-004321",
        "256 772 004321",
        "256772004321 ",
        " 256772004321",
        "256772004321\n",
        "2567720043.21",
        "256٧٧٢٠٠٠٠٠١",
        "²56772000001",
        "tel:+256772004321",
        "-256772004321",
        "4321",
    ],
)
def test_what_is_no_number_is_refused_without_being_shown(value: str) -> None:
    for reader in (Plain(), Bare(), Plain("UG"), Bare("UG")):
        assert "ussd/plain: field msisdn is not an international number" in refused(reader, value)


@pytest.mark.parametrize("value", [256772004321, 1.5, None, True, ["256772004321"]])
def test_a_number_is_a_text(value: object) -> None:
    assert "field msisdn must be a text, not " in refused(Bare("UG"), value)


def test_a_plus_may_have_become_a_space() -> None:
    assert number(Plain(), " 256772000001", spaced=True) == "+256772000001"
    assert Plain().sender({"n": " 256772000001"}, "n", spaced=True) == ("+256772000001", "+256772000001")
    assert "not an international number" in refused(Plain("UG"), " 0772000001", spaced=True)


# --- national ---


@pytest.mark.parametrize(
    ("region", "written", "meant"),
    [
        ("UG", "0772000001", "+256772000001"),
        ("GH", "0241234567", "+233241234567"),
        ("KE", "0112345678", "+254112345678"),
        ("NG", "08031234567", "+2348031234567"),
        ("CI", "0707123456", "+2250707123456"),
        ("BJ", "0161234567", "+2290161234567"),
        ("GH", "00233241234567", "+233241234567"),
        ("UG", "000254712345678", "+254712345678"),
        ("UG", "0872000001", "+256872000001"),
    ],
    ids=[
        "Uganda",
        "Ghana",
        "Kenya",
        "Nigeria",
        "a zero that is part of the number",
        "and one that was put before it",
        "dialled as from abroad",
        "as from a neighbour",
        "a range that nobody used yet",
    ],
)
def test_a_national_number_is_one_of_the_country_in_the_settings(
    region: str, written: str, meant: str
) -> None:
    for reader in (Plain(region), Bare(region)):
        assert number(reader, written) == number(reader, written, only=GHANA) == meant


def test_without_a_country_the_refusal_names_the_setting() -> None:
    told = refused(Bare(), "0772004321")
    assert told.startswith(
        "ussd/plain: field msisdn is a national number; set KIKAO_USSD_PLAIN_REGION to its country"
    )
    assert "KIKAO_USSD_PLAIN_REGION" in refused(Plain(), "0772004321", only=GHANA)


@pytest.mark.parametrize(
    ("region", "written"),
    [
        ("UG", "077200432"),
        ("UG", "07720043210"),
        ("UG", "0256772004321"),
        ("UG", "0000000"),
        ("BJ", "0772004321"),
        ("KE", "00254712004321"),
    ],
    ids=[
        "a digit lost",
        "a digit more",
        "a country code behind a zero",
        "zeros",
        "a zero that is none of there",
        "dialled as from elsewhere",
    ],
)
def test_a_number_that_is_none_of_the_country_is_refused(region: str, written: str) -> None:
    assert f"field msisdn is a national number, but none of {region}" in refused(Bare(region), written)


def test_a_country_that_is_none_has_no_numbers() -> None:
    assert national("0772000001", "XX") is None
    assert national("0772000001", "") is None
    assert national("not dialled", "UG") is None


@given(
    st.text(alphabet="0123456789+ -#*٠", max_size=18) | st.text(max_size=18),
    st.sampled_from(["UG", "CI", "XX"]),
)
def test_whatever_comes_is_e164_or_nothing(value: str, region: str) -> None:
    for found in (international(value), international(value, bare=True), national(value, region)):
        assert found is None or international(found) == found


# --- providers that hide numbers ---


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        ("tel:+256772000001", "+256772000001"),
        ("TEL:256772000001", "+256772000001"),
        ("256772000001", "+256772000001"),
        ("0772000001", "+256772000001"),
    ],
)
def test_a_sender_with_a_number_is_known_by_it(value: str, identity: str) -> None:
    assert Bare("UG").sender({"from": value}, "from") == (identity, identity)


@pytest.mark.parametrize(
    "value", ["tel:B%3Cak1/9_z==", "555", "AZ110-x.Y", "1234567890123456", "0" * 16, "tel", "x" * MAX_SENDER]
)
def test_a_sender_who_is_hidden_is_known_by_the_token(value: str) -> None:
    for reader in (Plain(), Bare("UG")):
        assert reader.sender({"from": value}, "from") == (value.removeprefix("tel:"), "")


@pytest.mark.parametrize(
    "value", ["", "tel:", "+25677", "+256772004321x", "a 4321", "4321\n", "ŋ4321", "x" * (MAX_SENDER + 1)]
)
def test_a_sender_that_is_neither_is_refused(value: str) -> None:
    for reader in (Plain(), Bare("UG")):
        with pytest.raises(
            BadRequest, match="field from is neither a token nor an international number"
        ) as told:
            reader.sender({"from": value}, "from")
        assert "4321" not in str(told.value)


def test_what_has_the_shape_of_a_number_is_never_a_token() -> None:
    with pytest.raises(BadRequest, match="neither a token nor an international number with its"):
        Plain().sender({"from": "256772000001"}, "from")
    with pytest.raises(BadRequest, match="set KIKAO_USSD_PLAIN_REGION"):
        Bare().sender({"from": "0772000001"}, "from")


# --- where it is used ---


def test_a_gateway_reads_the_national_numbers_of_the_country_in_its_settings() -> None:
    body = b'{"USERID":"ACME","MSISDN":"0241234567","USERDATA":"1","MSGTYPE":false}'
    found = gateway("nalo", UssdSettings(region="GH"))
    inbound = found.parse(Request("POST", "/ussd/nalo", b"", {}, body))
    assert inbound.identity == inbound.msisdn == "+233241234567"
    assert dict(inbound.echo)["MSISDN"] == "0241234567", "as the provider wrote it"


def test_libphonenumber_is_loaded_for_national_numbers_only() -> None:
    code = (
        "import sys; from kikao.channels.numbers import international, national;"
        "international('256772000001', bare=True); assert 'phonenumbers' not in sys.modules;"
        "national('0772000001', 'UG'); assert 'phonenumbers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
