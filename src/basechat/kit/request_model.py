"""The base of all request bodies."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """Unknown fields are errors: a misspelled field must not be ignored."""

    model_config = ConfigDict(extra="forbid")
