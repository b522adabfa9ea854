"""How work is run: RQ's jobs, their schedule, and the processes. What it is, is in the verbs."""
