# tries: to reach the host's network
# must: a loopback of its own, and nothing else
import errno, os, sys
from hostile import *
import socket
names = [name for _, name in socket.if_nameindex()]
if [n for n in names if n not in ("lo", "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0")]:
    escaped(str(names))
s = socket.socket()
s.settimeout(2)
refused("connect", -s.connect_ex(("192.0.2.1", 80)), errno.ENETUNREACH)
held()
