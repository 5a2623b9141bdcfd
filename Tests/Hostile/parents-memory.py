# tries: to look into the memory of what put it there
# must: there is nobody
import errno, os, sys
from hostile import *
for name in ["mem", "environ", "maps", "root", "exe", "cwd", "fd"]:
    refused("/proc/2/" + name, attempt(os.stat, "/proc/2/" + name), errno.ENOENT)
if os.getppid() != 0:
    escaped("a parent")
held()
