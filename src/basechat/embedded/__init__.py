"""The whole stack on one machine without Docker: every process from a wheel, one folder of data, one supervisor."""
