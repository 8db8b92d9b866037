"""A new interpreter, for what depends on what has been imported."""

import subprocess
import sys


def run_python(code: str) -> str:
    """What the code prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout  # noqa: S603 - our own words
