import Harness
import TestSupport
import Testing

/// Broken entrypoints, of which the reason is to be named; and some in which nothing is to be found.
@Suite("Diagnosis", .serialized, .timeLimit(.minutes(3)))
struct DiagnosisTestsSerial {
    struct Fixture: Sendable, CustomTestStringConvertible {
        let name: String
        /// The lines of a scenario that say what there is.
        let lines: String
        var initName = "none"
        let causes: [Diagnosis.Cause]
        var needs: String?

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
            name: "a program that goes into the background", lines: "  command sh -c 'sleep 60 &'\n",
            causes: [.endsByItself]),
        Fixture(
            name: "a program that says what it lacks", lines: "  command sh -c 'echo no database >&2; exit 3'\n",
            causes: [.fails]),
        Fixture(
            name: "a program that dies after an exec", lines: script("#!/bin/sh\nexec sh -c 'exit 4'"),
            causes: [.diesAfterExec]),
    ]

    static let healthy: [Fixture] = [
        Fixture(
            name: "a script with a trap", lines: script("#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: []),
        Fixture(
            name: "an init with a child", lines: "  command /.harness/fake-services init -- sleep 60\n", causes: []),
        Fixture(
            name: "an entrypoint with a marker",
            lines: "  volume data at /data\n"
                + script(
                    "#!/bin/sh -e\n[ -e /data/done ] || { date > /data/schema; date > /data/done; }\n"
                        + "exec /.harness/fake-services init -- sleep 60"), causes: []),
        Fixture(
            name: "one that comes up at the second start",
            lines: script(
                "#!/bin/sh\n[ -e /once ] || { : > /once; exit 1; }\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done"),
            causes: []),
    ]

    private func diagnose(_ fixture: Fixture) async throws -> Diagnosis? {
        let profile = Checkout.profile(fixture.initName)
        if let program = fixture.needs, !Checkout.isInstalled(program) { return nil }
        // The steps are the diagnoser's own.
        let text = "scenario \"x\"\n  restart policy always\n\(fixture.lines)  start\n  expect state running\n"
        let scenario = try #require(scenarios(text).first)
        return try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            return try Diagnoser(scenario, profile, in: session, lasting: .milliseconds(1500)).diagnose()
        }
    }

    @Test(arguments: broken)
    func namesTheCause(fixture: Fixture) async throws {
        guard let diagnosis = try await diagnose(fixture) else { return }
        #expect(!diagnosis.isStable)
        #expect(Set(diagnosis.findings.map(\.cause)) == Set(fixture.causes), "\(diagnosis.text)")
        #expect(diagnosis.findings.allSatisfy { !$0.evidence.isEmpty && !$0.remedy.isEmpty })
    }

    @Test(arguments: healthy)
    func findsNothingWhereNothingIs(fixture: Fixture) async throws {
        let diagnosis = try #require(try await diagnose(fixture))
        #expect(diagnosis.isStable)
        #expect(diagnosis.findings.isEmpty, "\(diagnosis.text)")
    }

    @Test func everyCauseHasAFixture() {
        #expect(Set(Self.broken.flatMap(\.causes)).union([.deafToStopSignal]) == Set(Diagnosis.Cause.allCases))
    }

    @Test func whoDoesNotHearTheStopSignalIsNamed() async throws {
        let fixture = Fixture(name: "deaf", lines: "  command sleep 60\n", causes: [])
        let diagnosis = try #require(try await diagnose(fixture))
        #expect(diagnosis.isStable)
        #expect(diagnosis.findings.map(\.cause) == [.deafToStopSignal])
    }

    @Test func theReproductionIsAScenario() async throws {
        let diagnosis = try #require(try await diagnose(Self.broken[1]))
        let parsed = parseScenarios(Array(diagnosis.scenario.text.utf8), file: "reproduction")
        #expect(parsed.diagnostics == [])
        let result = try #require(try await run(parsed.values, on: [.none]).first)
        #expect(result.isBad)
    }
}
