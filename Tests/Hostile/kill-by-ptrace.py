# tries: to kill unseen: SIGKILL put in place of another signal by a tracer
# must: the victim counts as killed
# verdict: failed
# | command python3 {me}
# | start
# | expect exit 0 within 20s
# | expect nobody killed
import ctypes, os, signal, sys, time
from hostile import call
if os.fork() == 0:
    while True: time.sleep(1)
else:
    child = 2
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
PTRACE_CONT, PTRACE_ATTACH = 7, 16
if libc.ptrace(PTRACE_ATTACH, child, 0, 0) != 0: sys.exit(9)
os.waitpid(child, 0)
if libc.ptrace(PTRACE_CONT, child, 0, signal.SIGKILL) != 0: sys.exit(8)
_, status = os.waitpid(child, 0)
sys.exit(0 if os.WTERMSIG(status) == signal.SIGKILL else 7)
