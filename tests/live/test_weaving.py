"""Modules that become one script: in the order in which they need each other, with the exports of the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.live.weaving import woven


def put(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, "utf-8")
    return folder / "entry.js"


def test_each_module_stands_behind_those_that_it_needs_and_only_once(tmp_path: Path) -> None:
    entry = put(
        tmp_path,
        entry='import { one } from "./one.js";\nimport { two } from "./two.js";\n\nexport const all = one + two;\n',
        one='// Says one.\nimport { two } from "./two.js";\n\n/** It.\n * More. */\nexport const one = two - 1;\n',
        two="export async function never() {\n  // inside\n  return `a\n    b`;\n}\nexport const two = 2;\n",
    )
    assert woven(entry) == (
        "async function never() {\nreturn `a\nb`;\n}\nconst two = 2;\n"
        "const one = two - 1;\n"
        "export const all = one + two;\n"
    )


def test_a_vendored_module_is_taken_as_its_authors_packed_it(tmp_path: Path) -> None:
    (tmp_path / "vendored").mkdir()
    (tmp_path / "vendored/lib.min.js").write_text("var Lib=(()=>({Socket:1}))();\n")
    entry = put(tmp_path, entry='import { Socket } from "./vendored/lib.mjs";\nexport const it = Socket;\n')
    packed = woven(entry)
    assert "lib.LICENSE.txt" in packed
    assert packed.endswith(
        "var Lib=(()=>({Socket:1}))();\nconst { Socket } = Lib;\nexport const it = Socket;\n"
    )


def test_a_name_that_two_modules_give_is_refused(tmp_path: Path) -> None:
    entry = put(
        tmp_path,
        entry='import { one } from "./one.js";\nconst LONG = 1;\n',
        one="const LONG = 2;\nexport const one = 1;\n",
    )
    with pytest.raises(ValueError, match=r"given by two modules: LONG"):
        woven(entry)


def test_modules_that_need_each_other_are_refused(tmp_path: Path) -> None:
    entry = put(
        tmp_path,
        entry='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\n',
        b='import { a } from "./a.js";\n',
    )
    with pytest.raises(ValueError, match=r"a.js needs itself, by way of b.js"):
        woven(entry)


def test_a_module_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        woven(put(tmp_path, entry='import { a } from "./a.js";\n'))
