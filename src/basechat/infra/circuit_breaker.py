"""The former path of `circuit_breaker`."""

from basechat.infra.redis.circuit_breaker import OPEN_SECONDS, TIMEOUT_SECONDS, CircuitBreaker, RedisUnavailableError

__all__ = ["OPEN_SECONDS", "TIMEOUT_SECONDS", "CircuitBreaker", "RedisUnavailableError"]
