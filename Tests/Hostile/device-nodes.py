# tries: to change the host's device nodes by their names in /dev
# must: read-only
import errno, os, sys
from hostile import *
for name in ["null", "zero", "full", "random", "urandom", "tty"]:
    refused("chmod " + name, attempt(os.chmod, "/dev/" + name, 0o600), errno.EROFS)
    refused("chown " + name, attempt(os.chown, "/dev/" + name, 1, 1), errno.EROFS)
    refused("remove " + name, attempt(os.unlink, "/dev/" + name), errno.EBUSY, errno.EROFS)
held()
