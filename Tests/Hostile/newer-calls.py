# tries: calls that are newer than the filter
# must: ENOSYS, so that a C library tries the older way; EPERM for old ones that are on no list
import errno, os, sys
from hostile import *
refused("number 900", number_call(900), errno.ENOSYS)
refused("kcmp", call("kcmp", 1, 1, 0, 0, 0))
refused("pidfd_getfd", call("pidfd_getfd", 0, 0, 0))
held()
