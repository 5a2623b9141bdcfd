# tries: to load modules, to replace the kernel, to restart the machine
# must: EPERM
import errno, os, sys
from hostile import *
refused("init_module", call("init_module", None, 0, b""))
refused("finit_module", call("finit_module", 0, b"", 0))
refused("delete_module", call("delete_module", b"x", 0))
refused("kexec_load", call("kexec_load", 0, 0, None, 0))
refused("reboot", call("reboot", 0xfee1dead - (1 << 32), 672274793, 0x89abcdef - (1 << 32), None))
refused("acct", call("acct", b"/acct"))
refused("swapon", call("swapon", b"/x", 0))
refused("quotactl", call("quotactl", 0, None, 0, None))
refused("syslog", call("syslog", 3, None, 0))
held()
