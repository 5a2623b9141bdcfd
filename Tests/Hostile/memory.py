# tries: to take more memory than it may have
# must: the kernel ends it, and not the harness
# | memory limit 64m
# | command python3 {me}
# | start
# | expect exit 137 within 30s
import sys
kept = []
while True: kept.append(bytearray(1 << 20))
