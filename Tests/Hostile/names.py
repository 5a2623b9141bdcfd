# tries: to give the machine another name
# must: EPERM
import errno, os, sys
from hostile import *
refused("sethostname", call("sethostname", b"x", 1))
refused("setdomainname", call("setdomainname", b"x", 1))
held()
