"""A scripted OpenAI-compatible upstream on loopback. The model's name chooses the answer."""

from tests.upstream.records import RequestRecord
from tests.upstream.scripts import Call, Cut, Fail, Head, Raw, Say, Script, Stall, Stamp, Step, Wait
from tests.upstream.server import Upstream, running_upstream

__all__ = [
    "Call",
    "Cut",
    "Fail",
    "Head",
    "Raw",
    "RequestRecord",
    "Say",
    "Script",
    "Stall",
    "Stamp",
    "Step",
    "Upstream",
    "Wait",
    "running_upstream",
]
