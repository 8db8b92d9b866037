"""Runs code in a new interpreter, for tests of imports."""

import subprocess
import sys


def run_python(code: str) -> str:
    """The output of the code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout  # noqa: S603 - our own words
