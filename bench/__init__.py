"""The measurements that are quoted, each with what it is compared to: `make bench`.

Everything is real: the servers, the processes of the Procfile, the verbs that a worker calls. What
a figure is compared to runs in the same call, on the same machine, right before or after it.
"""
