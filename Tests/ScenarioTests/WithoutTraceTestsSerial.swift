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

    /// What cannot be seen has not failed to happen.
    @Test func withoutATraceADiagnosisSaysNothingOfPrograms() async throws {
        for usesTrace in [false, true] {
            let text = """
                scenario "x"
                  restart policy always
                  command sh -c "echo no; exit 3"
                  start
                  expect state running
                """
            let scenario = try #require(scenarios(text).first)
            let diagnosis = try await blocking {
                let session = try Session(fakeServices: Checkout.fakeServices, usesTrace: usesTrace)
                defer { session.close() }
                return try Diagnoser(scenario, .none, in: session, lasting: .milliseconds(800)).diagnose()
            }
            let words = diagnosis.text
            #expect(words.contains("exited 3 after"))
            #expect(!words.contains("never executed"))
            #expect(words.contains("PID 1 was") == usesTrace)
        }
    }
}
