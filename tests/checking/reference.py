"""The part of `docs/reference/checks.md` that is made from the rules; as a program it writes it."""

from pathlib import Path

from kikao.checking.findings import RULES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"
BEGIN = "<!-- made from the rules: python -m tests.checking.reference -->\n"

GROUPS = {
    "K0": "The check itself",
    "K1": "Screens",
    "K2": "Translations",
    "K3": "Flows",
    "K4": "What replay cannot bear",
    "K5": "Effects and secrets",
}


def rules() -> str:
    """A section for each group, a table row for each rule."""
    parts = []
    for group, title in GROUPS.items():
        rows = [
            f"| `{rule.code}` | {rule.title} | {rule.severity} | {rule.why} | {rule.cure} |"
            for rule in RULES.values()
            if rule.code.startswith(group)
        ]
        head = "| code | what | | why | what to do |\n|---|---|---|---|---|"
        parts.append("\n".join([f"### {title}\n", head, *rows]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.partition(BEGIN)[0] + BEGIN + "\n" + rules(), encoding="utf-8")
