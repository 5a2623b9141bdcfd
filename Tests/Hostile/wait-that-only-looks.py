# tries: to excuse zombies by waits that take nothing: WNOWAIT, WNOHANG before anybody has exited, WSTOPPED
# must: five zombies, also when PID 1 has ended
# | command python3 {me}
# | start
# | wait for output contains "UP" within 20s
# | stop
# | expect exit 0
# | expect 5 zombies
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
for _ in range(5):
    try: os.waitpid(-1, os.WNOHANG)
    except ChildProcessError: pass
children = []
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        time.sleep(0.2)
        os._exit(0)
    children.append(pid)
    os.waitpid(-1, os.WNOHANG)
for pid in children:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try: os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)
    except ChildProcessError: pass
print("UP", flush=True)
while True: time.sleep(1)
