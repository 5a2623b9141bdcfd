# tries: to take all connections, and to say what is no word
# must: the rest goes on
import socket, time
kept = []
try:
    for _ in range(2000):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.setblocking(False)
        s.connect("/.harness/services")
        kept.append(s)
        for _ in range(20): s.send(b"\xff\x00garbage")
except OSError: pass
