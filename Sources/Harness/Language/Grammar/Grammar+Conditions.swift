import Model
import Vocabulary

extension Grammar {
    /// What can be asked of a run.
    static let conditionForms: [Form<Condition?>] = [
        Form(
            "PARTIES ready",
            "Each has said, in the present life of the container, that it does its work; a real program has been executed. It may have ended since.",
            example: "see `wait for CONDITION within TIME`"
        ) { $0 = .ready($1.parties(0)) },
        Form(
            "PARTY stopped before PARTY", "The first has ended, and the other has not yet, or later.",
            example: """
                scenario "in reverse order"
                  service db
                  service api after db

                  start
                  wait for db, api ready within 5s
                  stop
                  expect api stopped before db
                """
        ) { $0 = .stopped(Party(name: $1.text(0) ?? ""), before: Party(name: $1.text(1) ?? "")) },
        Form(
            "PARTIES received SIGNAL [(once | NUMBER times)] [from PARTY]",
            "Each has been sent the signal, at least once or so many times, and the kernel has not dropped it; `from init`: by "
                + "PID 1, `from runtime`: from outside.",
            example: """
                scenario "passed on"
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  expect init received SIGTERM once from runtime
                  expect app received SIGTERM once from init
                  expect app received SIGHUP 0 times
                """
        ) {
            let times = $1.alternative(3) == 0 ? 1 : $1.number(4)
            $0 = .received($1.parties(0), $1.signal(1) ?? .term, times: times, from: $1.text(6).map(Party.init(name:)))
        },
        Form(
            "PARTIES received nothing", "None of them has been sent a signal, SIGCHLD apart.",
            example: """
                scenario "left alone"
                  service app

                  start
                  wait for app ready within 5s
                  expect app received nothing
                """
        ) { $0 = .receivedNothing($1.parties(0)) },
        Form(
            "nobody killed", "No process of the container has ended by SIGKILL.",
            example: """
                scenario "a clean end"
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  expect nobody killed
                """
        ) { condition, _ in condition = .nobodyKilled },
        Form(
            "PARTIES killed", "Each has ended by SIGKILL.", example: "see `crash SERVICE`"
        ) { $0 = .killed($1.parties(0)) },
        Form(
            "exit CODE",
            "PID 1 has ended with this status; death by signal n counts as 128 + n, as every runtime reports it.",
            example: """
                scenario "a status"
                  command sh -c "exit 3"

                  start
                  expect exit 3 within 5s
                """
        ) { $0 = .exitCode($1.number(0) ?? 0) },
        Form(
            "exit on SIGNAL", "PID 1 has died of this signal.", example: "see `stop [grace GRACE]`"
        ) { $0 = .exitSignal($1.signal(0) ?? .term) },
        Form(
            "exec exit CODE",
            "The last `exec` has ended with this status; death by signal n counts as 128 + n, 126 and 127 say that it could not be started.",
            example: "see `exec [within TIME] COMMAND`"
        ) { $0 = .execExit($1.number(0) ?? 0) },
        Form(
            "no zombies", "No process has exited that nobody has waited for.",
            example: """
                scenario "clean"
                  service app
                    leaves 2 orphans living 10ms

                  start
                  wait for app ready within 5s
                  expect no zombies within 5s
                """
        ) { condition, _ in condition = .zombies(0) },
        Form(
            "NUMBER (zombies | zombie)", "So many processes have exited that nobody has waited for.",
            example: """
                scenario "not the init's"
                  service app
                    leaves 1 zombie

                  start
                  wait for app ready within 5s
                  expect 1 zombie
                """
        ) { $0 = .zombies($1.number(0) ?? 0) },
        Form(
            "orphans reaped", "Every process that has lost its parent has ended, and has been waited for.",
            example: "see `orphan COUNT from SERVICE living TIME`"
        ) { condition, _ in condition = .orphansReaped },
        Form(
            "no processes left", "PID 1 is alone, or has ended.",
            example: """
                scenario "nothing is left"
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  expect no processes left
                """
        ) { condition, _ in condition = .noProcessesLeft },
        Form(
            "state STATE", "What the runtime calls the container now.", example: "see `start`"
        ) { $0 = .state($1.text(0).flatMap(Condition.State.init(rawValue:)) ?? .running) },
        Form(
            "restarts NUMBER",
            "How often the restart policy has started it again since somebody did; it counts at the end of a life, as Docker does.",
            example: "see `restart policy POLICY`"
        ) { $0 = .restarts($1.number(0) ?? 0) },
        Form(
            "restart delays TIMES", "The times from an end to the restart that the policy made of it.",
            example: """
                scenario "with growing patience"
                  restart policy always
                  service app
                    exits 1 after 1ms

                  start
                  expect restart delays 100ms, 200ms, 400ms within 5s
                """
        ) { $0 = .restartDelays($1.durations(0)) },
        Form(
            "output contains TEXT",
            "A line of PID 1's standard output or error, or of what inherited these, has the text in it.",
            example: """
                scenario "said something"
                  command echo "hello, world"

                  start
                  expect output contains "hello" within 5s
                """
        ) { $0 = .outputContains($1.text(0) ?? "") },
        Form(
            "output in order TEXTS", "Lines with these texts have been printed, one behind the other.",
            example: """
                scenario "one, two"
                  command sh -c "echo one; echo two"

                  start
                  expect output in order "one", "two" within 5s
                """
        ) { $0 = .outputInOrder($1.texts(0)) },
        Form(
            "marker PATH written once", "The file has come to be, and has been written to, in one start only.",
            example: """
                scenario "the marker is written once"
                  volume data at /data
                  command sh -c "test -e /data/done || date > /data/done"

                  start
                  wait for exit 0 within 5s
                  restart 2 times
                  wait for exit 0 within 5s
                  expect marker /data/done written once
                  expect marker /data/done unchanged
                """
        ) { $0 = .markerWrittenOnce(path: $1.text(0) ?? "") },
        Form(
            "marker PATH unchanged", "Content, time, owner, mode and inode are what they were when it was first seen.",
            example: "see `marker PATH written once`"
        ) { $0 = .markerUnchanged(path: $1.text(0) ?? "") },
        Form(
            "file PATH exists", "There is something of that name in the container.",
            example: """
                scenario "a file comes"
                  command sh -c "umask 027; echo '2026-11-21T02:32:06Z' > /done; chown 568:568 /done"

                  start
                  expect file /done exists within 5s
                  expect exit 0 within 5s
                  expect file /done contains "2026"
                  expect file /done matches /^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$/
                  expect file /done owner 568:568
                  expect file /done mode 640
                """
        ) { $0 = .file(path: $1.text(0) ?? "", .exists) },
        Form(
            "file PATH contains TEXT", "The text is in the file; of large files the first 64 KiB are looked at.",
            example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .contains($1.text(1) ?? "")) },
        Form(
            "file PATH matches REGEX",
            "The regular expression is found in the file's text without its last newline, character by character; the file has "
                + "4096 bytes at most.",
            example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .matches($1.text(1) ?? "")) },
        Form(
            "file PATH owner OWNER", "The file belongs to this user and group.", example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .owner($1.owner(1) ?? .root)) },
        Form(
            "file PATH mode MODE", "The file has exactly these permissions.", example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .mode(UInt16($1.number(1) ?? 0))) },
        Form(
            "initialised (once | NUMBER times)", "The fake entrypoint has gone through all its steps so often.",
            example: """
                scenario "initialised again in a new volume"
                  volume data at /data
                  entrypoint initialises marker /data/done steps schema then sleep 60

                  start
                  expect initialised once within 5s
                  stop
                  remove volume data
                  start
                  expect initialised 2 times within 5s
                """
        ) { $0 = .initialised(times: $1.alternative(0) == 0 ? 1 : $1.number(1) ?? 0) },
        Form(
            "step NAME ran (once | NUMBER times)", "The fake entrypoint has gone through this step so often.",
            example: """
                scenario "every step once"
                  volume data at /data
                  entrypoint initialises marker /data/done steps schema, users then sleep 60

                  start
                  expect step schema ran once within 5s
                """
        ) { $0 = .stepRan($1.text(0) ?? "", times: $1.alternative(1) == 0 ? 1 : $1.number(2) ?? 0) },
        Form(
            "data PATH CLEANNESS", "The file that a service keeps there has been left by an orderly stop, or has not.",
            example: "see `writes data PATH`"
        ) { $0 = .data(path: $1.text(0) ?? "", $1.text(1).flatMap(Condition.DataState.init(rawValue:)) ?? .clean) },
        Form(
            "stop took (less than TIME | at least TIME)", "The time from the last stop signal to the end of PID 1.",
            example: "see `stop takes TIME`"
        ) {
            if let time = $1.duration(1) { $0 = .stopTook(.lessThan(time)) }
            if let time = $1.duration(2) { $0 = .stopTook(.atLeast(time)) }
        },
    ]
}
