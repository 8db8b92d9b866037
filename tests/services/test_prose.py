"""The prose check finds each fault in each kind of file, and accepts plain sentences."""

import subprocess
from pathlib import Path

import pytest

PROSE = Path(__file__).parents[2] / "scripts/prose"
LONG = "One two three four five six seven eight nine ten, " * 3 + "end."


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.py", '"""Nobody reads this."""', "a.py:1: “Nobody”"),
        ("a.py", "x = 1\n# It was told\n# to the model.\n", "a.py:2: “told”"),
        ("a.py", f'def f():\n    """{LONG}"""\n', "a.py:2: a sentence of 31 words"),
        ("src/a.py", 'raise ValueError("The row is no row.")\n', "src/a.py:1: “is no”"),
        ("a.md", f"# Title\n\n- short\n- {LONG}\n", "a.md:4: a sentence of 31 words"),
        ("a.md", "| term | this is no address |\n", "a.md:1: “is no”"),
        ("en.json", '{\n  "again": "Ask anew."\n}\n', "en.json:2: “anew”"),
        ("a.ts", "// Whoever waits.\nconst a = 1\n", "a.ts:1: “Whoever”"),
        ("a.yml", "a: 1\n# For those whom it serves.\n", "a.yml:2: “whom”"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, name: str, text: str, fault: str) -> None:
    code, report = _check(tmp_path, name, text)
    assert code == 1
    assert fault in report


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'def f():\n    """The row, or None."""\n    return "nobody told anyone"  # noqa: S101\n'),
        ("a.md", "There is no limit. It is no longer used.\n\n```bash\ntold whom anew\n```\n\n`none` is code.\n"),
        ("en.json", '{\n  "none": "Enter a valid email address."\n}\n'),
        ("a.ts", 'const none = "told" // see the other file\n'),
    ],
)
def test_plain_text_passes(tmp_path: Path, name: str, text: str) -> None:
    assert _check(tmp_path, name, text) == (0, "")


def _check(folder: Path, name: str, text: str) -> tuple[int, str]:
    (folder / "src").mkdir()
    (folder / name).write_text(text)
    done = subprocess.run([PROSE, name], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout
