# tries: to write its marker at each start and give it its old time
# must: unknown whether it was written once; not unchanged
# verdict: error
# | command python3 {me}
# | start
# | expect exit 0 within 20s
# | expect file /var/marker exists
# | expect marker /var/marker unchanged
# | start
# | expect exit 0 within 20s
# | expect no marker /var/marker unchanged
# | expect marker /var/marker written once
import os, sys
path = "/var/marker"
old = os.stat(path) if os.path.exists(path) else None
with open(path, "w") as file: file.write("done")
if old: os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
