# tries: to mount, to unmount, and to change mounts, by the old calls and by the new
# must: EPERM each
import errno, os, sys
from hostile import *
refused("mount", call("mount", b"x", b"/tmp", b"tmpfs", 0, None))
refused("bind", call("mount", b"/", b"/tmp", None, 4096, None))
refused("remount", call("mount", None, b"/proc/sys", None, 32 | 4096, None))
for place in [b"/proc", b"/.harness", b"/dev/null", b"/"]:
    refused("umount", call("umount2", place, 2))
refused("pivot_root", call("pivot_root", b"/", b"/"))
for name in ["fsopen", "fspick", "open_tree", "fsmount", "fsconfig", "move_mount", "mount_setattr"]:
    refused(name, call(name, 0, b"", 0, 0, 0))
held()
