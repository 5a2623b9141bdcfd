# tries: to reach the machine's ports
# must: EPERM (on x86)
import errno, os, sys
from hostile import *
import platform
if platform.machine() == "x86_64":
    refused("iopl", call("iopl", 3))
    refused("ioperm", call("ioperm", 0, 1, 1))
held()
