"""Counters: in memory first, added each second to redis-state, and each hour to PostgreSQL."""
