# tries: to say words of a mebibyte
# must: not heard
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("/.harness/services")
for size in [1, 4096, 65536, 200000]:
    try: s.send(b"1 hello " + b"x" * size)
    except OSError: pass
