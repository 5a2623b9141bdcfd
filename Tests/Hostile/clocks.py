# tries: to set the machine's clocks
# must: EPERM
import errno, os, sys
from hostile import *
import time
refused("clock_settime", attempt(time.clock_settime, time.CLOCK_REALTIME, 0))
refused("settimeofday", call("settimeofday", b"\0" * 16, None))
held()
