# tries: to leave keys in the kernel, and to read the host's
# must: EPERM
import errno, os, sys
from hostile import *
refused("add_key", call("add_key", b"user", b"x", b"y", 1, -4))
refused("request_key", call("request_key", b"user", b"x", None, 0))
refused("keyctl", call("keyctl", 0, -4, 0))
held()
