"""Answers: their cache key, their forms, and their assembly from a stream."""
