import Expectations
import Journal
import Model
import Reports
import Testing
import Vocabulary

/// Where runtimes differ, by the rule that makes them.
@Suite("The comparison of runtimes")
struct ComparisonReportTests {
    private static let scenario = Scenario(
        title: "it stops", place: SourcePlace(file: "s/a.scenario", line: 3, column: 1))
    private static let failed = Verdict.failed([
        Failure(
            place: SourcePlace(file: "s/a.scenario", line: 9, column: 3), .expect(Expectation(.exitCode(0))),
            observed: "exit 137")
    ])

    /// A passed run by Docker's rules and a failed one by Podman's, after a start that is the same.
    private static func report(
        docker: [RuntimeEvent], podman: [RuntimeEvent], podmanVerdict: Verdict = failed
    ) -> String {
        func result(_ runtime: Runtime, _ events: [RuntimeEvent], _ verdict: Verdict) -> RunResult {
            var journal = Journal(witness: .tracefs)
            for (number, event) in ([RuntimeEvent.startRequested] + events).enumerated() {
                journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(number + 1)), .runtime(event)))
            }
            return RunResult(
                initName: "tini", scenario: scenario, runtime: runtime, verdict: verdict, duration: .zero,
                journal: journal)
        }
        return ComparisonReport(isColoured: false).text(
            RunReport(
                results: [result(.docker, docker, .passed), result(.podman, podman, podmanVerdict)], skipped: [],
                witness: .tracefs, jobs: 1, duration: .zero))
    }

    /// Each rule is named of what it is about, and of nothing else.
    @Test(arguments: [
        (
            [RuntimeEvent.stopRequested(.term, grace: .seconds(10))], [RuntimeEvent.refused(reason: "paused")],
            "what is refused"
        ),
        (
            [.stopRequested(.term, grace: .seconds(10))], [.stopRequested(.kill, grace: .zero)],
            "the stop signal, and the grace period"
        ),
        ([.stopRequested(.term, grace: .seconds(10))], [.paused], "whether it is stopped"),
        (
            [.stopRequested(.term, grace: .seconds(10))], [.daemonEnded(isKilled: false)],
            "what becomes of a container when its engine ends"
        ),
        (
            [.restartScheduled(after: .zero, count: 1)], [.restartScheduled(after: .seconds(1), count: 1)],
            "when it is started again"
        ),
        ([.restartScheduled(after: .zero, count: 1)], [.paused], "whether it is started again"),
        (
            [.exited(.exited(1), code: 1)], [.exited(.exited(1), code: 2)],
            "what becomes of an end: its status, and the layer"
        ),
        ([.paused], [.paused], "what a container is given"), ([.paused], [.resumed], "what comes next"),
    ])
    func theRuleIsThatOfTheFirstDifference(docker: [RuntimeEvent], podman: [RuntimeEvent], rule: String) {
        let lines = Self.report(docker: docker, podman: podman).split(separator: "\n").map(String.init)
        #expect(lines[0] == rule, "\(lines)")
        #expect(lines[1].hasPrefix("  docker  passed") && lines[2].hasPrefix("  podman  failed"))
        #expect(lines.contains("  so under podman, in s/a.scenario:3: expect exit 0; exit 137"))
        #expect(lines.contains("  tini, 1: it stops"))
        #expect(
            lines.last
                == "1 of 1 scenarios end differently, for 1 reason; the others are the same under each runtime")
    }

    @Test func whatEndsAlikeIsNotShown() {
        #expect(
            Self.report(docker: [.paused], podman: [.resumed], podmanVerdict: .passed)
                == "0 of 1 scenarios end differently, for 0 reasons; the others are the same under each runtime\n")
    }
}
