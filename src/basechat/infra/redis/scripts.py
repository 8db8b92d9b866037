"""Lua scripts for Redis. Each lies in a `.lua` file beside the module that runs it."""

from importlib.resources import files


def load_script(package: str, name: str) -> str:
    return files(package).joinpath(f"{name}.lua").read_text()


DELETE_IF_EQUAL = load_script("basechat.infra.redis", "delete_if_equal")
