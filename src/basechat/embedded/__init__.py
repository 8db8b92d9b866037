"""The whole stack on one machine without Docker: commands, one data folder, and a supervisor of all processes."""
