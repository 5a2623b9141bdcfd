# tries: to have another take the name of a service that runs
# must: the true one keeps it: the decoy has not executed the fakes
# | service app
# |   runs python3 {me}
# | start
# | wait for output contains "DECOY" within 20s
# | wait for app ready within 20s
# | stop
# | expect app received SIGTERM once
import os, sys, time
from hostile import say
if os.fork() == 0:
    kept = say("app", b"hello app", b"ready")
    print("DECOY", flush=True)
    while True: time.sleep(1)
os.execv("/.harness/fake-services", ["fake-services", "service", "app"])
