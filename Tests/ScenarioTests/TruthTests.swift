import Harness
import TestSupport
import Testing

/// Inputs on which a harness could easily say what is not so: the verdict, and the words that go with it.
@Suite("Truth", .timeLimit(.minutes(10)))
struct TruthTests {
    /// What a run must say.
    enum Answer: Sendable {
        case passes
        /// Some failure says all of these.
        case fails([String])
        /// The reason says all of these.
        case error([String])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var initName = "none"
        var usesTrace = true
        let lines: String
        let answer: Answer
        /// What no line of the report may say.
        var never: [String] = []

        var testDescription: String { name }
    }

    static let cases: [Case] = [
        // MARK: What a question is about
        Case(
            name: "an exec that has ended is not left",
            lines: """
                  command sleep 60
                  start
                  exec true
                  expect no processes left within 5s
                """, answer: .passes),
        Case(
            name: "what an exec has left is left",
            lines: """
                  command sleep 60
                  start
                  exec sh -c "sleep 50 & :"
                  expect no processes left
                """, answer: .fails(["1 process: ", "an orphan of sh"])),
        Case(
            name: "an exec's output is not PID 1's",
            lines: """
                  command sleep 60
                  start
                  exec echo Ready
                  expect exec output line "Ready"
                  expect output contains "Ready"
                """, answer: .fails(["nothing was printed"])),
        Case(
            name: "output is of the present life",
            lines: """
                  command sh -c "test -e /srv/once && exit 1; : > /srv/once; echo ready; sleep 60"
                  start
                  expect output contains "ready" within 5s
                  kill
                  start
                  expect output contains "ready" within 5s
                """, answer: .fails(["nothing was printed", "an earlier life printed it", "PID 1 exited 1"])),
        Case(
            name: "colours hide no text",
            lines: """
                  command printf "[  \\033[0;32mOK\\033[0m  ] Started \\033[0;1;39mnginx.service\\033[0m\\n"
                  start
                  expect output contains "Started nginx.service" within 5s
                """, answer: .passes),
        Case(
            name: "a prompt is seen",
            lines: """
                  stdin open
                  command sh -c "printf 'Password: '; read answer; exit 3"
                  start
                  wait for output line "Password: " within 5s
                  type "secret\\n"
                  expect exit 3 within 5s
                """, answer: .passes),
        Case(
            name: "a line is the whole line",
            lines: """
                  command sh -c "echo '*** Running echo started'; sleep 60"
                  start
                  wait for output contains "started" within 5s
                  expect output line "started"
                """, answer: .fails(["there is no line \"started\"", "*** Running echo started"])),
        Case(
            name: "no … within does not pass before its time",
            lines: """
                  command sh -c "sleep 0.2; exit 7"
                  start
                  expect no exit 7 within 5s
                """, answer: .fails(["exit 7"])),
        Case(
            name: "no … within holds at every moment",
            lines: """
                  command sh -c "sleep 0.2; echo BAD; sleep 60"
                  start
                  expect no output contains "BAD" within 5s
                """, answer: .fails(["contains \"BAD\""])),
        Case(
            name: "no … within holds where nothing comes",
            lines: """
                  command sleep 60
                  start
                  expect no output contains "BAD" within 100ms
                """, answer: .passes),
        Case(
            name: "wait for no … waits for the end of it",
            lines: """
                  command sh -c ": > /srv/lock; until test -e /srv/go; do sleep 0.01; done; sleep 0.2; rm /srv/lock; sleep 60"
                  start
                  wait for file /srv/lock exists within 10s
                  exec touch /srv/go
                  wait for no file /srv/lock exists within 5s
                  expect no file /srv/lock exists
                """, answer: .passes),
        Case(
            name: "PID 1 is ready when it has been executed",
            lines: """
                  command sleep 60
                  start
                  expect init ready
                """, answer: .passes),
        Case(
            name: "a marker that is written again with its old time has changed",
            lines: """
                  volume data at /data
                  command sh -c "echo done > /data/marker; touch -d 2020-01-01 /data/marker; echo up; exec sleep 60"
                  start
                  wait for output line "up" within 5s
                  expect file /data/marker exists
                  restart grace 0s
                  wait for output line "up" within 5s
                  expect marker /data/marker unchanged
                """, answer: .fails(["the time of its last change (ctime) is another"])),

        // MARK: What the harness cannot tell
        Case(
            name: "without a trace the readiness of a real program is unknown", initName: "reference", usesTrace: false,
            lines: """
                  service app
                    runs sleep 60
                  start
                  expect app ready within 2s
                """, answer: .error(["cannot see whether app has been executed"])),
        Case(
            name: "what a fake cannot do is not the init's failure", initName: "reference",
            lines: """
                  service world
                    writes data /data/world
                  start
                  wait for world ready within 5s
                  stop
                  expect data /data/world clean
                """, answer: .error(["'world' cannot write /data/world: No such file or directory"])),
        Case(
            name: "a pid file that cannot be written is not the init's failure", initName: "reference",
            lines: """
                  service world
                    forks with pidfile /nowhere/world.pid
                  start
                  wait for output contains "pid file" within 5s
                  expect state running
                """, answer: .error(["cannot write its pid file /nowhere/world.pid"])),
        Case(
            name: "a marker that cannot be written is not the init's failure",
            lines: """
                  user 568:568
                  entrypoint initialises marker /etc/done steps a then sleep 60
                  start
                  expect initialised once within 5s
                """, answer: .error(["'entrypoint' cannot write /etc/.step-a: Permission denied"])),

        Case(
            name: "lines of two streams with time between them have an order",
            lines: """
                  command sh -c "echo warming >&2; until test -e /srv/go; do sleep 0.01; done; echo serving; sleep 60"
                  start
                  wait for output contains "warming" within 10s
                  exec touch /srv/go
                  wait for output contains "serving" within 5s
                  expect output in order "warming", "serving"
                """, answer: .passes),
        Case(
            name: "an emptyDir can be written to as any user",
            lines: """
                  user 1000:1000
                  volume scratch at /scratch empty
                  command sleep 60
                  start
                  exec touch /scratch/mine
                  expect exec exit 0
                """, answer: .passes),

        // MARK: Docker's rules, each as Docker 20.10 with runc 1.1 has answered
        Case(
            name: "a script with CR LF is started, and again and again",
            lines: """
                  restart policy always
                  file /entrypoint.sh mode 755
                    | #!/bin/nosuch
                    | exec sleep 60
                  command /entrypoint.sh
                  start
                  wait for restarts 3 within 5s
                  expect exit 1
                  expect output line "exec /entrypoint.sh: no such file or directory"
                """, answer: .passes),
        Case(
            name: "a script without a first line is started",
            lines: """
                  restart policy on-failure:2
                  file /entrypoint.sh mode 755
                    | exec sleep 60
                  command entrypoint.sh
                  env PATH=/bin:/
                  start
                  wait for state exited within 5s
                  expect restarts 2
                  expect exit 1
                  expect output of all lives lines in order "exec //entrypoint.sh: exec format error", "exec //entrypoint.sh: exec format error", "exec //entrypoint.sh: exec format error"
                """, answer: .passes),
        Case(
            name: "from version 28 on it ends with 255",
            lines: """
                  runtime docker 28
                  file /entrypoint.sh mode 755
                    | exec sleep 60
                  command /entrypoint.sh
                  start
                  expect exit 255 within 5s
                """, answer: .passes),
        Case(
            name: "what is not there is not started",
            lines: """
                  restart policy always
                  command /no/such
                  start
                  expect state created
                  expect exit 127
                  expect restarts 0
                """, answer: .passes),
        Case(
            name: "a bare name without execute bit is not found",
            lines: """
                  file /bin/noexec
                    | #!/bin/sh
                  command noexec
                  start
                  expect state created
                  expect exit 127
                """, answer: .passes),
        Case(
            name: "a path without execute bit is denied",
            lines: """
                  file /noexec
                    | #!/bin/sh
                  command /noexec
                  start
                  expect state created
                  expect exit 126
                """, answer: .passes),
        Case(
            name: "exec of what cannot be executed",
            lines: """
                  file /crlf mode 755
                    | #!/bin/nosuch
                  file /noexec
                    | #!/bin/sh
                  command sleep 60
                  start
                  exec /crlf
                  expect exec exit 1
                  expect exec output line "exec /crlf: no such file or directory"
                  exec /noexec
                  expect exec exit 126
                  exec nosuch
                  expect exec exit 126
                """, answer: .passes),
        Case(
            name: "a restart by policy that cannot start keeps the last status",
            lines: """
                  restart policy always
                  file /entrypoint.sh mode 755
                    | #!/bin/sh
                    | rm /entrypoint.sh
                    | exit 42
                  command /entrypoint.sh
                  start
                  wait for state exited within 5s
                  expect exit 42
                  expect restarts 1
                  start
                  expect exit 127
                  expect restarts 0
                """, answer: .passes),
        Case(
            name: "a signal from the host is no manual stop",
            lines: """
                  restart policy unless-stopped
                  command sleep 60
                  start
                  signal SIGKILL to init
                  wait for restarts 1 within 5s
                  wait for state running within 5s
                  kill
                  expect state exited for 300ms
                """, answer: .passes),
        Case(
            name: "with a grace period of zero a deaf one is killed",
            lines: """
                  command sleep 60
                  start
                  wait 50ms
                  stop grace 0s
                  expect exit 137
                  expect stop took less than 5s
                """, answer: .passes),

        // MARK: Limits
        Case(
            name: "a full layer is named",
            lines: """
                  layer limit 1MiB
                  command sh -c "head -c 2m /dev/zero > /var/log/app.log"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["limit", "the container's layer may hold 1MiB", "No space left on device"])),
        Case(
            name: "a full volume is named",
            lines: """
                  volume data at /data limit 1MiB
                  command sh -c "head -c 2m /dev/zero > /data/x"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["the volume data may hold 1MiB"]), never: ["the container's layer"]),
        Case(
            name: "a full tmpfs is named",
            lines: """
                  tmpfs /scratch options size=1m
                  command sh -c "head -c 2m /dev/zero > /scratch/x"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["the tmpfs /scratch may hold 1MiB"])),
        Case(
            name: "a fork too many is named",
            lines: """
                  pids limit 10
                  command sh -c "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3; do sleep 5 & done; sleep 5"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["the container may have 10 processes (pids limit)"])),
        Case(
            name: "too much memory is named",
            lines: """
                  memory limit 64MiB
                  command sh -c "head -c 200m /dev/zero | tail > /dev/null"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["the container may have 64MiB of memory (memory limit)"])),
        Case(
            name: "too many open files are named",
            lines: """
                  needs python3
                  file /many.py
                    | import time
                    | files = []
                    | try:
                    |     while True: files.append(open("/dev/null"))
                    | except OSError as error: print(error, flush=True)
                    | time.sleep(60)
                  ulimit nofile 16
                  command python3 /many.py
                  start
                  wait for output contains "Too many open files" within 10s
                  expect exit 0
                """, answer: .fails(["PID 1 (python3) has as many files open as it may: 16 (ulimit nofile)"])),
        Case(
            name: "who has met no limit is not told of one",
            lines: """
                  layer limit 4MiB
                  volume data at /data limit 4MiB
                  pids limit 10
                  ulimit nofile 64
                  command sh -c "head -c 2m /dev/zero | tee /var/x > /data/x; exit 3"
                  start
                  expect exit 0 within 10s
                """, answer: .fails(["exit 3"]), never: ["  limit "]),
        Case(
            name: "a volume that was removed has nothing on it",
            lines: """
                  volume data at /data
                  volume more at /data/more limit 1MiB
                  command sh -c "echo x > /data/x; echo x > /data/more/x"
                  start
                  wait for state exited within 10s
                  remove volume data
                  expect no file /data/x exists
                  expect file /data/more/x exists
                  remove volume more
                  expect no file /data/more/x exists
                """, answer: .passes),

        // MARK: Evidence
        Case(
            name: "what ended PID 1 is told",
            lines: """
                  command sh -c "echo 'fatal: no config' >&2; exit 7"
                  start
                  wait for file /run/up exists within 10s
                """, answer: .fails(["there is no /run/up; PID 1 exited 7", "fatal: no config"])),
        Case(
            name: "an exec that failed shows what it printed",
            lines: """
                  command sleep 60
                  start
                  exec sh -c "echo 'cannot connect' >&2; exit 2"
                  expect exec exit 0
                """, answer: .fails(["exec exit 2", "cannot connect"])),
        Case(
            name: "what was printed during the step before is told",
            lines: """
                  command sh -c "trap 'echo saving the dump' TERM; echo up; while :; do sleep 0.01; done"
                  start
                  wait for output line "up" within 5s
                  stop grace 3s
                  expect exit 0
                """, answer: .fails(["exit 137", "saving the dump"])),
        Case(
            name: "a signal that is ignored has no missing handler",
            lines: """
                  command sh -c "trap '' TERM; echo up; while :; do sleep 0.01; done"
                  start
                  wait for output line "up" within 5s
                  stop grace 200ms
                  expect exit 0
                """, answer: .fails(["it ignores SIGTERM"]), never: ["no handler"]),
        Case(
            name: "an obedient tini has no missing handler", initName: "tini",
            lines: """
                  command sh -c "trap '' TERM; echo up; while :; do sleep 0.01; done"
                  start
                  wait for output line "up" within 5s
                  stop grace 200ms
                  expect exit 0
                """, answer: .fails(["exit 137"]), never: ["did not hear", "has no handler for SIGTERM"]),
        Case(
            name: "a child that was told SIGTERM died of SIGTERM",
            lines: """
                  command bash -c "sleep 60 & sleep 0.1; kill -TERM $!; wait $!; echo $?"
                  start
                  expect output line "143" within 5s
                  expect init killed
                """, answer: .fails(["init"]), never: ["SIGKILL took effect"]),
        Case(
            name: "a signal without a name has a number",
            lines: """
                  command sleep 60
                  start
                  kill 33
                  expect init received 33
                """, answer: .fails(["signal 33"])),
    ]

    @Test(arguments: cases)
    func saysWhatIsSo(example: Case) async throws {
        let text = "scenario \"\(example.name)\"\n\(example.lines)\n"
        let profile = example.initName == "none" ? InitProfile.none : Checkout.profile(example.initName)
        guard profile.reasonNotInstalled == nil else { return }
        let result = try #require(
            try await run(try scenarios(text), on: [profile], usesTrace: example.usesTrace).first)
        let report = HumanReport(detail: .verbose).text(
            RunReport(results: [result], skipped: [], witness: result.journal.witness, jobs: 1, duration: .zero))
        switch (example.answer, result.verdict) {
        case (.passes, .passed): break
        case (.fails(let words), .failed), (.error(let words), .error):
            for word in words { #expect(report.contains(word), "\(report)") }
        default: Issue.record("\(result.verdict)\n\(report)")
        }
        for word in example.never { #expect(!report.contains(word), "\(report)") }
    }

    /// Whether a program is quick enough to end by itself is the machine's affair; what lies between the two signals is the runtime's.
    @Test func withoutAGracePeriodBothSignalsAreSent() async throws {
        let text = """
            scenario "no grace period"
              command sleep 60
              start
              stop grace 0s
              expect exit 137
            """
        let result = try #require(try await run(try scenarios(text), on: [.none]).first)
        let sent = result.journal.events.compactMap { event in
            if case .runtime(.sent(let signal, _)) = event.kind { (signal, event.instant) } else { nil }
        }
        #expect(sent.map(\.0) == [.term, .kill])
        let gap = try #require(sent.last).1.duration(since: try #require(sent.first).1)
        #expect(gap >= .milliseconds(10))
    }
}
