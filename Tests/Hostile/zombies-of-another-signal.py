# tries: to hide zombies: children made with clone(2), whose end is told by SIGUSR1, which is ignored
# must: five zombies, also when PID 1 has ended
# | command python3 {me}
# | start
# | wait for output contains "UP" within 20s
# | stop
# | expect exit 0
# | expect 5 zombies
import os, signal, sys, time
from hostile import call
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
for _ in range(5):
    if call("clone", 10, 0, 0, 0, 0) == 0: os._exit(0)
def state(pid): return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
while any(state(pid) != "Z" for pid in range(2, 7)): time.sleep(0.001)
print("UP", flush=True)
while True: time.sleep(1)
