# tries: to find something of the host among what it has been given open
# must: 0, 1 and 2, and nothing else
import errno, os, sys
from hostile import *
import stat
found = sorted(int(name) for name in os.listdir("/proc/self/fd"))
# The last is the directory itself.
if found[:-1] != [0, 1, 2] and found != [0, 1, 2]:
    escaped("open: " + str([(n, os.readlink(f"/proc/self/fd/{n}")) for n in found if os.path.exists(f"/proc/self/fd/{n}")]))
if os.readlink("/proc/self/fd/0") != "/dev/null" or os.fstat(0).st_dev != os.stat("/dev/null").st_dev:
    escaped("standard input is " + os.readlink("/proc/self/fd/0"))
for n in (1, 2):
    if not stat.S_ISFIFO(os.fstat(n).st_mode):
        escaped(f"descriptor {n}")
held()
