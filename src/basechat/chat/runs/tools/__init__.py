"""Tool calls of runs: their ledger, the check of their arguments, and approvals."""
