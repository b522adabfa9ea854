"""The published measurements, each with what it is compared to: `make bench`.

Everything is real: the servers, the processes of the Procfile, the functions that a worker calls.
The comparison runs in the same call, on the same machine, right before or after.
"""
