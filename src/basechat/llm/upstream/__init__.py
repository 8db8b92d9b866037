"""Calls of providers: as a stream or in one body, whole events only, errors in OpenAI's shape."""
