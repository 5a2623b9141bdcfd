# tries: to find System V queues and shared memory of the host
# must: none
import errno, os, sys
from hostile import *
for name in ["shm", "sem", "msg"]:
    if len(open("/proc/sysvipc/" + name).read().splitlines()) > 1:
        escaped(name)
held()
