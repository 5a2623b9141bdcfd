# tries: to change the node that is its standard input: mode, owner, times
# must: read-only: it is the container's view of /dev/null
import errno, os, sys
from hostile import *
refused("fchmod", attempt(os.fchmod, 0, 0o600), errno.EROFS)
refused("fchown", attempt(os.fchown, 0, 1, 1), errno.EROFS)
refused("utime", attempt(os.utime, 0, (1, 1)), errno.EROFS)
refused("chmod", attempt(os.chmod, "/dev/stdin", 0o600), errno.EROFS)
held()
