# tries: to go before others: nice values, real time, the out-of-memory killer's choice
# must: EPERM, EACCES
import errno, os, sys
from hostile import *
refused("nice", attempt(os.setpriority, os.PRIO_PROCESS, 0, -20), errno.EACCES, errno.EPERM)
refused("SCHED_FIFO", attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1)))
if open("/proc/self/oom_score_adj").read().strip() != "0":
    escaped("oom_score_adj " + open("/proc/self/oom_score_adj").read())
def lower():
    with open("/proc/self/oom_score_adj", "w") as file: file.write("-1000")
refused("oom_score_adj", attempt(lower), errno.EACCES, errno.EPERM)
held()
