# tries: to change the fakes' executable, and what the harness goes by at the next start
# must: read-only
import errno, os, sys
from hostile import *
refused("chmod", attempt(os.chmod, "/.harness/fake-services", 0o4755), errno.EROFS)
refused("write", attempt(os.open, "/.harness/fake-services", os.O_WRONLY), errno.EROFS, errno.ETXTBSY)
refused("a link", attempt(os.symlink, "/etc", "/.harness/volumes"), errno.EROFS, errno.EEXIST)
refused("rename", attempt(os.rename, "/.harness", "/harness"), errno.EBUSY)
refused("remove the socket", attempt(os.unlink, "/.harness/services"), errno.EROFS)
refused("chmod of the socket", attempt(os.chmod, "/.harness/services", 0), errno.EROFS)
held()
