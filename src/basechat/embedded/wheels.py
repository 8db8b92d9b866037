"""Find what wheels brought along: programs and models."""

from importlib.util import find_spec
from pathlib import Path

from basechat.embedded.errors import StackError


def package_folder(package: str) -> Path:
    """Folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The package {package} is missing. Install the stack: pip install 'basechat[embedded]'")
    return Path(next(iter(spec.submodule_search_locations)))


def program(package: str, pattern: str) -> Path:
    """The one program in a package whose wheel holds a folder per platform."""
    found = sorted(package_folder(package).glob(pattern))
    if len(found) != 1:
        raise StackError(f"The wheel of {package} holds no program for this machine (looked for {pattern}).")
    return found[0]
