"""BaseChat: a self-hosted AI chat platform for teams."""

__version__ = "0.1.0"
