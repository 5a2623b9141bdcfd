# tries: in a pod that shares its PID namespace, to kill its neighbour, and have the runtime blamed
# must: the neighbour ends, and not by the runtime's doing
# | runtime kubernetes
# | pid namespace shared
# | container good
# |   command sleep 60
# | container bad
# |   command python3 {me}
# |
# | start
# | in good
# |   wait for exit on SIGKILL within 30s
# |   expect init received SIGKILL
# |   expect no init received SIGKILL from runtime
import os, signal, time
for _ in range(100):
    try: os.kill(-1, signal.SIGKILL)
    except OSError: pass
    time.sleep(0.05)
