# tries: to make the harness recurse: each process is the child of the one before
# must: no deeper than the wall, and judged
# verdict: passed or error
# | command python3 {me}
# | start
# | expect exit 0 within 60s
# | expect no service killed
# | expect no orphans reaped
# | expect nobody killed
import os, sys, time
depth = 0
while depth < 300:
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        os._exit(0)
    depth += 1
