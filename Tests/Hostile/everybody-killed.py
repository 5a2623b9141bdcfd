# tries: to kill everybody that it sees, again and again
# must: itself, and nobody outside
import os, signal
for pid in (-1, -1, -1):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass
