"""Metering: admission, reservations, usage rows, and the counters of limits that follow them (ADR 19)."""
