# tries: in a PID namespace that is shared, to look into PID 1, to trace it, and to end it
# must: refused
# | pid namespace shared
# | command python3 {me}
# |
# | start
# | expect exit 0 within 30s
import os, signal, sys
from hostile import call

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
done = []
for path in ("/proc/1/root/", "/proc/1/cwd/", "/proc/1/environ", "/proc/1/mem", "/proc/1/maps"):
    try:
        if path.endswith("/"): os.listdir(path)
        else: open(path, "rb").read(1)
        done.append(path)
    except OSError: pass
for request in (PTRACE_ATTACH, PTRACE_SEIZE):
    if call("ptrace", request, 1, 0, 0) == 0: done.append("ptrace")
os.kill(1, signal.SIGKILL)
os.kill(1, signal.SIGTERM)
# It is there still: a namespace without PID 1 makes no process.
if os.fork() == 0: os._exit(0)
os.wait()
print(done)
sys.exit(1 if done else 0)
