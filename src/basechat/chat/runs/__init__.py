"""Runs: the work that makes an answer.

`worker` claims runs, `execution` runs one attempt, `lease` holds its statements, and `answer` the types.
"""
