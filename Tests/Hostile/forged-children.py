# tries: to be a service by children that say so: the service itself is never executed
# must: the service was never started
# verdict: failed
# | service app
# |   runs python3 {me} as-pid-1
# | service db
# | start
# | wait for output contains "UP" within 20s
# | expect db ready within 300ms
import os, signal, sys, time
from hostile import say
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.getpid() == 1 and len(sys.argv) > 1:
    if os.fork() == 0:
        kept = say("db", b"hello db", b"ready")
        while True: time.sleep(1)
    print("UP", flush=True)
    while True: time.sleep(1)
