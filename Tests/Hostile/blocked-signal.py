# tries: to start a service with SIGTERM blocked, and to pass the signal on
# must: the service has not received it, as long as it waits
# verdict: failed
# | service app
# |   runs python3 {me}
# | service db
# |   runs sleep 60
# | start
# | wait for db ready within 20s
# | kill SIGTERM
# | wait for output contains "PASSED ON" within 10s
# | expect db received SIGTERM once within 300ms
import os, signal, time
child = os.fork()
if child == 0:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.execv("/.harness/fake-services", ["fake-services", "run", "db", "--", "sleep", "60"])
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop: time.sleep(0.01)
os.kill(child, signal.SIGTERM)
print("PASSED ON", flush=True)
while True: time.sleep(1)
