# tries: to raise its hard limits
# must: EPERM
import errno, os, sys
from hostile import *
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
try:
    resource.setrlimit(resource.RLIMIT_CORE, (soft + 4096, hard + 4096))
    escaped("RLIMIT_CORE raised")
except (ValueError, OSError):
    pass
held()
