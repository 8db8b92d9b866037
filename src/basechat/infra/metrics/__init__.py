"""What happens, counted: in memory first, each second into redis-state, and from there by the hour into PostgreSQL."""
