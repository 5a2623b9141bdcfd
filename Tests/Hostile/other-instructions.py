# tries: the x32 calls, and those of 32-bit programs
# must: EPERM (on x86)
import errno, os, sys
from hostile import *
import platform
if platform.machine() == "x86_64":
    refused("x32 getpid", number_call(0x40000000 | 39))
held()
