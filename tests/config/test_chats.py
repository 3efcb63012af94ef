"""Chats in the settings: numbers, bots and accounts, what they have in common, and what production refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.channels.ussd.registry import SLUGS
from kikao.config import Settings, SettingsError, load
from kikao.opening import refuse_deserted
from tests.config.asking import KEY_TEXT, TOKEN, problem, problems, toml

SECRETS = {
    "WHATSAPP_TOKEN": "EAAGm0PX4ZCpsBA-bearer-of-ours",
    "WHATSAPP_APP_SECRET": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "WHATSAPP_VERIFY_TOKEN": "v3rify-t0ken-of-ours",
    "TELEGRAM_TOKEN": "123456789:AAH-bot-token-of-ours-xyz",
    "TELEGRAM_SECRET": "telegram-secret-of-ours",
    "SMS_AFRICASTALKING_API_KEY": "atsk_key_of_ours",
    "SMS_AFRICASTALKING_TOKEN": "sms-path-token-of-ours",
}
ALL = {
    **{f"KIKAO_{name}": value for name, value in SECRETS.items()},
    "KIKAO_WHATSAPP_PHONE_NUMBER_ID": "104520000000001",
    "KIKAO_TELEGRAM_USERNAME": "@kikao_bot",
    "KIKAO_SMS_AFRICASTALKING_USERNAME": "sandbox",
    "KIKAO_SMS_AFRICASTALKING_SENDER": "KIKAO",
    "KIKAO_PUBLIC_URL": "https://chat.example.com/",
}
PRODUCTION = {**ALL, "KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}


def loaded(environ: dict[str, str], cwd: Path, **options: str) -> Settings:
    return load(environ, cwd, makes_keys=True, **options)  # type: ignore[arg-type]


def test_the_environment_sets_one_of_each(tmp_path: Path) -> None:
    found = loaded(PRODUCTION, tmp_path)
    number, bot, account = (
        found.whatsapp["cloud-api"],
        found.telegram["bot-api"],
        found.sms["africastalking"],
    )
    assert number.phone_number_id == "104520000000001"
    assert number.token.reveal().decode() == SECRETS["WHATSAPP_TOKEN"]
    assert [secret.reveal().decode() for secret in number.app_secrets] == [SECRETS["WHATSAPP_APP_SECRET"]]
    assert number.read_marks
    assert not loaded({**ALL, "KIKAO_WHATSAPP_READ_MARKS": "off"}, tmp_path).whatsapp["cloud-api"].read_marks
    assert (number.api_url, number.api_version) == ("https://graph.facebook.com", "v23.0")
    assert (bot.username, bot.api_url) == ("kikao_bot", "https://api.telegram.org")
    assert account.sender == "KIKAO"
    assert {name: value.reveal() for name, value in account.options.items()} == {
        "username": b"sandbox",
        "api_key": SECRETS["SMS_AFRICASTALKING_API_KEY"].encode(),
    }
    assert found.public_url == "https://chat.example.com"


def test_what_is_on_is_said_and_no_secret_of_it(tmp_path: Path) -> None:
    found = loaded(PRODUCTION, tmp_path)
    said = "\n".join(found.describe())
    for line in (
        "whatsapp cloud-api: number 104520000000001 at https://graph.facebook.com/v23.0, webhooks signed, "
        "verify token set",
        "telegram bot-api: @kikao_bot at https://api.telegram.org, webhook with a secret",
        "sms africastalking: from KIKAO, path token set, allowed: every address, username set, api_key set",
        "public address: https://chat.example.com",
    ):
        assert line in said
    assert not [secret for secret in SECRETS.values() if secret in said + str(found)]


def test_development_starts_with_less_and_says_what_is_closed(tmp_path: Path) -> None:
    environ = {
        name: value
        for name, value in ALL.items()
        if name.endswith(("WHATSAPP_TOKEN", "NUMBER_ID", "TELEGRAM_TOKEN"))
    }
    said = "\n".join(loaded(environ, tmp_path).describe())
    assert "no app secret, so its webhooks are refused, verify token not set" in said
    assert (
        "telegram bot-api: at https://api.telegram.org, no secret: polled for updates, its webhook is closed"
        in said
    )
    assert "public address: not set, so that there are no links, and no chat asks for a secret" in said


FURTHER = """
[whatsapp]
token = "EAAGm0PX4ZCpsBA-bearer-of-ours"
app_secret = ["0f1e2d3c4b5a69788796a5b4c3d2e1f0", "f0e1d2c3b4a5968778695a4b3c2d1e0f"]
verify_token = "v3rify-t0ken-of-ours"

