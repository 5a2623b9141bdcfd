import Harness
import TestSupport
import Testing

/// What the journal says of hooks.
@Suite("Hooks", .timeLimit(.minutes(10)))
struct HookTests {
    private static func events(_ lines: String) async throws -> [RuntimeEvent] {
        let result = try #require(
            try await run(try scenarios("scenario \"x\"\n  about none\n\(lines)"), on: [.none]).first)
        #expect(result.verdict == .passed, "\(result.verdict)")
        return result.journal.events.compactMap { if case .runtime(let event) = $0.kind { event } else { nil } }
    }

    /// The kernel kills its hook with it, and the hook is waited for first: no stop has been asked for.
    @Test func whatEndsDuringItsHookHasNotFailedInIt() async throws {
        let events = try await Self.events(
            """
              runtime kubernetes
              post-start sh -c "touch /tmp/hook; exec sleep 60"
              command sh -c "until [ -e /tmp/hook ]; do sleep 0.05; done; exit 3"

              begin start
              expect exit 3 within 10s
            """)
        let isStopped = events.contains { if case .stopRequested = $0 { true } else { false } }
        #expect(!isStopped)
        #expect(events.contains { if case .hookEnded(_, .signaled(.kill, _)) = $0 { true } else { false } })
    }

    /// A hook is nothing that a step has executed.
    @Test func aHookIsNoExec() async throws {
        let events = try await Self.events(
            """
              runtime compose
              post-start sh -c "exit 0"
              pre-stop sh -c "exit 0"
              service app

              start
              wait for app ready within 10s
              exec sh -c "exit 3"
              stop
              expect exec exit 3
            """)
        let ends = events.filter { if case .hookEnded(_, .exited(0)) = $0 { true } else { false } }
        #expect(ends.count == 2)
        #expect(events.count { if case .execEnded = $0 { true } else { false } } == 1)
    }
}
