# tries: to signal a process that is not inside
# must: everybody is inside
import errno, os, sys
from hostile import *
import signal
for pid in [2, 100, 1000, os.getpid() + 1]:
    refused(f"kill {pid}", attempt(os.kill, pid, signal.SIGKILL), errno.ESRCH)
held()