[whatsapp.shop]
phone_number_id = "104520000000001"

[whatsapp.desk]
phone_number_id = "104520000000002"
app_secret = "00000000111111112222222233333333"

[telegram.news]
token = "123456789:AAH-bot-token-of-ours-xyz"
"""


def test_further_ones_have_tables_and_share_what_is_said_once(tmp_path: Path) -> None:
    found = loaded({"KIKAO_WHATSAPP_DESK_VERIFY_TOKEN": "another-verify-token"}, toml(tmp_path, FURTHER))
    assert list(found.whatsapp) == ["desk", "shop"]  # what is common is no number of its own
    shop, desk = found.whatsapp["shop"], found.whatsapp["desk"]
    assert shop.token.matches(desk.token)
    assert (len(shop.app_secrets), len(desk.app_secrets)) == (2, 1)
    assert desk.verify_token is not None
    assert desk.verify_token.reveal() == b"another-verify-token"
    assert list(found.telegram) == ["news"]


def test_the_first_one_is_a_number_too_if_it_has_an_id(tmp_path: Path) -> None:
    environ = {
        "KIKAO_WHATSAPP_PHONE_NUMBER_ID": "104520000000009",
        "KIKAO_WHATSAPP_API_URL": "http://localhost:9",
    }
    found = loaded(environ, toml(tmp_path, FURTHER))
    assert list(found.whatsapp) == ["cloud-api", "desk", "shop"]
    assert {number.api_url for number in found.whatsapp.values()} == {"http://localhost:9"}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("WHATSAPP_PHONE_NUMBER_ID", "+256700000900", "is no id of a number"),
        ("WHATSAPP_TOKEN", "hunter2", "20 to 1024 characters"),
        ("WHATSAPP_APP_SECRET", "hunter2", "16 to 256 letters"),
        ("WHATSAPP_APP_SECRET", ",".join(["hunter2hunter2hunter2"] * 4), "up to three"),
        ("WHATSAPP_VERIFY_TOKEN", "hunter2", "16 to 256 letters"),
        ("WHATSAPP_VERIFY_TOKEN", " ", "is empty"),
        ("WHATSAPP_API_URL", "https://graph.example/v23.0", "must end behind the host"),
        ("WHATSAPP_API_VERSION", "23", "no version of the Graph API"),
        ("WHATSAPP_READ_MARKS", "no", "must be on or off, not 'no'"),
        ("WHATSAPP_SECRET", "hunter2", "Did you mean KIKAO_WHATSAPP_APP_SECRET?"),
        ("WHATSAPP_VERIFY_PHONE_NUMBER_ID", "104520000000001", "'verify' is how a setting begins"),
        ("TELEGRAM_TOKEN", "hunter2", "no token of a bot"),
        ("TELEGRAM_SECRET", "hunter2", "16 to 256 letters"),
        ("TELEGRAM_USERNAME", "a bot", "no name of a bot"),
        ("TELEGRAM_TOKENS", "hunter2", "Did you mean KIKAO_TELEGRAM_TOKEN?"),
        ("SMS_AFRICASTALKING_SENDER", "A name that is too long", "no sender"),
        ("SMS_AFRICASTALKING_KEY", "hunter2", "KIKAO_SMS_AFRICASTALKING_API_KEY"),
        ("SMS_TWILIO_TOKEN", TOKEN, "sends no SMS over that. There are: africastalking"),
        ("PUBLIC_URL", "https://chat.example.com/a b", "must be ASCII"),
        ("PUBLIC_URL", "https://chat.example.com/%41", "has a path with more than"),
    ],
)
def test_what_is_wrong_with_a_variable(tmp_path: Path, name: str, value: str, told: str) -> None:
    found = problem({**ALL, f"KIKAO_{name}": value}, tmp_path, makes_keys=True)
    assert found.startswith(f"KIKAO_{name} (environment): ")
    assert told in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'whatsapp = "x"',
            "whatsapp (kikao.toml): must be a table. Write [whatsapp], phone_number_id below.",
        ),
        ("[whatsapp.SHOP]", "whatsapp.SHOP (kikao.toml): 'SHOP' is no name"),
        ("[telegram.token]", "telegram.token (kikao.toml): 'token' is how a setting begins"),
        (
            "[whatsapp.shop]\ntokn = 1",
            "whatsapp.shop.tokn (kikao.toml): no such setting. Did you mean token?",
        ),
        ("[sms]\ntoken = 1", "sms.token (kikao.toml): must be a table. Write [sms.token]."),
        ("sms = 1", "sms (kikao.toml): must be tables."),
        ("[sms.africastalking]\nsendr = 1", "sms.africastalking.sendr (kikao.toml): no such setting."),
    ],
)
def test_what_is_wrong_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(problems({}, toml(tmp_path, text), makes_keys=True))


def test_what_is_missing_is_told_by_its_variable(tmp_path: Path) -> None:
    told = problems(
        {"KIKAO_SMS_AFRICASTALKING_SENDER": "KIKAO"},
        toml(tmp_path, "[whatsapp.shop]\n[telegram]\n"),
        makes_keys=True,
    )
    assert [each.partition(": missing")[0] for each in told] == [
        "KIKAO_WHATSAPP_SHOP_PHONE_NUMBER_ID",
        "KIKAO_WHATSAPP_SHOP_TOKEN",
        "KIKAO_SMS_AFRICASTALKING_USERNAME",
        "KIKAO_SMS_AFRICASTALKING_API_KEY",
    ]
    assert "KIKAO_TELEGRAM_TOKEN: missing" in problem(
        {"KIKAO_TELEGRAM_USERNAME": "kikao_bot"}, tmp_path / "..", makes_keys=True
    )


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("WHATSAPP_APP_SECRET", "anybody could post as any member"),
        ("WHATSAPP_VERIFY_TOKEN", "no webhook can be set"),
        ("TELEGRAM_SECRET", "its webhook takes nothing"),
        ("SMS_AFRICASTALKING_TOKEN", "neither keeps strangers from posting as any member"),
        ("PUBLIC_URL", "which has to be https"),
    ],
)
def test_production_refuses_what_is_not_safe(tmp_path: Path, without: str, told: str) -> None:
    environ = {name: value for name, value in PRODUCTION.items() if name != f"KIKAO_{without}"}
    found = problem(environ, tmp_path)
    assert found.startswith(f"KIKAO_{without}")
    assert told in found


@pytest.mark.parametrize("channel", ["WHATSAPP", "TELEGRAM", "SMS_AFRICASTALKING"])
def test_production_calls_nobody_over_http_but_this_machine(tmp_path: Path, channel: str) -> None:
    name = f"KIKAO_{channel}_API_URL"
    assert problem({**PRODUCTION, name: "http://graph.example:80"}, tmp_path).startswith(
        f"{name}: http is read"
    )
    for host in ("localhost", "127.0.0.1:9000", "[::1]:9000"):
        load({**PRODUCTION, name: f"http://{host}"}, tmp_path)


def test_production_wants_https_in_links(tmp_path: Path) -> None:
    found = problem({**PRODUCTION, "KIKAO_PUBLIC_URL": "http://chat.example.com"}, tmp_path)
    assert found.startswith("KIKAO_PUBLIC_URL: ")


@pytest.mark.parametrize("name", ["WHATSAPP_VERIFY_TOKEN", "TELEGRAM_SECRET", "SMS_AFRICASTALKING_TOKEN"])
def test_what_a_provider_knows_does_not_open_the_operators_pages(tmp_path: Path, name: str) -> None:
    token = "k3Jd82nVpQ1xZ7mTc5Wb9RfYh4Gs6LaE"
    told = problem({**ALL, f"KIKAO_{name}": token, "KIKAO_OPERATOR_TOKEN": token}, tmp_path)
    assert told.startswith(f"KIKAO_{name}: is also KIKAO_OPERATOR_TOKEN")
    assert token not in told


def test_nothing_is_the_same_that_tells_two_apart(tmp_path: Path) -> None:
    told = problems(
        {**ALL, "KIKAO_WHATSAPP_VERIFY_TOKEN": SECRETS["WHATSAPP_APP_SECRET"]},
        toml(
            tmp_path,
            f"""
            [whatsapp.shop]
            phone_number_id = "104520000000001"
            verify_token = "another-verify-token"
            [telegram.news]
            token = "{SECRETS["TELEGRAM_TOKEN"]}"
            secret = "{SECRETS["TELEGRAM_SECRET"]}"
            """,
        ),
    )
    assert [each.partition(". ")[0] for each in told] == [
        "KIKAO_WHATSAPP_SHOP_PHONE_NUMBER_ID: is the number of cloud-api as well",
        "KIKAO_TELEGRAM_NEWS_TOKEN: is the token of bot-api as well",
        "KIKAO_WHATSAPP_VERIFY_TOKEN: is also the app secret, and it is sent in addresses",
        "KIKAO_TELEGRAM_NEWS_SECRET: is the secret of bot-api as well",
    ]


def test_a_chat_alone_is_enough_to_be_reached_by(tmp_path: Path) -> None:
    telegram = {
        name: value for name, value in PRODUCTION.items() if "WHATSAPP" not in name and "SMS" not in name
    }
    found = load(telegram, tmp_path, gateways=SLUGS, makes_keys=True)
    assert (list(found.telegram), found.ussd) == (["bot-api"], {})
    refuse_deserted(found)
    without = {name: value for name, value in telegram.items() if "TELEGRAM" not in name}
    with pytest.raises(SettingsError, match=r"no gateway is open.*KIKAO_TELEGRAM_TOKEN"):
        load(without, tmp_path, gateways=SLUGS, makes_keys=True)


def test_tenants_have_their_own_below_one_address(tmp_path: Path) -> None:
    cwd = toml(tmp_path, '[tenants.acme.whatsapp]\nphone_number_id = "104520000000001"\n')
    environ = {
        "KIKAO_PUBLIC_URL": "https://chat.example.com",
        "KIKAO_TENANT_ACME_WHATSAPP_TOKEN": SECRETS["WHATSAPP_TOKEN"],
    }
    found = load(environ, cwd, tenant="acme", makes_keys=True)
    assert list(found.whatsapp) == ["cloud-api"]
    assert found.public_url == "https://chat.example.com/acme"
    own = {**environ, "KIKAO_TENANT_ACME_PUBLIC_URL": "https://acme.example.com"}
    assert load(own, cwd, tenant="acme", makes_keys=True).public_url == "https://acme.example.com"
    for name in ("WHATSAPP_TOKEN", "TELEGRAM_TOKEN", "SMS_AFRICASTALKING_TOKEN"):
        told = problem({**environ, f"KIKAO_{name}": "x"}, cwd, tenant="acme")
        assert told.startswith(f"KIKAO_{name} (environment): belongs to one tenant. ")
