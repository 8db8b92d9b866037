"""What keeps a service running: its health, its settings written down."""
