# tries: to write below /sys
# must: read-only, or not there
import errno, os, sys
from hostile import *
for path in ["/sys/kernel/uevent_helper", "/sys/power/state", "/sys/kernel/mm/transparent_hugepage/enabled",
             "/sys/fs/cgroup/release_agent", "/sys/kernel/security/x", "/sys/kernel/debug/x"]:
    refused(path, attempt(os.open, path, os.O_WRONLY), errno.EROFS, errno.ENOENT, errno.EACCES)
held()
