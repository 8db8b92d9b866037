"""The programs that the stack runs: PostgreSQL, Valkey, nginx, the local models and our own services."""
