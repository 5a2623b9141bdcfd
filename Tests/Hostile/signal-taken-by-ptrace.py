# tries: to take a signal away from its service unseen, and to put another in its place
# must: unknown: an error
# verdict: error
# | service app
# |   runs python3 {me}
# | service db
# |   runs sleep 60
# | start
# | wait for db ready within 20s
# | kill SIGTERM
# | expect exit 0 within 10s
# | expect db received SIGTERM once
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
PTRACE_CONT, PTRACE_SEIZE = 7, 0x4206
child = os.fork()
if child == 0:
    os.execv("/.harness/fake-services", ["fake-services", "run", "db", "--", "sleep", "60"])
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop: signal.pause()
if libc.ptrace(PTRACE_SEIZE, child, 0, 0) != 0: sys.exit(9)
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
libc.ptrace(PTRACE_CONT, child, 0, signal.SIGINT)
os.waitpid(child, 0)
