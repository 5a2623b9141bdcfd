# tries: to forge lines of the report by the name of its program
# must: one line, with what is no letter shown and not obeyed
import os, shutil
name = "/sl\x1b[2J\nFORGED  none: all is well"
shutil.copy("/bin/true", name)
if os.fork() == 0: os.execv(name, [name])
os.wait()
