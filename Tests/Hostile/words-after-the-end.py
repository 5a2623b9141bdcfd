# tries: to speak for PID 1 from a process that outlives its parent
# must: no orphan is a service
# verdict: failed
# | service app
# |   runs python3 {me}
# | service db
# | start
# | wait for output contains "UP" within 20s
# | expect db ready within 200ms
import os, time
from hostile import say
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        kept = say("x", b"hello db", b"ready")
        print("UP", flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
