"""Calling providers: a stream or one body, whole events only, errors in OpenAI's shape."""
