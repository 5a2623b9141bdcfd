# tries: to pass a signal on to a service that blocks it, and to end it with another
# must: unknown, an error: nobody saw whether the first was taken
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
import os, signal, time
child = os.fork()
if child == 0:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.execv("/.harness/fake-services", ["fake-services", "run", "db", "--", "sleep", "60"])
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop: time.sleep(0.01)
os.kill(child, signal.SIGTERM)
os.kill(child, signal.SIGINT)
os.waitpid(child, 0)
