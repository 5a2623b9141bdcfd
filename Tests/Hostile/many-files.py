# tries: to take all file descriptors
# must: its own limit
import os
kept = []
try:
    while len(kept) < 2000000: kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
