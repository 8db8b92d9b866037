"""What all request bodies have in common."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A body in which an unknown field is an error: it was meant to do something."""

    model_config = ConfigDict(extra="forbid")
