# tries: to start a service twice
# must: an error: it is not known which is meant
# verdict: error
# | service app
# |   runs python3 {me}
# | service db
# | start
# | wait for output contains "UP" within 20s
# | wait for db ready within 5s
# | wait 300ms
# | expect db ready
import os
if os.fork() == 0:
    os.execv("/.harness/fake-services", ["fake-services", "service", "db"])
if os.fork() == 0:
    os.execv("/.harness/fake-services", ["fake-services", "service", "db"])
print("UP", flush=True)
import time
time.sleep(60)
