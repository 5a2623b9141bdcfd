# tries: to open a file of the host by its handle (the way of shocker.c)
# must: EPERM
import errno, os, sys
from hostile import *
import ctypes
handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0" + b"\x02" + b"\0" * 63)
root = os.open("/", os.O_RDONLY)
refused("open_by_handle_at", call("open_by_handle_at", root, handle, os.O_RDONLY))
held()
