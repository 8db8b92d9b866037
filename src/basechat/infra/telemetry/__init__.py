"""Spans for OpenTelemetry, where a collector is set; without one nothing is recorded and nothing is loaded."""
