# tries: to switch off the randomisation of addresses
# must: EPERM; the harmless ones are allowed
import errno, os, sys
from hostile import *
refused("ADDR_NO_RANDOMIZE", call("personality", 0x0040000))
refused("READ_IMPLIES_EXEC", call("personality", 0x0400000))
if call("personality", 0xffffffff) < 0 or call("personality", 0) < 0:
    escaped("the filter refuses what Docker allows")
held()
