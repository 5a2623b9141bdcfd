# tries: to take all inodes
# must: its own layer has 65,536
import errno, os, sys
try:
    for n in range(100000): os.close(os.open(f"/file-{n}", os.O_CREAT | os.O_WRONLY))
except OSError as error:
    sys.exit(0 if error.errno == errno.ENOSPC else 1)
sys.exit(1)
