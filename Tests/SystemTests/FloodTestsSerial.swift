import Harness
import Kernel
import TestSupport
import Testing

/// Containers that flood the witness of every other with events: alone, lest it lose some of theirs.
@Suite("Floods of events", .serialized, .timeLimit(.minutes(10)))
struct FloodTestsSerial {
    @Test(.timeLimit(.minutes(10))) func aLotOfProcessesDoesNotTakeTheHarnessLong() async throws {
        let text = """
            scenario "churn"
              command sh -c 'n=0; while [ $n -lt 3000 ]; do (:); n=$((n+1)); echo; done'
              start
              expect exit 0 within 30s
              expect nobody killed
              expect no zombies
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed)
        #expect(result.duration < .seconds(25))
    }

    /// Whoever stops every process that appears stops what is put into the container too, before it has become anything.
    @Test func whoStopsEverybodyDoesNotStopTheHarness() async throws {
        let text = """
            scenario "everybody is stopped"
              command sh -c "while :; do kill -STOP -1; done"
              start
              exec within 1s true
              expect state running
            """
        let clock = ContinuousClock()
        let began = clock.now
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed)
        #expect(clock.now - began < .seconds(60))
    }
}
