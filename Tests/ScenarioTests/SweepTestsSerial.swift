import Harness
import TestSupport
import Testing

/// Moments swept, and clocks that run faster.
@Suite("Sweeps and speed", .serialized, .timeLimit(.minutes(10)))
struct SweepTestsSerial {
    /// A first run of three steps, killed at any moment; then once more from the beginning.
    static let text = """
        scenario "swept"
          volume data at /data
          entrypoint initialises marker /data/done steps a, b, c each 20ms then sleep 60
          sweep kill from 0s to 90ms step 6ms
            start
            start
            wait for file /data/done exists within 10s
            expect marker /data/done written once
            restart grace 0s
            wait for state running within 5s
            expect marker /data/done unchanged for 200ms
        """

    private func entrypoint(with defect: String?) async throws -> RunResult {
        var profile = InitProfile.unknown(command: ["/.harness/fake-services", "init", "--"])
        if let defect { profile.environment = ["FAKE_DEFECT=\(defect)"] }
        return try #require(try await run(scenarios(Self.text), on: [profile]).first)
    }

    @Test func theRightEntrypointPassesAtEveryMoment() async throws {
        let result = try await entrypoint(with: nil)
        #expect(result.verdict == .passed)
        #expect(result.sweeps.last?.runs.contains { !$0.steps.isEmpty } == true)
    }

    @Test(arguments: [
        "writes-marker-first", "writes-empty-marker", "looks-elsewhere-for-marker", "writes-marker-twice",
        "initialises-always",
    ])
    func aWrongOneIsFoundAndItsSmallestCaseCanBeRunAgain(defect: String) async throws {
        let result = try await entrypoint(with: defect)
        guard case .failed = result.verdict, let found = result.sweeps.first?.reproduction else {
            Issue.record("\(defect) was not found")
            return
        }
        let smallest = parseScenarios(Array(found.scenario.text.utf8), file: "smallest")
        #expect(smallest.diagnostics == [])
        let actions = try #require(smallest.values.first).steps.map(\.action)
        #expect(actions.contains(.kill(.kill)))
    }

