# tries: to load programs, to watch events, to handle page faults in the kernel
# must: EPERM
import errno, os, sys
from hostile import *
refused("bpf", call("bpf", 0, None, 0))
refused("perf_event_open", call("perf_event_open", None, 0, -1, -1, 0))
refused("userfaultfd", call("userfaultfd", 0))
refused("io_uring_setup", call("io_uring_setup", 1, None))
held()
