import Model
import Vocabulary

extension Grammar {
    /// What happens, and what must be so.
    static let stepForms: [Form<Draft>] = [
        Form(
            "start",
            "Starts the container; returns when PID 1 has been executed. One that runs, or that its policy is about to start again, is left alone.",
            example: """
                scenario "started"
                  service app

                  start
                  expect state running
                """
        ) { draft, _ in draft.action = .start },
        Form(
            "stop [grace GRACE]",
            "Stops the container as the runtime does: the stop signal, the grace period, SIGKILL. Returns when PID 1 has ended.",
            otherwise: "the grace period of `stop signal`",
            example: """
                scenario "stopped with little patience"
                  service app
                    ignores SIGTERM

                  start
                  wait for app ready within 5s
                  stop grace 100ms
                  expect exit on SIGKILL
                """
        ) { $0.action = .stop(grace: $1.duration(1)) },
        Form(
            "begin start",
            "Starts the container without waiting for its `post-start` hook.",
            example: """
                scenario "stopped while its hook runs"
                  runtime kubernetes
                  post-start sleep 60
                  service app

                  begin start
                  wait for app ready within 5s
                  stop
                  expect state exited
                """
        ) { draft, _ in draft.action = .beginStart },
        Form(
            "begin stop [grace GRACE]",
            "Begins a stop: the steps after it come while the container is being stopped.",
            otherwise: "the grace period of `stop signal`",
            example: """
                scenario "killed while it is being stopped"
                  service app
                    ignores SIGTERM

                  start
                  wait for app ready within 5s
                  begin stop grace 30s
                  expect state running for 100ms
                  kill
                  expect exit 137
                """
        ) { $0.action = .beginStop(grace: $1.duration(1)) },
        Form(
            "begin restart [grace GRACE]",
            "Begins a restart, and does not wait for it.",
            otherwise: "the grace period of `stop signal`",
            example: """
                scenario "restarted in its own time"
                  about none
                  command sh -c "echo life >>/lives; exec sleep 60"

                  start
                  wait for file /lives contains "life" within 5s
                  begin restart grace 200ms
                  expect file /lives matches /life[^a-z]life/ within 5s
                """
        ) { $0.action = .beginRestart(grace: $1.duration(1)) },
        Form(
            "client goes away",
            "Kills the clients of what was begun. Docker goes on with it; Podman's client does the work itself, so that nothing kills the "
                + "container.",
            example: """
                scenario "nothing kills it"
                  runtime podman
                  service app
                    ignores SIGTERM

                  start
                  wait for app ready within 5s
                  begin stop grace 300ms
                  client goes away
                  expect state stopping for 600ms
                """
        ) { draft, _ in draft.action = .dropClient },
        Form(
            "kill at event COUNT",
            "SIGKILL to PID 1 right after event N of the container, counted from its last start: forks, execs, ends, and "
                + "what fake services say. It is what `sweep kill at every event` prints to show a failure again. Where the next event "
                + "comes first the run is void, and is made again.",
            example: """
                scenario "killed where it matters"
                  volume data at /data
                  entrypoint initialises marker /data/done steps schema, users each 20ms then sleep 60

                  start
                  kill at event 2
                  start
                  expect step users ran once within 5s
                """
        ) { $0.action = .atEvent($1.number(0) ?? 1, .kill) },
        Form(
            "stop [grace GRACE] at event COUNT",
            "The same with a stop; `stop` alone says how it goes.",
            otherwise: "the grace period of `stop signal`",
            example: """
                scenario "stopped while it starts"
                  command sh -c "trap 'exit 0' TERM; sleep 0.1; sleep 0.1; sleep 60 & wait"
                  about none

                  start
                  stop grace 5s at event 3
                  expect exit 0
                """
        ) { $0.action = .atEvent($1.number(2) ?? 1, .stop(grace: $1.duration(1))) },
        Form(
            "restart [grace GRACE] at event COUNT", "The same with a restart.",
            otherwise: "the grace period of `stop signal`",
            example: """
                scenario "restarted while it starts"
                  command sh -c "trap 'exit 0' TERM; sleep 0.1; sleep 0.1; echo up; sleep 60 & wait"
                  about none

                  start
                  restart grace 5s at event 3
                  expect output contains "up" within 5s
                """
        ) { $0.action = .atEvent($1.number(2) ?? 1, .restart(grace: $1.duration(1))) },
        Form(
            "signal SIGNAL to PARTY at event COUNT", "The same with a signal to one process.",
            example: """
                scenario "told to read its settings while it starts"
                  command sh -c "trap 'echo read' HUP; sleep 0.1; sleep 0.1; sleep 60 & wait"
                  about none

                  start
                  signal SIGHUP to init at event 3
                  expect output contains "read" within 5s
                """
        ) {
            $0.action = .atEvent($1.number(2) ?? 1, .signal($1.signal(0) ?? .term, to: Party(name: $1.text(1) ?? "")))
        },
        Form(
            "crash SERVICE at event COUNT", "The same with SIGKILL to a service.",
            example: """
                scenario "a service is killed at once"
                  service app

                  start
                  crash app at event 5
                  expect exit 137 within 5s
                """
        ) { $0.action = .atEvent($1.number(1) ?? 1, .crash(service: $1.text(0) ?? "")) },
        Form(
            "kill [SIGNAL]",
            "A signal to PID 1 from outside, as `docker kill`. SIGKILL is waited for, other signals are not.",
            otherwise: "SIGKILL",
            example: """
                scenario "killed"
                  service app

                  start
                  kill
                  expect exit 137
                """
        ) { $0.action = .kill($1.signal(1) ?? .kill) },
        Form(
            "restart [NUMBER times] [grace GRACE]",
            "Stops the container and starts it again, as `docker restart`, once or this many times.",
            otherwise: "once; the grace period of `stop signal`",
            example: """
                scenario "restarted"
                  service app

                  start
                  restart 3 times grace 5s
                  expect app ready within 5s
                """
        ) { $0.action = .restart(times: $1.number(1) ?? 1, grace: $1.duration(3)) },
        Form(
            "recreate", "A new container in the place of the old one: its own layer is new, the volumes are the same.",
            example: """
                scenario "a new container"
                  volume data at /data
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  recreate
                  start
                  expect app ready within 5s
                """
        ) { draft, _ in draft.action = .recreate },
        Form(
            "remove volume VOLUME",
            "Takes a volume away: the next start finds it empty. The container must not be running.",
            example: """
                scenario "an empty volume"
                  volume data at /data
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  remove volume data
                  start
                  expect app ready within 5s
                """
        ) { $0.action = .removeVolume($1.text(0) ?? "") },
        Form(
            "daemon restarts",
            "The runtime's daemon ends, which stops the container, and another one begins, which starts it again where the restart "
                + "policy says so: one that was stopped by hand under `always`, not under `unless-stopped`.",
            example: """
                scenario "it is there again"
                  restart policy unless-stopped
                  service app

                  start
                  wait for app ready within 5s
                  daemon restarts
                  expect app ready within 5s
                """
        ) { draft, _ in draft.action = .daemonRestarts },
        Form(
            "daemon crashes",
            "The runtime's daemon is killed, and another one begins. It stops the container that it finds, as if by hand, and then "
                + "asks the restart policy.",
            example: """
                scenario "it stays down"
                  restart policy unless-stopped
                  service app

                  start
                  wait for app ready within 5s
                  daemon crashes
                  expect state exited
                """
        ) { draft, _ in draft.action = .daemonCrashes },
        Form(
            "pause", "Freezes every process of the container, as `docker pause`.",
            example: """
                scenario "paused"
                  service app

                  start
                  pause
                  resume
                  expect app ready within 5s
                """
        ) { draft, _ in draft.action = .pause },
        Form("resume", "Lets a paused container go on.", example: "see `pause`") { draft, _ in
            draft.action = .resume
        },
        Form(
            "signal SIGNAL to PARTY",
            "A signal to one process of the container, from outside: a service, or where there are none, the oldest process that runs a "
                + "program of this name, PID 1 last.",
            example: """
                scenario "a signal past the init"
                  service app
                    exits 5 on SIGUSR1

                  start
                  wait for app ready within 5s
                  signal SIGUSR1 to app
                  expect exit 5 within 5s
                """
        ) { $0.action = .signal($1.signal(0) ?? .term, to: Party(name: $1.text(1) ?? "")) },
        Form(
            "crash SERVICE",
            "SIGKILL to a service, from outside; where there are none, to the oldest process that runs a program of this name, PID 1 last.",
            example: """
                scenario "a service is killed"
                  service app

                  start
                  wait for app ready within 5s
                  crash app
                  expect exit 137 within 5s
                """
        ) { $0.action = .crash(service: $1.text(0) ?? "") },
        Form(
            "orphan COUNT from SERVICE living TIME",
            "A fake service that runs makes processes and leaves them to the init; each exits after the time. Returns when all are there.",
            example: """
                scenario "orphans later"
                  service app

                  start
                  wait for app ready within 5s
                  orphan 5 from app living 10ms
                  expect orphans reaped within 5s
                """
        ) { $0.action = .orphan(count: $1.number(0) ?? 1, from: $1.text(1) ?? "", living: $1.duration(2) ?? .zero) },
        Form(
            "exec [within TIME] COMMAND",
            "A further process in the running container, as `docker exec`; waits for its end. When the time is over it is killed, it "
                + "alone, as a health check that takes too long.",
            otherwise: "as long as it takes",
            example: """
                scenario "looking inside"
                  service app

                  start
                  exec test -e /proc/1
                  expect exec exit 0
                  exec within 100ms sleep 60
                  expect exec exit 137
                """
        ) { $0.action = .exec($1.texts(2), within: $1.duration(1)) },
        Form(
            "type TEXT",
            "Letters for PID 1's terminal, or for its open standard input. `^C`, `^D`, `^Z` and `^\\` are what these keys send, `^^` is a caret.",
            example: """
                scenario "Ctrl-C"
                  about none
                  terminal on
                  command sleep 60

                  start
                  type "^C"
                  expect state running for 20ms
                """
        ) { $0.action = .type($1.text(0) ?? "") },
        Form(
            "close stdin", "The end of PID 1's open standard input.",
            example: """
                scenario "nothing more to read"
                  about none
                  stdin open
                  command cat

                  start
                  close stdin
                  expect exit 0 within 5s
                """
        ) { draft, _ in draft.action = .closeInput },
        Form(
            "wait TIME", "Lets time pass. To wait for something to happen `wait for` is surer.",
            example: """
                scenario "some time later"
                  service app

                  start
                  wait 20ms
                  expect state running
                """
        ) { $0.action = .wait($1.duration(0) ?? .zero) },
        Form(
            "wait for QUESTION within TIME",
            "Goes on when the condition holds, or with `no` when it does not hold any more. When the time passes first, the scenario has "
                + "failed and ends here.",
            example: """
                scenario "when it is ready"
                  service app

                  start
                  wait for app ready within 5s
                  expect state running
                """
        ) {
            if case .condition(let condition, let isNegated) = $1[0] {
                $0.action = .waitFor(condition, isNegated: isNegated, within: $1.duration(1) ?? .zero)
            }
        },
        Form(
            "repeat NUMBER times", "The steps in the block below, this many times.",
            example: """
                scenario "again and again"
                  service app

                  repeat 5 times
                    start
                    wait for app ready within 5s
                    stop
                    expect exit 0
                """
        ) {
            $0.action = .repeated(times: $1.number(0) ?? 1, [])
            $0.block = .steps
        },
        Form(
            "in NAME", "The steps in the block below, in this one of several containers.",
            example: """
                scenario "one of two"
                  runtime compose
                  container db
                    service postgres
                  container api
                    service node

                  start
                  expect postgres, node ready within 5s
                  in api
                    restart
                    expect node ready within 5s
                  expect postgres received nothing
                """
        ) {
            $0.action = .within(container: $1.text(0) ?? "", [])
            $0.block = .steps
        },
        Form(
            "down",
            "Stops every container and removes it, as `docker compose down`, or as the deletion of a pod; volumes stay. What is started then is new.",
            example: """
                scenario "begun anew"
                  runtime compose
                  container db
                    service postgres

                  start
                  expect postgres ready within 5s
                  down
                  start
                  expect postgres ready within 5s
                """
        ) { draft, _ in draft.action = .down },
        Form(
            "sweep (kill | stop [grace GRACE] | restart [grace GRACE] | signal SIGNAL to PARTY | crash SERVICE) "
                + "(from TIME to TIME step TIME | at every event) [of the next life]",
            "The steps in the block below, once for each moment, all of them side by side, each in a container of its own: PID 1 is "
                + "killed, or the container stopped or restarted, or a process sent a signal, this long after the first start in the block, or "
                + "right after each event of a run that nothing disturbs; with `of the next life` after the second start. Where PID 1 has "
                + "ended before, nothing is done.",
            otherwise: "the grace period of `stop signal`; the first start in the block",
            example: """
                scenario "disturbed at any moment"
                  service app

                  sweep kill from 0s to 20ms step 5ms
                    start
                    start
                    expect app ready within 5s
                  sweep kill at every event
                    start
                    start
                    expect app ready within 5s
                  sweep restart grace 100ms at every event of the next life
                    start
                    wait for app ready within 5s
                    kill
                    start
                    expect app ready within 5s
                """
        ) {
            let disturbance: Disturbance =
                switch $1[0] {
                case .alternative(1): .stop(grace: $1.duration(2))
                case .alternative(2): .restart(grace: $1.duration(4))
                case .alternative(3): .signal($1.signal(5) ?? .term, to: Party(name: $1.text(6) ?? ""))
                case .alternative(4): .crash(service: $1.text(7) ?? "")
                default: .kill
                }
            var plan = SweepPlan(disturbance, .everyEvent, ofNextLife: $1.isPresent(12))
            if let from = $1.duration(9), let to = $1.duration(10), let step = $1.duration(11) {
                plan.moments = .range(from: from, to: to, step: step)
            }
            $0.action = .sweep(plan, [])
            $0.block = .steps
        },
        Form(
            "expect QUESTION [within TIME] [for TIME]",
            "What must be so: now, or with `within` at some moment up to then; with `for` it must stay so for that time. "
                + "`no` turns the answer round; said of several, it is said of each. `no … within` says that it does not come true in "
                + "that time, at no moment of it; `wait for no …` waits for its end. When PID 1 has ended nothing is waited for any more.",
            otherwise: "now",
            example: """
                scenario "left in peace"
                  service app
                    ready after 50ms

                  start
                  expect app ready within 5s
                  expect no app received SIGTERM within 20ms
                  expect state running for 20ms
                """
        ) {
            guard case .condition(let condition, let isNegated) = $1[0] else { return }
            $0.action = .expect(
                Expectation(condition, isNegated: isNegated, within: $1.duration(2), for: $1.duration(4)))
        },
    ]
}
