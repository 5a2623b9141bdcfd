# tries: powers beyond Docker's default set, by bounding set, inheritance and set-user-ID
# must: none
import errno, os, sys
from hostile import *
caps = {line.split(":")[0]: int(line.split(":")[1], 16) for line in open("/proc/self/status") if line.startswith("Cap")}
docker = sum(1 << n for n in [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31])
for name, value in caps.items():
    if value & ~docker:
        escaped(f"{name} {value:x}")
held()
