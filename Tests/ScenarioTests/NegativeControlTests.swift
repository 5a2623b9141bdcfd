import Harness
import TestSupport
import Testing

/// Each kind of expectation fails for real on a fake that does not do what is expected, and on nothing else: the scenario's
/// last line is the only one that fails.
@Suite("Negative controls", .timeLimit(.minutes(10)))
struct NegativeControlTests {
    struct Control: Sendable, CustomTestStringConvertible {
        let kind: Condition.Kind
        let initName: String
        /// The scenario without its title.
        let lines: String

        var testDescription: String { "\(kind.rawValue), \(initName)" }
    }

    static let ready = """
          start
          wait for app ready within 10s

        """

    static let controls: [Control] = [
        Control(
            kind: .ready, initName: "reference",
            lines: """
                  service app
                    ready after 60s
                  start
                  expect app ready within 200ms
                """),
        Control(
            kind: .ready, initName: "reference",
            lines: """
                  service app
                  start
                  expect no app ready for 500ms
                """),
        Control(
            kind: .stoppedBefore, initName: "reference",
            lines: """
                  service db
                  service api after db
                  start
                  wait for api, db ready within 10s
                  stop
                  expect db stopped before api
                """),
        Control(
            kind: .received, initName: "none",
            lines: """
                  service app
                    spawns 1 child
                  start
                  wait for app, app.1 ready within 10s
                  stop grace 300ms
                  expect app received SIGTERM once from runtime
                  expect app.1 received SIGTERM
                """),
        // PID 1 is a program without a handler.
        Control(
            kind: .received, initName: "none",
            lines: """
                  service app
                    runs sleep 60
                \(ready)  stop grace 300ms
                  expect init received SIGTERM
                """),
        Control(
            kind: .receivedNothing, initName: "reference",
            lines: """
                  service app
                \(ready)  stop
                  expect app received nothing
                """),
        Control(
            kind: .nobodyKilled, initName: "reference",
            lines: """
                  service app
                    ignores SIGTERM
                \(ready)  stop grace 300ms
                  expect nobody killed
                """),
        Control(
            kind: .killed, initName: "reference",
            lines: """
                  service app
                \(ready)  stop
                  expect app killed
                """),
        Control(
            kind: .exitCode, initName: "reference",
            lines: """
                  service app
                    exits 3 on SIGTERM
                \(ready)  stop
                  expect exit 0
                """),
        Control(
            kind: .exitSignal, initName: "reference",
            lines: """
                  service app
                    dies of SIGUSR1 after 0ms
                  start
                  wait for state exited within 10s
                  expect exit 138
                  expect exit on SIGUSR1
                """),
        Control(
            kind: .zombies, initName: "reference",
            lines: """
                  service app
                    leaves 3 zombies
                \(ready)  wait for 3 zombies within 10s
                  expect no zombies within 200ms
                """),
        // After the end: a PID 1 that never waits.
        Control(
            kind: .zombies, initName: "none",
            lines: """
                  service app
                    leaves 3 zombies
                \(ready)  wait for 3 zombies within 10s
                  stop
                  expect exit 0
                  expect no zombies
                """),
        Control(
            kind: .orphansReaped, initName: "none",
            lines: """
                  service app
                    leaves 5 orphans living 1ms
                \(ready)  wait for 5 zombies within 10s
                  expect orphans reaped within 300ms
                """),
        Control(
            kind: .orphansReaped, initName: "reference",
            lines: """
                  service app
                    spawns 1 child
                \(ready)  expect orphans reaped within 100ms
                """),
        Control(
            kind: .noProcessesLeft, initName: "reference",
            lines: """
                  service app
                \(ready)  expect no processes left within 100ms
                """),
        Control(
            kind: .state, initName: "reference",
            lines: """
                  service app
                \(ready)  expect state exited within 100ms
                """),
        Control(
            kind: .outputContains, initName: "reference",
            lines: """
                  service app
                    runs sh -c "echo one; sleep 60"
                  start
                  wait for output contains "one" within 10s
                  expect output contains "two"
                """),
        Control(
            kind: .outputLine, initName: "reference",
            lines: """
                  service app
                    runs sh -c "echo one two; sleep 60"
                  start
                  wait for output contains "one" within 10s
                  expect output line "one"
                """),
        Control(
            kind: .outputLinesInOrder, initName: "reference",
            lines: """
                  service app
                    runs sh -c "echo one; echo two three; sleep 60"
                  start
                  wait for output contains "two" within 10s
                  expect output lines in order "one", "two"
                """),
        Control(
            kind: .execOutput, initName: "reference",
            lines: """
                  service app
                    runs sh -c "echo one; sleep 60"
                  start
                  wait for output contains "one" within 10s
                  exec echo two
                  expect exec output contains "one"
                """),
        Control(
            kind: .noServiceKilled, initName: "reference",
            lines: """
                  service app
                    ignores SIGTERM
                \(ready)  stop grace 300ms
                  expect no service killed
                """),
        Control(
            kind: .outputInOrder, initName: "reference",
            lines: """
                  service app
                    runs sh -c "echo two; echo one; sleep 60"
                  start
                  wait for output contains "one" within 10s
                  expect output in order "one", "two"
                """),
        Control(
            kind: .fileExists, initName: "reference",
            lines: """
                  command sh -c "true"
                  start
                  expect exit 0 within 10s
                  expect file /m exists
                """),
        Control(
            kind: .fileContains, initName: "reference",
            lines: """
                  command sh -c "echo one > /m"
                  start
                  expect exit 0 within 10s
                  expect file /m contains "two"
                """),
        Control(
            kind: .fileMatches, initName: "reference",
            lines: """
                  command sh -c "echo one > /m"
                  start
                  expect exit 0 within 10s
                  expect file /m matches /^on$/
                """),
        Control(
            kind: .fileOwner, initName: "reference",
            lines: """
                  command sh -c "> /m; chown 568:568 /m"
                  start
                  expect exit 0 within 10s
                  expect file /m owner 568:0
                """),
        Control(
            kind: .fileMode, initName: "reference",
            lines: """
                  command sh -c "> /m; chmod 600 /m"
                  start
                  expect exit 0 within 10s
                  expect file /m mode 601
                """),
        Control(
            kind: .portOpen, initName: "none",
            lines: """
                  command sleep 60
                  start
                  expect port 80 open within 200ms
                """),
        Control(
            kind: .data, initName: "reference",
            lines: """
                  service app
                    writes data /d
                    stop takes 60s
                \(ready)  expect data /d dirty
                  stop grace 50ms
                  expect data /d clean
                """),
        Control(
            kind: .execExit, initName: "reference",
            lines: """
                  service app
                \(ready)  exec sh -c "exit 3"
                  expect exec exit 3
                  exec within 2s sleep 60
                  expect exec exit 0
                """),
        Control(
            kind: .refused, initName: "none",
            lines: """
                  command sleep 60
                  start
                  pause
                  pause
                  expect refused "paused already"
                  resume
                  expect refused
                """),
        Control(
            kind: .restarts, initName: "none",
            lines: """
                  restart policy on-failure:1
                  command sh -c "exit 1"
                  start
                  wait for restarts 1 within 10s
                  expect restarts 2 within 500ms
                """),
        Control(
            kind: .restartDelays, initName: "none",
            lines: """
                  restart policy on-failure:2
                  command sh -c "exit 1"
                  start
                  expect restart delays 100ms, 200ms within 10s
                  expect restart delays 100ms, 300ms
                """),
        Control(
            kind: .markerWrittenOnce, initName: "none",
            lines: """
                  command sh -c "echo a > /m; until [ -e /go ]; do sleep 0.01; done; echo b > /m.new; mv /m.new /m"
                  start
                  wait for file /m contains "a" within 10s
                  exec touch /go
                  wait for exit 0 within 10s
                  expect marker /m written once
                """),
        Control(
            kind: .markerUnchanged, initName: "none",
            lines: """
                  command sh -c "echo a > /m"
                  start
                  wait for exit 0 within 10s
                  expect marker /m unchanged
                  start
                  wait for exit 0 within 10s
                  expect marker /m unchanged
                """),
        Control(
            kind: .initialised, initName: "none",
            lines: """
                  entrypoint initialises marker /run/m steps a then sleep 60
                  tmpfs /run
                  start
                  wait for initialised once within 10s
                  restart grace 0s
                  wait for initialised 2 times within 10s
                  expect initialised once
                """),
        Control(
            kind: .stepRan, initName: "none",
            lines: """
                  entrypoint initialises marker /run/m steps a, b each 1s then sleep 60
                  start
                  wait for step b ran once within 10s
                  wait for file /run/m exists within 10s
                  restart grace 0s
                  expect step a ran 2 times within 2s
                """),
        Control(
            kind: .stopTook, initName: "reference",
            lines: """
                  service app
                    stop takes 900ms
                \(ready)  stop
                  expect stop took at least 900ms
                  expect stop took less than 300ms
                """),
        Control(
            kind: .stopTook, initName: "reference",
            lines: """
                  service app
                \(ready)  stop
                  expect stop took at least 5s
                """),
    ]

