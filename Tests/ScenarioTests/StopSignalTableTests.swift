import Foundation
import Harness
import TestSupport
import Testing

/// A program with four traps, each of which says by which signal it ends, under each runtime and each declared stop signal: the table in
/// docs/RUNTIMES.md is what comes out.
@Suite("Which signal arrives")
struct StopSignalTableTests {
    private static let declared: [String?] = [nil, "SIGINT", "SIGTERM", "SIGUSR1", "SIGRTMIN+3"]

    @Test func theTableOfTrapsIsTrue() async throws {
        var cases: [(scenario: Scenario, runtime: Runtime)] = []
        let rows = ["/demo.sh", "/sbin/init"].flatMap { program in
            Self.declared.map { (program: program, signal: $0) }
        }
        for row in rows {
            let scenario = try Self.scenario(row.program, row.signal)
            cases += Runtime.allCases.map { (scenario, $0) }
        }
        let jobs = cases.map { Session.Job($0.scenario, .none, runtime: $0.runtime) }
        let results = try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            return try session.run(jobs, atOnce: 16)
        }
        var table = "| PID 1 | declared | " + Runtime.allCases.map(\.rawValue).joined(separator: " | ") + " |\n"
        table += "| --- | --- |" + Runtime.allCases.map { _ in " --- |" }.joined() + "\n"
        var rest = results[...]
        for row in rows {
            let own = rest.prefix(Runtime.allCases.count)
            rest = rest.dropFirst(own.count)
            table += "| `\(row.program)` | \(row.signal.map { "`\($0)`" } ?? "nothing") | "
            table += own.map(Self.answer).joined(separator: " | ") + " |\n"
        }
        let page = try String(contentsOfFile: Checkout.root + "/docs/RUNTIMES.md", encoding: .utf8)
        #expect(page.contains(table), "\(table)")
    }

    private static func scenario(_ program: String, _ signal: String?) throws -> Scenario {
        let text = """
            scenario "traps"
            \(signal.map { "  stop signal \($0)" } ?? "")
              file \(program) mode 755
                | #!/bin/bash
                | for name in INT TERM USR1 RTMIN+3; do trap "echo Exiting by SIG$name; exit 0" $name; done
                | echo up
                | while :; do sleep 0.05; done
              command \(program)

              start
              wait for output line "up" within 20s
              stop
              expect state exited

            """
        return try scenarios(text)[0]
    }

    private static func answer(_ result: RunResult) -> String {
        guard result.verdict == .passed else { return "\(result.verdict)" }
        return result.output.last { $0.hasPrefix("Exiting by ") } ?? "SIGKILL"
    }
}
