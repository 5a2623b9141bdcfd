import Harness
import Kernel
import TestSupport
import Testing
import Vocabulary

/// A harness that is kept from running in the middle of a grace period: the verdict is that of a calm machine.
@Suite("A harness that is stopped", .serialized, .timeLimit(.minutes(2)))
struct StoppedHarnessTestsSerial {
    /// It takes longer than the grace period, so SIGKILL ends it; a harness that does not run sends none.
    static let slow = """
        scenario "too slow for its grace period"
          stop signal SIGTERM grace 500ms
          command sh -c 'trap "sleep 1.5; exit 0" TERM; echo up; while :; do sleep 0.05; done'
          start
          wait for output line "up" within 10s
          stop
          expect exit 0
        """

    /// How many processes below it have these arguments.
    private static func count(_ arguments: String, under pid: Int32) throws -> Int {
        try ProcFS.tree(under: ProcessID(rawValue: pid)).count { process in
            let words = (Files.text(of: "/proc/\(process.pid)/cmdline") ?? "").split(separator: "\0")
            return words.joined(separator: " ") == arguments
        }
    }

    private static func wait(_ isSo: () throws -> Bool) throws -> Bool {
        let deadline = MonotonicInstant.now.advanced(by: .seconds(30))
        var poller = Poller()
        while try !isSo() {
            if MonotonicInstant.now > deadline { return false }
            try poller.wait(until: .now.advanced(by: .milliseconds(2)))
        }
        return true
    }

    @Test func whoShouldHaveBeenKilledMeanwhileHasNotPassed() async throws {
        try await blocking {
            try Checkout.withFile(Self.slow) { path in
                let command = try Command([Checkout.harness, "run", path, "--init", "none", "--verbose"])
                // The signal has come; from here on nobody is there to send the next.
                #expect(try Self.wait { try Self.count("sleep 1.5", under: command.pid) == 1 })
                try command.send(.stop)
                #expect(try Self.wait { try Self.count("sleep 1.5", under: command.pid) == 0 })
                #expect(try Self.wait { try Self.count("sleep 0.05", under: command.pid) == 0 })
                try command.send(.cont)
                let end = try command.finish(within: .seconds(30))
                #expect(end.status == .exited(1), "\(end.output)")
                #expect(end.output.contains("exit 137"), "\(end.output)")
            }
        }
    }
}
