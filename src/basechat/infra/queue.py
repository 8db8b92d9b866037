"""The former path of `signals`."""

from basechat.infra.redis.signals import JOBS, RUNS, add_wake, jobs_added, next_run, waiting_runs, wake, wake_jobs

__all__ = ["JOBS", "RUNS", "add_wake", "jobs_added", "next_run", "waiting_runs", "wake", "wake_jobs"]
