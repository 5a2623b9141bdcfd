# tries: to reach the host's sockets without a path
# must: none: it has a network namespace of its own
import errno, os, sys
from hostile import *
entries = open("/proc/net/unix").read().splitlines()[1:]
others = [e for e in entries if "@" in e]
if others:
    escaped(str(others))
held()