    @Test(arguments: controls.filter { $0.kind != .restartDelays })
    func failsOnWhatIsWrong(control: Control) async throws { try await Self.expectToFail(control) }

    static func expectToFail(_ control: Control) async throws {
        let text = "scenario \"control\"\n" + control.lines
        let scenarios = try scenarios(text)
        let result = try #require(try await run(scenarios, on: [Checkout.profile(control.initName)]).first)
        let last = try #require(scenarios.first?.steps.last)
        #expect(result.failedLines == [last.place.line], "\(result.verdict)")
        guard case .failed(let failures) = result.verdict, let failure = failures.first else { return }
        #expect(!failure.observed.isEmpty)
    }

    @Test func everyKindHasOne() {
        #expect(Set(Self.controls.map(\.kind)) == Set(Condition.Kind.allCases))
    }

    // MARK: - Words for people

    @Test func theReportSaysWhyTheSignalHadNoEffect() async throws {
        let text = """
            scenario "dropped"
              stop signal SIGTERM grace 200ms
              service app
                runs sleep 60
              start
              wait for app ready within 10s
              wait 50ms
              stop
              expect exit 143
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        guard case .failed(let failures) = result.verdict else { return #expect(Bool(false), "\(result.verdict)") }
        #expect(
            failures[0].observed
                == "exit 137 (PID 1 died of SIGKILL); app, PID 1 did not hear SIGTERM: it has no handler for SIGTERM"
        )
        #expect(
            result.linesOfEvidence(failures)[0].contains {
                $0.hasSuffix("SIGTERM from outside to app, PID 1: dropped by the kernel: it has no handler for SIGTERM")
            })
    }

    // MARK: - Without a trace

    @Test(arguments: [
        "expect app received SIGTERM", "expect nobody killed", "expect app killed", "expect app received nothing",
        "expect no zombies",
    ])
    func withoutATraceTheRestIsAnErrorNeverAPass(expectation: String) async throws {
        let text =
            "scenario \"unknown\"\n  service app\n  start\n  wait for app ready within 10s\n  stop\n  \(expectation)\n"
        let result = try #require(
            try await run(scenarios(text), on: [Checkout.profile("reference")], usesTrace: false).first)
        if case .error = result.verdict { return }
        Issue.record("\(result.verdict)")
    }
}
