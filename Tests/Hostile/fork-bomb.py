# tries: to take all process numbers
# must: a wall of 2048 processes
import os, sys, time
made = 0
while made < 5000:
    try:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
    except OSError:
        break
sys.exit(0 if made < 2048 else 1)
