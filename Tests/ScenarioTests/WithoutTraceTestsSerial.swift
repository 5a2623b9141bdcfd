import Harness
import TestSupport
import Testing

/// What needs a calm machine without a trace: the harness learns of an end when it looks.
@Suite("Without a trace", .serialized, .timeLimit(.minutes(2)))
struct WithoutTraceTestsSerial {
    @Test func withoutATraceWhatCanBeKnownIsKnown() async throws {
        let text = """
            scenario "known"
              service db
                stop takes 1s
              service api after db
              start
              expect db, api ready within 10s
              expect no zombies
              expect state running
              stop
              expect api stopped before db
              expect exit 0
              expect stop took at least 1s
            """
        let result = try #require(
            try await run(scenarios(text), on: [Checkout.profile("reference")], usesTrace: false).first)
        #expect(result.verdict == .passed)
        #expect(result.journal.witness == .procfs(reason: "not asked for"))
    }
}
