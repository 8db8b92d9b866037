"""The tool `current_time`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel


class CurrentTime(BaseModel):
    """The time in one place."""

    time: str
    timezone: str
    weekday: str


def current_time(timezone: str = "UTC") -> CurrentTime:
    """Return the current date and time. `timezone` is an IANA name such as Asia/Seoul or Europe/Berlin."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(f"There is no time zone {timezone!r}; give an IANA name such as Asia/Seoul.") from None
    now = datetime.now(UTC).astimezone(zone)
    return CurrentTime(time=now.isoformat(timespec="seconds"), timezone=timezone, weekday=now.strftime("%A"))
