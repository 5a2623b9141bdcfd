# tries: to read what Docker masks of /proc: the memory, the keys, the timers
# must: empty
import errno, os, sys
from hostile import *
for name in ["kcore", "keys", "timer_list", "sched_debug", "latency_stats"]:
    path = "/proc/" + name
    if os.path.exists(path) and open(path, "rb").read(1):
        escaped(path + " can be read")
for name in ["acpi", "scsi", "asound"]:
    if os.path.isdir("/proc/" + name) and os.listdir("/proc/" + name):
        escaped("/proc/" + name + " can be read")
held()
