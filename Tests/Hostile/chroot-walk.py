# tries: to walk out of its root: chroot(2) into a directory while standing above it, then ..
# must: it ends where it began
import errno, os, sys
from hostile import *
outside = os.stat("/")
os.makedirs("/inner", exist_ok=True)
here = os.open("/", os.O_RDONLY)
os.chroot("/inner")
os.fchdir(here)
for _ in range(64):
    os.chdir("..")
os.chroot(".")
found = os.stat("/")
if (found.st_dev, found.st_ino) != (outside.st_dev, outside.st_ino):
    escaped("another root: " + " ".join(sorted(os.listdir("/"))))
held()
