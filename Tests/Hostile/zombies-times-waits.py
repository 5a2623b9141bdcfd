# tries: to make judging slow: many zombies, and many waits that find none of them
# must: it ends in seconds
# verdict: passed or error
# | command python3 {me}
# | start
# | wait for output contains "POLLED" within 60s
# | expect at least 400 zombies within 5s
# | stop grace 2s
# | expect exit 0
# | expect at least 400 zombies
import os, signal, sys, time
if os.fork() == 0:
    for _ in range(400):
        if os.fork() == 0: os._exit(0)
    print("UP", flush=True)
    while True: time.sleep(1)
time.sleep(0.5)
for _ in range(20000): os.waitpid(-1, os.WNOHANG)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("POLLED", flush=True)
while True: time.sleep(1)
