import Model
import Vocabulary

extension Grammar {
    /// How a service behaves: the lines of its block.
    static let behaviourForms: [Form<Service>] = [
        Form(
            "ready after TIME", "The time from its start to its readiness.", otherwise: "0s",
            example: """
                scenario "slow to start"
                  service app
                    ready after 50ms

                  start
                  expect app ready within 5s
                """
        ) { $0.traits.append(.readyAfter($1.duration(0) ?? .zero)) },
        Form(
            "stop takes TIME",
            "The time from the stop signal to its end; whatever else comes meanwhile does not hurry it.",
            otherwise: "0s",
            example: """
                scenario "slow to stop"
                  service app
                    stop takes 100ms

                  start
                  wait for app ready within 5s
                  stop
                  expect stop took at least 100ms
                  expect stop took less than 10s
                """
        ) { $0.traits.append(.stopTakes($1.duration(0) ?? .zero)) },
        Form(
            "ignores CAUGHT-SIGNALS", "Signals that it catches and does nothing about.", otherwise: "none",
            example: """
                scenario "deaf"
                  stop signal SIGTERM grace 200ms
                  service app
                    ignores SIGTERM, SIGHUP

                  start
                  wait for app ready within 5s
                  stop
                  expect app killed
                """
        ) { $0.traits.append(.ignores($1.signals(0))) },
        Form(
            "exits CODE (after TIME | on CAUGHT)",
            "It ends by itself with this status, so long after it was ready, or at once on a signal.",
            otherwise: "it stays",
            example: """
                scenario "a status of its own"
                  service app
                    exits 3 on SIGTERM
                    exits 4 after 1m

                  start
                  wait for app ready within 5s
                  stop
                  expect exit 3
                """
        ) {
            let code = Int32($1.number(0) ?? 0)
            if let signal = $1.signal(3) { $0.traits.append(.exitsOn(code: code, signal)) }
            if let time = $1.duration(2) { $0.traits.append(.exitsAfter(code: code, time)) }
        },
        Form(
            "dies of SIGNAL after TIME",
            "It sends itself a signal, whose default action ends it, so long after it was ready.",
            otherwise: "it stays",
            example: """
                scenario "a crash"
                  service app
                    dies of SIGSEGV after 10ms

                  start
                  expect exit 139 within 5s
                """
        ) { $0.traits.append(.diesOf($1.signal(0) ?? .term, after: $1.duration(1) ?? .zero)) },
        Form(
            "forks with pidfile PATH",
            "The process that was started leaves a daemon in its place, writes its number there, and exits when the daemon is "
                + "ready (systemd's Type=forking).",
            otherwise: "it stays in the foreground",
            example: """
                scenario "a daemon"
                  requires forking
                  service app
                    forks with pidfile /run/app.pid

                  start
                  expect app ready within 5s
                """
        ) { $0.traits.append(.forks(pidFile: $1.text(0) ?? "")) },
        Form(
            "notifies", "It says that it is ready with sd_notify(3), and the init is to wait for that.",
            otherwise: "it says so only to the harness, and to an init that gives it READY_FD",
            example: """
                scenario "told to the init"
                  requires readiness
                  service app
                    notifies

                  start
                  expect app ready within 5s
                """
        ) { service, _ in service.traits.append(.notifies) },
        Form(
            "oneshot",
            "It does its work and exits, with 0 at once where no other line says otherwise; what comes after it starts when it has ended well.",
            otherwise: "it stays",
            example: """
                scenario "before everything else"
                  requires oneshot
                  service migrate
                    oneshot
                  service app after migrate

                  start
                  expect migrate stopped before app within 5s
                """
        ) { service, _ in service.traits.append(.oneshot) },
        Form(
            "spawns CHILDREN (children | child) [in own session]",
            "Processes that it keeps, each a well-behaved daemon named after it: `app.1`, `app.2`. Its orderly stop waits for "
                + "those in its session and tells them nothing.",
            otherwise: "none",
            example: """
                scenario "children in their own session"
                  requires supervision
                  service app
                    spawns 2 children in own session
                  service db
                    spawns 1 child
                    leaves 1 orphan living 10ms

                  start
                  expect app.1, app.2, db.1 ready within 5s
                """
        ) { $0.traits.append(.spawns(count: $1.number(0) ?? 1, ownSession: $1.isPresent(2))) },
        Form(
            "leaves COUNT (orphans living TIME | orphan living TIME | zombies | zombie)",
            "Before it is ready: processes that it leaves to the init, each of which exits after the time; or children that "
                + "exit at once, and that it never waits for.",
            otherwise: "none",
            example: """
                scenario "orphans at the start"
                  service app
                    leaves 3 orphans living 10ms
                    leaves 2 zombies

                  start
                  wait for app ready within 5s
                  expect orphans reaped within 5s
                  expect 2 zombies
                """
        ) {
            let count = $1.number(0) ?? 1
            if let time = $1.duration(2) ?? $1.duration(3) {
                $0.traits.append(.leavesOrphans(count: count, living: time))
            } else {
                $0.traits.append(.leavesZombies(count: count))
            }
        },
        Form(
            "writes data PATH",
            "Keeps a file there that is dirty while it runs, and clean after an orderly stop.", otherwise: "none",
            example: """
                scenario "time to save"
                  service db
                    writes data /var/lib/db
                    stop takes 50ms

                  start
                  wait for db ready within 5s
                  expect data /var/lib/db dirty
                  stop
                  expect data /var/lib/db clean
                """
        ) { $0.traits.append(.writes(data: $1.text(0) ?? "")) },
        Form(
            "runs COMMAND",
            "A real program in place of a fake; it is ready when it has been executed. It has no other behaviour than its own.",
            otherwise: "a fake",
            example: """
                scenario "a real program"
                  service app
                    runs sleep 60

                  start
                  wait for app ready within 5s
                  stop
                  expect exit 143
                """
        ) { $0.traits.append(.runs($1.texts(0))) },
    ]
}