    /// The second start fails where the first one was killed between its mkdir and its end: not before, not behind.
    @Test(arguments: [("mkdir /data/db", false), ("mkdir -p /data/db", true)])
    func whatCannotBeDoneTwiceIsFoundAtTheEventBehindIt(step: String, isRight: Bool) async throws {
        let text = """
            scenario "a script"
              volume data at /data
              file /entrypoint.sh mode 755
                | #!/bin/sh -e
                | [ -e /data/done ] || { \(step); touch /data/users; touch /data/done; }
                | exec sleep 60
              command /entrypoint.sh
              sweep kill at every event
                start
                start
                wait for file /data/done exists within 5s
                wait for state running within 5s
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.isBad != isRight)
        let kills = try #require(result.sweeps.first).runs
        #expect(kills.first?.hasFailed == false)
        #expect(kills.last?.hasFailed == false)
        #expect(kills.contains(where: \.hasFailed) != isRight)
    }

    /// What a sweep prints to show its failure again fails again, each time: the kill is where the sweep had it.
    @Test func theReproductionOfASweepFailsAgain() async throws {
        let text = """
            scenario "done before it is done"
              volume data at /data
              file /entrypoint.sh mode 755
                | #!/bin/sh -e
                | [ -e /data/done ] || { /bin/touch /data/done; /bin/sleep 0.05; /bin/touch /data/users; }
                | exec sleep 60
              command /entrypoint.sh
              sweep kill at every event
                start
                start
                wait for file /data/users exists within 500ms
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        guard case .failed = result.verdict, let found = result.sweeps.first?.reproduction
        else { return #expect(Bool(false), "\(result.verdict)") }
        let reproduction = found.scenario.text
        #expect(reproduction.contains("  kill at event "))
        let again = try #require(scenarios(reproduction).first)
        let results = try await run(Array(repeating: again, count: 20), on: [.none], atOnce: 2)
        #expect(results.count == 20)
        for result in results {
            if case .failed = result.verdict { continue }
            Issue.record("\(result.verdict)\n\(reproduction)")
        }
    }

    /// What comes of one sweep of a script that makes a directory in its first run and cannot do so again.
    private func swept(
        _ sweep: String, _ block: String = "    start\n    expect state running for 200ms",
        script: String =
            "trap 'exit 0' TERM\n    | if [ ! -e /data/done ]; then mkdir /data/db || exit 3; /bin/sleep 0.1; touch /data/done; fi",
        limit: Int? = nil
    ) async throws -> (verdict: Verdict, outcome: SweepOutcome) {
        let text = """
            scenario "a script"
              about none
              volume data at /data
              file /entrypoint.sh mode 755
                | #!/bin/sh
                | \(script)
                | echo ready
                | /bin/sleep 60 & wait $!
              command /entrypoint.sh
              \(sweep)
            \(block)
            """
        if let limit {
            let result = try await blocking {
                let session = try Session(fakeServices: Checkout.fakeServices)
                defer { session.close() }
                session.sweepOptions.limit = limit
                return try session.run([Session.Job(try scenarios(text)[0], .none)], atOnce: 1)[0]
            }
            return (result.verdict, try #require(result.sweeps.first))
        }
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        return (result.verdict, try #require(result.sweeps.first, "\(result.verdict)"))
    }

    /// Each disturbance comes at its moment, does what it is called, and finds what only it can find; what it prints to show that again
    /// fails again.
    @Test(arguments: [
        (
            "sweep stop grace 300ms from 0s to 300ms step 50ms",
            "    start\n    start\n    wait for output contains \"ready\" within 1s"
        ),
        (
            "sweep stop grace 300ms at every event",
            "    start\n    start\n    wait for output contains \"ready\" within 1s"
        ),
        (
            "sweep restart grace 300ms from 0s to 300ms step 50ms",
            "    start\n    wait for output contains \"ready\" within 1s"
        ),
        ("sweep restart grace 300ms at every event", "    start\n    wait for output contains \"ready\" within 1s"),
        (
            "sweep signal SIGTERM to init from 0s to 300ms step 50ms",
            "    start\n    start\n    wait for output contains \"ready\" within 1s"
        ),
        (
            "sweep signal SIGTERM to init at every event",
            "    start\n    start\n    wait for output contains \"ready\" within 1s"
        ),
        ("sweep crash sleep from 0s to 300ms step 50ms", "    start\n    expect state running for 500ms"),
        ("sweep crash sleep at every event", "    start\n    expect state running for 500ms"),
    ])
    func eachDisturbanceFindsWhatItCan(sweep: String, block: String) async throws {
        let (verdict, outcome) = try await swept(sweep, block)
        guard case .failed = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(outcome.runs.contains { !$0.hasFailed } && outcome.runs.contains(where: \.hasFailed))
        #expect(outcome.runs.allSatisfy { $0.hasFailed == ($0.failure != nil) })
        let again = try #require(outcome.reproduction)
        let parsed = parseScenarios(Array(again.scenario.text.utf8), file: "smallest")
        #expect(parsed.diagnostics.filter { $0.severity == .error } == [] && again.failures >= again.trials - 1)
        let result = try #require(try await run(parsed.values, on: [.none]).first)
        #expect(result.isBad, "\(result.verdict)\n\(again.scenario.text)")
    }

    /// Negative control of each: a script that bears it.
    @Test(arguments: [
        "sweep stop grace 300ms at every event", "sweep restart grace 300ms from 0s to 100ms step 20ms",
        "sweep signal SIGHUP to init at every event", "sweep crash sleep from 50ms to 150ms step 50ms",
    ])
    func whatBearsItPasses(sweep: String) async throws {
        let (verdict, outcome) = try await swept(
            sweep, "    start\n    start\n    wait for output contains \"ready\" within 5s",
            script: "trap 'exit 0' TERM; trap '' HUP\n    | mkdir -p /data/db; /bin/sleep 0.2; touch /data/done")
        #expect(verdict == .passed)
        #expect(!outcome.runs.isEmpty && outcome.reproduction == nil)
    }

    /// Of the next life only what a second start does is disturbed: here nothing that could go wrong.
    @Test func theNextLifeIsNotTheFirst() async throws {
        let block =
            "    start\n    wait for output contains \"ready\" within 1s\n    kill\n    start\n    start\n    wait for output contains \"ready\" within 1s"
        let first = try await swept("sweep kill at every event", block)
        let next = try await swept("sweep kill at every event of the next life", block)
        guard case .failed = first.verdict else {
            Issue.record("\(first.verdict)")
            return
        }
        #expect(next.verdict == .passed)
        #expect(next.outcome.runs.count < first.outcome.runs.count)
    }

    /// What disturbs nothing can never fail: it has.
    @Test(arguments: [
        (
            "sweep kill from 1s to 1100ms step 50ms", "    start\n    wait for state exited within 1s",
            "echo over; exit 0"
        ),
        (
            "sweep crash nothing from 0s to 100ms step 50ms", "    start\n    expect state running for 50ms",
            "trap 'exit 0' TERM"
        ),
        (
            "sweep kill from 0s to 100ms step 50ms of the next life",
            "    start\n    start\n    expect state running for 100ms",
            "trap 'exit 0' TERM"
        ),
    ])
    func whatDisturbsNothingHasFailed(sweep: String, block: String, script: String) async throws {
        let (verdict, outcome) = try await swept(sweep, block, script: script)
        guard case .failed(let failures) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(failures.first?.observed.hasPrefix("at none of them was there anything to be ") == true, "\(failures)")
        #expect(!outcome.runs.contains { !$0.cameTooLate })
    }

    /// Where no event is seen, that is said.
    @Test func withoutATraceNoEventIsNoVerdict() async throws {
        let text = """
            scenario "unseen"
              about none
              command sleep 60
              sweep kill at every event
                start
                expect state running for 50ms
            """
        let result = try #require(try await run(scenarios(text), on: [.none], usesTrace: false).first)
        guard case .error(let reason) = result.verdict else {
            Issue.record("\(result.verdict)")
            return
        }
        #expect(reason.contains("no event was seen, and without a trace that says nothing"), "\(reason)")
    }

    /// A block that fails by itself is not blamed on what disturbs it.
    @Test func whatFailsUndisturbedIsSaidToDoSo() async throws {
        let (verdict, outcome) = try await swept(
            "sweep kill from 0s to 20ms step 10ms", "    start\n    start\n    expect file /nope exists")
        guard case .failed(let failures) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(failures.first?.observed.hasSuffix("; the block fails undisturbed, too") == true, "\(failures)")
        #expect(!outcome.runs.contains { !$0.hasFailed })
    }

    /// What is left out is said.
    @Test func tooManyMomentsAreSampledAndSaidToBe() async throws {
        let (_, outcome) = try await swept("sweep kill from 0s to 100ms step 2ms", limit: 6)
        #expect(outcome.sample == .init(taken: 6, of: 51))
        let times = outcome.runs.map(\.moment)
        #expect(times == [0, 20, 40, 60, 80, 100].map { .time(.milliseconds($0)) })
    }

    @Test func theRuntimesClocksAndTheFakesRunFaster() async throws {
        let text = """
            scenario "slow by nature"
              stop signal SIGTERM grace 20s
              service app
                ready after 10s
                ignores SIGTERM
              start
              wait for app ready within 10s
              stop
              expect stop took at least 20s
              expect stop took less than 40s
              expect exit 137
            """
        let clock = ContinuousClock()
        let began = clock.now
        let result = try #require(try await run(scenarios(text), on: [Checkout.profile("reference")], speed: 20).first)
        #expect(result.verdict == .passed)
        #expect(clock.now - began < .seconds(20))
    }
}
