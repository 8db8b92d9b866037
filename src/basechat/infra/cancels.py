"""The former path of `signals`."""

from basechat.infra.redis.signals import CancelListener, announce_cancel

__all__ = ["CancelListener", "announce_cancel"]
