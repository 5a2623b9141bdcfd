# tries: nothing: it waits for its children as it should, by every call
# must: no zombies
# | command python3 {me}
# | start
# | wait for output contains "UP" within 20s
# | stop grace 2s
# | expect exit 0
# | expect no zombies
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
def child():
    pid = os.fork()
    if pid == 0: os._exit(0)
    return pid
os.waitpid(child(), 0)
os.waitid(os.P_PID, child(), os.WEXITED)
os.wait4(child(), 0)
pid = child()
while os.waitpid(pid, os.WNOHANG) == (0, 0): time.sleep(0.001)
os.waitid(os.P_PID, pid := child(), os.WEXITED | os.WNOWAIT)
os.waitpid(-1, 0)
print("UP", flush=True)
while True: time.sleep(1)
