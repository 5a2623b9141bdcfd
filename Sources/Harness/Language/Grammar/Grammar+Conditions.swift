import Model
import Vocabulary

extension Grammar {
    /// What can be asked of a run.
    static let conditionForms: [Form<Condition?>] = [
        Form(
            "PARTIES ready",
            "Each has said, in the present life of the container, that it does its work; a real program, and `init`, has been executed. It may have ended since.",
            example: "see `wait for QUESTION within TIME`"
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
            "Each has been sent the signal, at least once, or this many times, and the kernel has not dropped it; `from init`: by "
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
            "nobody killed",
            "No process of the container has ended by SIGKILL, those of the init's own among them: `no service killed` leaves these out.",
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
            "no service killed",
            "No service, and nothing that a service has started, has ended by SIGKILL. Processes of the init's own may have.",
            example: """
                scenario "the services have ended by themselves"
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  expect no service killed
                """
        ) { condition, _ in condition = .noServiceKilled },
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
            "no zombies", "Every process that has exited has been waited for.",
            example: """
                scenario "clean"
                  service app
                    leaves 2 orphans living 10ms

                  start
                  wait for app ready within 5s
                  wait for orphans reaped within 5s
                  expect no zombies
                """
        ) { condition, _ in condition = .zombies(0) },
        Form(
            "NUMBER (zombies | zombie)", "The number of processes that have exited and have not been waited for.",
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
            "at least NUMBER (zombies | zombie)",
            "At least N processes have exited and have not been waited for; the init may have some of its own.",
            example: """
                scenario "a crowd of orphans"
                  service app

                  start
                  wait for app ready within 5s
                  signal SIGSTOP to init
                  orphan 5 from app living 1ms
                  wait for at least 5 zombies within 5s
                  signal SIGCONT to init
                  expect orphans reaped within 5s
                """
        ) { $0 = .zombies($1.number(0) ?? 0, orMore: true) },
        Form(
            "orphans reaped", "Every process that has lost its parent has ended, and has been waited for.",
            example: "see `orphan COUNT from SERVICE living TIME`"
        ) { condition, _ in condition = .orphansReaped },
        Form(
            "no processes left",
            "Of the container's processes none runs but PID 1, or the main process in a `pid namespace shared`; if that has ended, none at all.",
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
            "refused [TEXT]",
            "The runtime has refused the step before, for a reason with the text in it. Where the next step does not ask for that, a refusal "
                + "ends the run.",
            example: """
                scenario "podman does not stop what is paused"
                  runtime podman
                  service app

                  start
                  wait for app ready within 5s
                  pause
                  stop
                  expect refused "paused"
                """
        ) { $0 = .refused($1.text(1)) },
        Form(
            "restarts NUMBER",
            "How often the restart policy has started it again since a person did; it counts at the end of a life, as Docker does.",
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
            "output [of all lives] contains TEXT",
            "A line of PID 1's standard output or error, or of what inherited these, has the text in it: since the last start, or "
                + "with `of all lives` since the first. Colours and other control sequences are left out, and a line without "
                + "a newline, such as a prompt, is one too. What an `exec` prints is `exec output`.",
            example: """
                scenario "said something"
                  about none
                  command sh -c "echo 'hello, world'; exec sleep 60"

                  start
                  expect output contains "hello" within 5s
                  kill
                  start
                  expect output of all lives in order "hello", "hello" within 5s
                """
        ) { $0 = .outputContains($1.text(1) ?? "", in: $1.isPresent(0) ? .allLives : .presentLife) },
        Form(
            "output [of all lives] line TEXT",
            "A line is this text, and nothing else. An init that prints its child's command line cannot be taken for the child.",
            example: """
                scenario "said just this"
                  command echo ready

                  start
                  expect output line "ready" within 5s
                """
        ) { $0 = .outputLine($1.text(1) ?? "", in: $1.isPresent(0) ? .allLives : .presentLife) },
        Form(
            "output [of all lives] in order TEXTS",
            "Lines with these texts in them have been printed, one after the other. What standard output and standard error got at the same moment is in no order: that is an error.",
            example: """
                scenario "one, two"
                  command sh -c "echo one; echo two"

                  start
                  expect output in order "one", "two" within 5s
                """
        ) { $0 = .outputInOrder($1.texts(1), in: $1.isPresent(0) ? .allLives : .presentLife) },
        Form(
            "output [of all lives] lines in order TEXTS",
            "Lines that are these texts have been printed, one after the other; of two streams as above.",
            example: """
                scenario "one, two, whole lines"
                  command sh -c "echo one; echo two"

                  start
                  expect output lines in order "one", "two" within 5s
                """
        ) { $0 = .outputLinesInOrder($1.texts(1), in: $1.isPresent(0) ? .allLives : .presentLife) },
        Form(
            "exec output (contains TEXT | line TEXT | in order TEXTS | lines in order TEXTS)",
            "The same of what the last `exec` has printed, on either of its streams.",
            example: """
                scenario "looking at what runs"
                  service app

                  start
                  wait for app ready within 5s
                  exec cat /proc/1/comm
                  expect exec output contains "fake"
                """
        ) {
            switch $1.alternative(0) {
            case 0: $0 = .outputContains($1.text(1) ?? "", in: .exec)
            case 1: $0 = .outputLine($1.text(2) ?? "", in: .exec)
            case 2: $0 = .outputInOrder($1.texts(3), in: .exec)
            default: $0 = .outputLinesInOrder($1.texts(4), in: .exec)
            }
        },
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
            "marker PATH unchanged",
            "Content, times, owner, mode and inode are what they were when it was first seen: also the time of the last change (ctime), "
                + "which shows a file that was written again and given its old time.",
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
            "The regular expression is found in the file's text without its last newline; of large files the first 64 KiB are looked at. "
                + "It is about characters: `.` is any but a newline, `^` and `$` are the ends of the text. It has `[a-z]` `[^a-z]` `\\d` `\\w` `\\s` "
                + "`\\D` `\\W` `\\S` `\\b` `\\B` `\\t` `\\n` `\\r` `(…)` `(?:…)` `|` `*` `+` `?` `{n}` `{n,}` `{n,m}`; no back-references, no lookahead "
                + "or lookbehind. Matching takes time that grows with the text.",
            example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .matches($1.text(1) ?? "")) },
        Form(
            "file PATH owner OWNER", "The file belongs to this user and group.", example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .owner($1.owner(1) ?? .root)) },
        Form(
            "file PATH mode MODE", "The file has exactly these permissions.", example: "see `file PATH exists`"
        ) { $0 = .file(path: $1.text(0) ?? "", .mode(UInt16($1.number(1) ?? 0))) },
        Form(
            "port NUMBER open",
            "A program of the container listens on this TCP port, on whichever address. Of containers that share a network each answers for all.",
            example: """
                scenario "it can be connected to"
                  needs python3
                  command python3 -m http.server 8080

                  start
                  expect port 8080 open within 10s
                """
        ) { $0 = .portOpen($1.number(0) ?? 0) },
        Form(
            "initialised (once | NUMBER times)", "The fake entrypoint has gone through all its steps this many times.",
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
            "step NAME ran (once | NUMBER times)", "The fake entrypoint has gone through this step this many times.",
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
