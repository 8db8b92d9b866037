"""Write the OpenAPI document of the HTTP API: `python -m basechat.services.openapi docs/openapi.json`."""

import json
import sys
from pathlib import Path

from basechat.kit.config import SECRET_MIN_LENGTH, Settings
from basechat.services.backend import create_app


def openapi_document() -> str:
    settings = Settings(_env_file=None, secret_key="-" * SECRET_MIN_LENGTH)
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_document())
