# tries: to fill the disk
# must: its own layer is full: ENOSPC
import errno, os, sys
try:
    with open("/full", "wb", buffering=0) as file:
        for _ in range(1024): file.write(b"x" * (1 << 20))
except OSError as error:
    sys.exit(0 if error.errno == errno.ENOSPC else 1)
sys.exit(1)
