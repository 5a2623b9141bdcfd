# tries: to open a socket of the hypervisor, which no network namespace fences in, also with more bits than the kernel looks at
# must: EPERM
import errno, os, sys
from hostile import *
refused("AF_VSOCK", call("socket", 40, 1, 0))
refused("AF_VSOCK, datagram", call("socket", 40, 2, 0))
refused("AF_VSOCK with a bit above", call("socket", 40 | 1 << 32, 1, 0))
refused("AF_ALG", call("socket", 38, 5, 0))
if call("socket", 1, 1, 0) < 0 or call("socket", 39, 2, 2) == -errno.EPERM:
    escaped("the filter refuses what Docker allows")
held()
