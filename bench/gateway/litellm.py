"""LiteLLM's proxy in its own environment, in front of the same upstream."""

import json
from collections.abc import Sequence
from pathlib import Path

from basechat.embedded.health import answers_http
from basechat.embedded.process import Service, start_command
from bench.client import BenchError
from bench.stack import ROOT

PROGRAM = ROOT / ".cache" / "bench" / "litellm" / "bin" / "litellm"
KEY = "sk-of-the-bench"


def service(folder: Path, port: int, upstream: str, models: Sequence[str]) -> Service:
    """One process of the proxy with the upstream as OpenAI, without database, cache and telemetry."""
    if not PROGRAM.exists():
        raise BenchError("LiteLLM is not installed. `make bench-gateway` installs it; or leave it out: --skip-litellm.")
    config = folder / "litellm.json"  # JSON is YAML too
    config.write_text(json.dumps(_config(upstream, models)))
    command = (PROGRAM, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False")
    log, environment = folder / "litellm.log", _environment(folder)
    return Service(
        name="litellm",
        launch=lambda: start_command(command, log=log, environment=environment, folder=folder),
        ready=lambda: answers_http(f"http://127.0.0.1:{port}/health/liveliness"),
        start_seconds=180,
    )


def _config(upstream: str, models: Sequence[str]) -> dict[str, object]:
    provider = {"api_base": f"{upstream}/v1", "api_key": KEY}
    return {
        "model_list": [
            {"model_name": model, "litellm_params": {"model": f"openai/{model}", **provider}} for model in models
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"master_key": KEY},
    }


def _environment(folder: Path) -> dict[str, str]:
    """The whole environment of the process. The price table comes from the package and is not fetched."""
    return {
        "PATH": f"{PROGRAM.parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_TELEMETRY": "False",
        "DISABLE_ADMIN_UI": "True",
    }
