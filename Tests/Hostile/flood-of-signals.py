# tries: to bury the journal in signals to itself
# must: it ends in seconds
# verdict: passed or error
# | command python3 {me}
# | start
# | expect exit 0 within 60s
# | expect init received SIGUSR1
# | expect no init received SIGTERM
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: None)
for _ in range(30000): os.kill(1, signal.SIGUSR1)
