import Harness
import TestSupport
import Testing

/// Kill times swept, and clocks that run faster.
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

    private func swept(_ defect: String?) async throws -> RunResult {
        var profile = InitProfile.unknown(command: ["/.harness/fake-services", "init", "--"])
        if let defect { profile.environment = ["FAKE_DEFECT=\(defect)"] }
        return try #require(try await run(scenarios(Self.text), on: [profile]).first)
    }

    @Test func theRightEntrypointPassesAtEveryMoment() async throws {
        let result = try await swept(nil)
        #expect(result.verdict == .passed)
        #expect(result.sweeps.last?.kills.contains { !$0.steps.isEmpty } == true)
    }

    @Test(arguments: [
        "writes-marker-first", "writes-empty-marker", "looks-elsewhere-for-marker", "writes-marker-twice",
        "initialises-always",
    ])
    func aWrongOneIsFoundAndItsSmallestCaseCanBeRunAgain(defect: String) async throws {
        let result = try await swept(defect)
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
        let kills = try #require(result.sweeps.first).kills
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
                wait for file /data/users exists within 2s
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
