import Harness
import TestSupport
import Testing

/// Broken entrypoints, of which the reason is to be named; and some in which nothing is to be found.
@Suite("Diagnosis", .serialized, .timeLimit(.minutes(10)))
struct DiagnosisTestsSerial {
    struct Fixture: Sendable, CustomTestStringConvertible {
        let name: String
        /// The lines of a scenario that say what there is.
        let lines: String
        var initName = "none"
        let causes: [Diagnosis.Cause]
        /// Those that are claimed as shown; nil: not asked.
        var shown: [Diagnosis.Cause]?
        var needs: String?
        /// What may be found or not: which of several children a wait takes first is the kernel's choice.
        var besides: Set<Diagnosis.Cause> = []

        var testDescription: String { name }
    }

    private static func script(_ text: String, mode: String = "755") -> String {
        let lines = text.utf8.split(separator: 0x0A).map { "    | \(Substring($0))\n" }
        return "  file /entrypoint.sh mode \(mode)\n" + lines.joined() + "  command /entrypoint.sh\n"
    }

    private static let systemd = "/lib/systemd/systemd"

    static let broken: [Fixture] = [
        Fixture(
            name: "the outage: no marker, no control group",
            lines: "  volume data at /data\n  tmpfs /run, /run/lock\n  cgroup none\n  env container=docker\n"
                + script("#!/bin/sh -e\nfor s in a b; do echo $s > /data/$s; sleep 0.01; done\nexec \(systemd)"),
            causes: [.initialisesEveryTime, .noControlGroup], needs: systemd),
        Fixture(
            name: "a marker where it does not persist",
            lines: "  volume data at /data\n  tmpfs /marks\n"
                + script(
                    "#!/bin/sh -e\n[ -e /marks/done ] || { date > /data/schema; : > /marks/done; }\nsleep 0.01\nexit 1"),
            causes: [.initialisesEveryTime, .fails]),
        Fixture(
            name: "systemd without a control group",
            lines: "  tmpfs /run, /run/lock\n  cgroup none\n  env container=docker\n  command \(systemd)\n",
            causes: [.noControlGroup], needs: systemd),
        Fixture(
            name: "systemd without /run in memory",
            lines: "  cgroup rw\n  env container=docker\n  command \(systemd)\n", causes: [.noRunInMemory],
            needs: systemd),
        Fixture(
            name: "a script from another system", lines: script("#!/bin/sh\r\nexec sleep 60\r"),
            causes: [.carriageReturn]),
        Fixture(
            name: "an interpreter that is not there", lines: script("#!/usr/bin/no-such-shell\nexec sleep 60"),
            causes: [.missingInterpreter]),
        Fixture(
            name: "a script that may not be executed", lines: script("#!/bin/sh\nexec sleep 60", mode: "644"),
            causes: [.notExecutable]),
        Fixture(name: "a command that is not there", lines: "  command /no/such\n", causes: [.notFound]),
        Fixture(name: "a text that is no program", lines: script("exec sleep 60"), causes: [.noProgram]),
        Fixture(
            name: "one that must be PID 1, behind an init",
            lines: script(
                "#!/bin/sh\n[ $$ = 1 ] || exit 100\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            initName: "tini", causes: [.insistsOnBeingFirst], needs: "tini"),
        Fixture(
            name: "a stale pid file",
            lines: script(
                "#!/bin/sh\nif [ -e /run/app.pid ]; then echo already running; exit 1; fi\n"
                    + "echo $$ > /run/app.pid\nsleep 0.2\nexit 2"
            ),
            causes: [.stalePIDFile]),
        Fixture(
            name: "a volume that belongs to somebody else",
            lines: "  user 568:568\n  volume data at /data\n" + script("#!/bin/sh -e\ntouch /data/x\nexec sleep 60"),
            causes: [.volumeDenied]),
        Fixture(
            name: "a program that crashes", lines: "  command sh -c 'kill -SEGV $$'\n", initName: "tini",
            causes: [.crashes],
            needs: "tini"),
        Fixture(
            name: "a program that goes into the background",
            lines: "  command sh -c 'setsid --fork sleep 60; sleep 0.1'\n", causes: [.goesIntoBackground]),
        Fixture(
            name: "a shell that leaves a job running", lines: "  command sh -c 'sleep 60 & echo done'\n",
            causes: [.goesIntoBackground, .endsByItself], shown: [.endsByItself]),
        Fixture(
            name: "a helper that crashes before another end",
            lines: script("#!/bin/sh\nsh -c 'kill -SEGV $$'\nsleep 0.05\necho bad line 3\nexit 78"),
            causes: [.crashes, .fails], shown: [.fails]),
        Fixture(
            name: "an entrypoint that asks, and ends at the end of its input",
            lines: script("#!/bin/sh\necho no config\nread answer\nexit 1"),
            causes: [.endOfInput, .needsTerminal, .fails], shown: [.fails]),
        Fixture(
            name: "one that does not hear the stop, and ends by itself before SIGKILL",
            lines: script("#!/bin/sh\nsleep 2.2\necho fatal\nexit 3"),
            causes: [.fails],
            shown: [.fails]),
        Fixture(
            name: "a marker whose work was never done",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh\nif [ ! -e /data/.init ]; then touch /data/.init\n[ -e /flag ] || { touch /flag; exit 1; }\n"
                        + "echo s > /data/schema; fi\n[ -s /data/schema ] || exit 1\ntrap 'exit 0' TERM\n"
                        + "while :; do sleep 0.05; done"), causes: [.markerFirst]),
        Fixture(name: "a program whose work is done", lines: "  command true\n", causes: [.endsByItself]),
        Fixture(
            name: "a pipeline that hides an abort", lines: "  command sh -c 'sh -c \"kill -ABRT \\$\\$\" | cat'\n",
            causes: [.crashes]),
        Fixture(name: "a shell whose input is at its end", lines: "  command bash\n", causes: [.endOfInput]),
        Fixture(
            name: "a program that needs a terminal",
            lines: script("#!/bin/sh\ntest -t 0 || exit 3\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: [.needsTerminal]),
        Fixture(
            name: "CR LF after another script",
            lines: "  file /inner.sh mode 755\n    | #!/bin/sh\r\n    | trap 'exit 0' TERM\r\n    | sleep 60 & wait\r\n"
                + script("#!/bin/sh\nexec /inner.sh"), causes: [.carriageReturn]),
        Fixture(
            name: "an interpreter that env(1) does not find",
            lines: script("#!/usr/bin/env no-such-shell\nexec sleep 60"),
            causes: [.missingInterpreter]),
        Fixture(
            name: "a tmpfs that hides what is needed",
            lines: "  tmpfs /usr/share\n"
                + script(
                    "#!/bin/sh -e\nls /usr/share/doc > /dev/null\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: [.hiddenByMount]),
        Fixture(
            name: "a tmpfs that executes nothing",
            lines: "  tmpfs /scratch\n"
                + script(
                    "#!/bin/sh -e\ncp /bin/true /scratch/\n/scratch/true\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"
                ),
            causes: [.noExecTmpfs]),
        Fixture(
            name: "too little memory",
            lines: "  memory limit 24MiB\n  command sh -c 'head -c 100m /dev/zero | tail > /dev/null; sleep 60'\n"
                .replacing(
                    "; sleep 60", with: ""), causes: [.outOfMemory]),
        Fixture(
            name: "a right that its user lacks",
            lines: "  user 568:568\n" + script("#!/bin/sh -e\ntouch /etc/x\nexec sleep 60"),
            causes: [.userDenied]),
        Fixture(
            name: "a program that says what it lacks", lines: "  command sh -c 'echo no database >&2; exit 3'\n",
            causes: [.fails]),
        Fixture(
            name: "a program that dies after an exec", lines: script("#!/bin/sh\nexec cat /no/such"),
            causes: [.diesAfterExec]),
    ]

    static let healthy: [Fixture] = [
        Fixture(
            name: "a script with a trap", lines: script("#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: []),
        Fixture(
            name: "one that heeds its marker, and renders its settings at each start",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh -e\nif [ ! -e /data/.done ]; then echo s > /data/schema; touch /data/.done; fi\n"
                        + "echo port > /data/settings.json\nexec /.harness/fake-services init -- sleep 60"), causes: []),
        Fixture(
            name: "one that kills a helper of its own long before the stop",
            lines: script(
                "#!/bin/bash\ntrap 'exit 0' TERM\nsleep 60 & sleep 0.2; kill -KILL $!; wait $!\nwhile :; do sleep 0.05; done"
            ),
            causes: []),
        Fixture(
            name: "an init with a child", lines: "  command /.harness/fake-services init -- sleep 60\n", causes: []),
        Fixture(
            name: "an entrypoint with a marker",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh -e\n[ -e /data/done ] || { date > /data/schema; date > /data/done; }\n"
                        + "exec /.harness/fake-services init -- sleep 60"), causes: []),
    ]

    /// Those that stay up, and in which something is wrong all the same.
    static let ailing: [Fixture] = [
        Fixture(
            name: "one that does not hear the stop signal", lines: "  command sleep 60\n", causes: [.deafToStopSignal]),
        Fixture(
            name: "a program that never waits",
            lines: "  command sh -c '(sleep 0.05 &); (sleep 0.05 &); exec sleep 60'\n",
            causes: [.deafToStopSignal, .neverWaits]),
        Fixture(
            name: "a program that waits for its own child alone",
            lines:
                "  command python3 -c \"import subprocess; subprocess.Popen(['sh', '-c', '(sleep 0.05 &); exec sleep 60']).wait()\"\n",
            causes: [.deafToStopSignal, .reapsOwnChildrenOnly], needs: "python3"),
        Fixture(
            name: "an init that reaps nobody",
            lines:
                "  command /.harness/fake-services init --defect reaps-nothing -- sh -c '(sleep 0.05 &); exec sleep 60'\n",
            causes: [.reapsNothing]),
        Fixture(
            name: "an init that waits once for each signal",
            lines:
                "  command /.harness/fake-services init --defect reaps-one-per-signal -- sh -c 'for i in $(seq 40); do (sleep 0.3 &); done; exec sleep 60'\n",
            causes: [.waitsOncePerSigchld], besides: [.outlivesGracePeriod]),
        Fixture(
            name: "an init that reaps now and then",
            lines:
                "  command /.harness/fake-services init --defect reaps-late -- sh -c '(sleep 0.05 &); exec sleep 60'\n",
            causes: [.reapsLate, .outlivesGracePeriod]),
        Fixture(
            name: "a handler that takes too long",
            lines: script("#!/bin/sh\ntrap 'echo saving; sleep 20' TERM\nwhile :; do sleep 0.05; done"),
            causes: [.outlivesGracePeriod]),
        Fixture(
            name: "an entrypoint that waits for ever",
            lines:
                "  file /entrypoint.sh mode 755\n    | #!/bin/sh\n    | trap 'exit 0' TERM\n    | until [ -e /never ]; do echo waiting; sleep 0.2; done\n"
                + "    | exec \"$@\"\n  command /entrypoint.sh tail -f /dev/null\n", causes: [.stuck]),
        Fixture(
            name: "a marker that is written first",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh -e\n[ -e /data/.initialised ] || { date > /data/.initialised; sleep 0.3; date > /data/schema; }\n"
                        + "exec /.harness/fake-services init -- sleep 60"), causes: [.markerFirst]),
        Fixture(
            name: "a restart that initialises again",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh -e\nfor name in a b c; do date > /data/$name; done\nsleep 0.1\nexec /.harness/fake-services init -- sleep 60"
                ),
            causes: [.initialisesEveryTime]),
        Fixture(
            name: "a program with a handler, in a shell, under an init",
            lines: script("#!/bin/sh\nbash -c 'trap \"exit 0\" TERM; while :; do sleep 0.05; done'\ntrue"),
            initName: "tini",
            causes: [.notPassedOn]),
        Fixture(
            name: "one that does not start again",
            lines: script("#!/bin/sh -e\nmkdir /srv/app\nexec /.harness/fake-services init -- sleep 60"),
            causes: [.doesNotStartAgain]),
        Fixture(
            name: "one of two daemons that dies",
            lines: script(
                "#!/bin/bash\ntrap 'kill %1; exit 0' TERM\nsleep 300 & one=$!\n(sleep 0.2; echo driver error >&2; exit 3) & wait $one"
            ),
            causes: [.halfDead]),
        Fixture(
            name: "one that comes up at the second start",
            lines: script(
                "#!/bin/sh\n[ -e /once ] || { : > /once; exit 1; }\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: [.firstStartFails]),
        Fixture(
            name: "a program that crashes again and again under a supervisor",
            lines: script(
                "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sh -c 'kill -SEGV $$'; sleep 0.2; done"), causes: [.crashes]
        ),
    ]

    /// Healthy programs whose words would mislead.
    static let innocent: [String] = [
        "worker pid 1234 cannot reach db", "Writing pid file", "this is not pid 1 of the pool",
        "control group rebalanced",
        "permission denied for user bob", "stale pid file removed, already running",
        "/sys/fs/cgroup is not writable: using defaults",
        "must be run as PID 1? no", "fatal: not a git repository",
        "Segmentation fault (core dumped) in plugin: ignored",
    ]

    private func diagnose(_ fixture: Fixture) async throws -> Diagnosis? {
        let profile = Checkout.profile(fixture.initName)
        if let program = fixture.needs, !Checkout.isInstalled(program) { return nil }
        // The steps are the diagnoser's own.
        let text =
            "scenario \"x\"\n  restart policy always\n  stop signal SIGTERM grace 1s\n\(fixture.lines)  start\n  expect state running\n"
        let scenario = try #require(scenarios(text).first)
        return try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            return try Diagnoser(scenario, profile, in: session, lasting: .milliseconds(800)).diagnose()
        }
    }

    /// How many are diagnosed at once: they wait, most of the time.
    private static let atOnce = 3

    private func forEach(_ fixtures: [Fixture], _ check: @escaping @Sendable (Fixture, Diagnosis) -> Void) async throws
    {
        var rest = fixtures[...]
        try await withThrowingTaskGroup(of: Void.self) { group in
            var left = DiagnosisTestsSerial.atOnce
            while let fixture = rest.popFirst() {
                if left == 0 { try await group.next() } else { left -= 1 }
                group.addTask { if let diagnosis = try await diagnose(fixture) { check(fixture, diagnosis) } }
            }
            try await group.waitForAll()
        }
    }

    @Test func namesTheCause() async throws {
        try await forEach(Self.broken) { fixture, diagnosis in
            #expect(!diagnosis.isStable, "\(fixture.name)")
            #expect(
                Set(diagnosis.findings.map(\.cause)).subtracting(fixture.besides) == Set(fixture.causes),
                "\(fixture.name): \(diagnosis.text)")
            if let shown = fixture.shown {
                #expect(diagnosis.shown.map(\.cause) == shown, "\(fixture.name): \(diagnosis.text)")
            }
            #expect(diagnosis.findings.allSatisfy { !$0.evidence.isEmpty && !$0.remedy.isEmpty }, "\(fixture.name)")
        }
    }

    @Test func findsNothingWhereNothingIs() async throws {
        try await forEach(Self.healthy) { fixture, diagnosis in
            #expect(diagnosis.isStable, "\(fixture.name)")
            #expect(diagnosis.findings.isEmpty, "\(fixture.name): \(diagnosis.text)")
        }
    }

    @Test func namesWhatIsWrongWithOneThatStaysUp() async throws {
        try await forEach(Self.ailing) { fixture, diagnosis in
            #expect(diagnosis.isStable, "\(fixture.name): \(diagnosis.text)")
            #expect(
                Set(diagnosis.findings.map(\.cause)).subtracting(fixture.besides) == Set(fixture.causes),
                "\(fixture.name): \(diagnosis.text)")
            #expect(diagnosis.findings.allSatisfy { !$0.remedy.isEmpty }, "\(fixture.name)")
        }
    }

    /// Words claim nothing.
    @Test func wordsConvictNothing() async throws {
        let fixtures = Self.innocent.map { line in
            Fixture(
                name: line,
                lines: Self.script("#!/bin/sh\necho '\(line)'\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
                causes: [])
        }
        try await forEach(fixtures) { fixture, diagnosis in
            #expect(diagnosis.isStable, "\(fixture.name)")
            #expect(diagnosis.findings.isEmpty, "\(fixture.name): \(diagnosis.text)")
            #expect(diagnosis.stop?.status == .exited(0), "\(fixture.name)")
        }
    }

    /// The same words of a program that ends for another reason are at most possible.
    @Test func wordsAreAtMostPossible() async throws {
        let fixtures = Self.innocent.prefix(4).map { line in
            Fixture(name: line, lines: "  command sh -c \"echo '\(line)'; exit 3\"\n", causes: [])
        }
        try await forEach(fixtures) { fixture, diagnosis in
            #expect(diagnosis.shown.map(\.cause) == [.fails], "\(fixture.name): \(diagnosis.text)")
        }
    }

    @Test func theStopIsShown() async throws {
        let fixture = Fixture(
            name: "passed on", lines: "  command /.harness/fake-services init -- sleep 60\n", causes: [])
        let diagnosis = try #require(try await diagnose(fixture))
        #expect(diagnosis.text.contains("SIGTERM → PID 1 (fake-services) → sleep; "), "\(diagnosis.text)")
        #expect(diagnosis.text.contains(", exit 143"), "\(diagnosis.text)")
    }

    @Test func everyCauseHasAFixture() {
        #expect(Set((Self.broken + Self.ailing).flatMap(\.causes)) == Set(Diagnosis.Cause.allCases))
    }

    @Test func theReproductionIsAScenario() async throws {
        let diagnosis = try #require(try await diagnose(Self.broken[1]))
        let parsed = parseScenarios(Array(diagnosis.scenario.text.utf8), file: "reproduction")
        #expect(parsed.diagnostics == [])
        let result = try #require(try await run(parsed.values, on: [.none]).first)
        #expect(result.isBad)
    }
}
