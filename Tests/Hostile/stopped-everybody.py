# tries: to stop everybody that it sees, itself included
# must: PID 1 cannot be stopped from inside, and is judged
import os, signal
if os.fork() == 0:
    import time
    time.sleep(60)
try: os.kill(-1, signal.SIGSTOP)
except OSError: pass
os.kill(1, signal.SIGSTOP)
