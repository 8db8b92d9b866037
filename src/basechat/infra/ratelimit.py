"""The former path of `ratelimit`."""

from basechat.infra.redis.ratelimit import RateLimit as Limit

__all__ = ["Limit"]
