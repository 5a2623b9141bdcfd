# tries: to write to the kernel's settings
# must: read-only
import errno, os, sys
from hostile import *
for path in ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
             "/proc/sysrq-trigger", "/proc/sys/fs/binfmt_misc/register", "/proc/irq/0/smp_affinity"]:
    if os.path.exists(path):
        refused(path, attempt(os.open, path, os.O_WRONLY), errno.EROFS, errno.EACCES, errno.EPERM)
held()
