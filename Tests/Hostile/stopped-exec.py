# tries: to keep what is put beside it from ever being executed: it is stopped at once
# must: killed when its time is over, and said so
# | command python3 {me}
# | start
# | wait for output contains "UP" within 20s
# | exec within 1s true
# | expect exec exit 137
# | stop grace 100ms
# | expect no processes left
import os, signal, time
print("UP", flush=True)
end = time.monotonic() + 20
while time.monotonic() < end:
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try: os.kill(int(name), signal.SIGSTOP)
            except OSError: pass
