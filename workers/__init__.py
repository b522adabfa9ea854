"""How background work runs: RQ jobs, their schedule, and the processes."""
