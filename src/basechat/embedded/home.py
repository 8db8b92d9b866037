"""Which data folder is meant where none is named."""

import os
from pathlib import Path


def default_folder() -> Path:
    """`.basechat` of the checkout we run from, else the place where a person's data belongs."""
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").exists() and (checkout / "src" / "basechat").is_dir():
        return checkout / ".basechat"
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "basechat"
