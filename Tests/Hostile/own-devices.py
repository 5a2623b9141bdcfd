# tries: to make nodes of disks and of memory, and to open them
# must: made, for it has CAP_MKNOD, and never opened: no file system of it has devices
import errno, os, sys
from hostile import *
import stat
for place in ["/", "/dev/", "/dev/shm/", "/tmp/"]:
    for kind, major, minor in [(stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 254, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 10, 229)]:
        node = f"{place}node-{major}-{minor}"
        try:
            os.mknod(node, kind | 0o666, os.makedev(major, minor))
        except OSError:
            continue
        refused("open " + node, attempt(os.open, node, os.O_RDWR), errno.EACCES, errno.ENXIO)
held()
