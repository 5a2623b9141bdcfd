# tries: to join namespaces by what /proc shows of them
# must: EPERM
import errno, os, sys
from hostile import *
for name in os.listdir("/proc/self/ns"):
    try:
        descriptor = os.open("/proc/1/ns/" + name, os.O_RDONLY)
    except OSError:
        continue
    refused("setns " + name, call("setns", descriptor, 0))
held()
