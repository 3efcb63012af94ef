"""The rules: their codes, their texts, and their page."""

import re

from kikao.checking.findings import RULES, told
from tests.checking.reference import BEGIN, GROUPS, PAGE, rules


def test_the_reference_says_what_the_rules_say() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page.partition(BEGIN)[2].strip() == rules().strip(), "run: python -m tests.checking.reference"


def test_every_rule_has_a_code_of_its_group_and_whole_sentences() -> None:
    for code, rule in RULES.items():
        assert re.fullmatch(r"K\d{3}", code)
        assert code[:2] in GROUPS
        assert rule.why.endswith(".")
        assert rule.cure.endswith(".")
        assert rule.title[0].islower() or rule.title.split()[0].isupper()


def test_a_finding_is_what_is_wrong_and_what_to_do() -> None:
    finding = told("K201", "'Sent. Ref {ref}' is not translated. Translate it.", line=3)

    assert (finding.message, finding.hint) == ("'Sent. Ref {ref}' is not translated", "Translate it.")
