"""Process of the local chat model: `python -m basechat.embedded.servers.model_server SOCKET WEIGHTS NAME`."""

import os
import signal
import sys

import xllamacpp
from setproctitle import setproctitle

_CONTEXT = 4096
_CONCURRENT_ANSWERS = 2
_STOP = {signal.SIGTERM, signal.SIGINT}


def serve(socket: str, weights: str, name: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)  # before llama.cpp's threads start: they inherit the mask
    server = xllamacpp.Server(_parameters(weights, name, socket))
    signal.sigwait(_STOP)
    del server  # closes the socket and joins its threads


def _parameters(weights: str, name: str, socket: str) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {name}
    parameters.hostnames = [socket]
    parameters.n_ctx = _CONTEXT * _CONCURRENT_ANSWERS
    parameters.n_parallel = _CONCURRENT_ANSWERS
    parameters.ui = False
    parameters.cache_ram_mib = 64
    # The threads spin while they wait for each other. One core stays free for the rest of the stack.
    threads = max(1, min(4, (os.cpu_count() or 2) - 1))
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    return parameters


if __name__ == "__main__":
    setproctitle("basechat: local-model")
    serve(*sys.argv[1:])
