# tries: to make namespaces of its own, of every kind, by every call
# must: EPERM; clone3, whose flags no filter can see, ENOSYS
import errno, os, sys
from hostile import *
for kind in [NEW_TIME, NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET]:
    refused("unshare", call("unshare", kind))
for kind in [NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET]:
    refused("clone", call("clone", kind | 17, 0, 0, 0, 0))
refused("clone3", call("clone3", 0, 0), errno.ENOSYS)
held()
