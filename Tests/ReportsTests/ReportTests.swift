import Expectations
import FoundationEssentials
import Journal
import Model
import Reports
import Testing
import Vocabulary

@Suite("Reports")
struct ReportTests {
    static let report: RunReport = {
        func scenario(_ title: String, _ row: String, line: Int) -> Scenario {
            var scenario = Scenario(title: title, place: SourcePlace(file: "s/a.scenario", line: line, column: 1))
            scenario.tags = ["signal", row]
            scenario.summary = "What it is about."
            return scenario
        }
        let failure = Failure(
            place: SourcePlace(file: "s/a.scenario", line: 12, column: 3), .expect(Expectation(.exitCode(0))),
            observed: "exit 137",
            evidence: [
                Evidence(
                    Event(
                        at: MonotonicInstant(nanoseconds: 2_000_000),
                        .runtime(.sent(.term, to: ProcessID(rawValue: 100)))))
            ])
        var journal = Journal(witness: .tracefs)
        journal.append(
            Event(
                at: MonotonicInstant(nanoseconds: 1_000_000),
                .runtime(.started(ProcessID(rawValue: 100), program: "sleep"))))
        func result(_ name: String, _ scenario: Scenario, _ verdict: Verdict) -> RunResult {
            RunResult(
                initName: name, command: ["sleep", "60"], scenario: scenario, verdict: verdict,
                duration: .microseconds(2500), journal: journal)
        }
        let first = scenario("it stops", "SF01", line: 3), second = scenario("it stops again", "SF01", line: 20)
        let third = scenario("in order", "SO01", line: 30)
        return RunReport(
            results: [
                result("tini", first, .passed), result("tini", second, .passed),
                result("tini", third, .notApplicable(reason: "tini has no supervision")),
                result("none", first, .failed([failure])), result("none", second, .passed),
                result("none", third, .error("no witness")),
            ],
            skipped: [("dumb-init", "dumb-init is not installed; apt-get install dumb-init")], witness: .tracefs,
            jobs: 4,
            duration: .milliseconds(15))
    }()

    @Test func peopleReadTheFailureItsEvidenceAndTheMatrix() {
        #expect(
            HumanReport().text(Self.report) == """
                FAILED  none: it stops  (s/a.scenario:3)
                  PID 1     sleep 60  (the scenario's own command, no init)
                  # What it is about.
                  s/a.scenario:12
                    expected  expect exit 0
                    observed  exit 137
                   1    1.0 ms  runtime  sent SIGTERM to PID 1 (sleep)

                ERROR  none: in order  (s/a.scenario:30)
                  PID 1     sleep 60  (the scenario's own command, no init)
                    no witness

                ━ runs  ░ zombie  ● ends  ✝ killed  ▼ signal  × dropped  ┆ grace period over  1: below; not to scale

                      tini     none   
                s     2/2      error  

                failed  s/a.scenario:3,30
                n/a  1 × tini: tini has no supervision
                skipped  dumb-init: dumb-init is not installed; apt-get install dumb-init
                witness: tracefs (fork, exec, exit, wait, signals)
                3 passed, 1 failed, 1 not applicable, 1 error  (15.0 ms, 4 at a time)

                """)
    }

    /// A run in which nothing applied has shown nothing.
    @Test func nothingThatAppliedIsNoSuccess() {
        var report = Self.report
        #expect(!report.hasShownNothing)
        report.results.removeAll { if case .notApplicable = $0.verdict { false } else { true } }
        #expect(report.hasShownNothing)
    }

    @Test func quietLeavesTheFailuresOut() {
        #expect(!HumanReport(detail: .quiet).text(Self.report).contains("FAILED"))
    }

    @Test func coloursComeOnlyWhenAskedFor() {
        #expect(HumanReport(style: TerminalStyle(isColoured: true)).text(Self.report).contains("\u{1B}[31mFAILED"))
        #expect(!HumanReport(detail: .verbose).text(Self.report).contains("\u{1B}"))
    }

    @Test func withManyInitsTheTableIsTurned() {
        var report = Self.report
        report.results = (0..<9).flatMap { number in
            Self.report.results.prefix(2).map { result in
                RunResult(
                    initName: "init-\(number)", scenario: result.scenario, verdict: result.verdict,
                    duration: result.duration, journal: result.journal)
            }
        }
        let text = HumanReport().text(report)
        #expect(text.hasPrefix("        s      \ninit-0  2/2    \ninit-1  2/2    \n"))
    }

    @Test func thePageHasThemesRowsFailuresAndWhatWasNotRun() {
        let page = MarkdownReport(versions: ["tini": "tini version 0.19"], date: "2026-11-21", machine: "Linux 6.18")
            .text(Self.report)
        for part in [
            "on 2026-11-21, Linux 6.18. 3 passed, 1 failed, 0 known to fail, 1 not applicable, 1 errors.",
            "| init | version | s |\n| --- | --- | --- |\n| tini | tini version 0.19 | 2/2 |\n| none |  | error |\n",
            "| row | tini | none |\n| --- | --- | --- |\n| SF01 | 2/2 | 1/2 |\n| SO01 | n/a | error |\n",
            "- none, SF01, it stops: `expect exit 0`; exit 137\n- none, SO01, in order: error: no witness\n",
            "- dumb-init: dumb-init is not installed; apt-get install dumb-init\n",
        ] { #expect(page.contains(part), "\(page)") }
    }

    @Test func aPageOfSeveralRuntimesSaysWhereTheyMakeTheDifference() {
        func results(_ name: String, _ runtime: Runtime) -> [RunResult] {
            Self.report.results.prefix(2).map { result in
                let isKilled = runtime == .nspawn && name != "systemd" && result.scenario.title == "it stops"
                return RunResult(
                    initName: name, scenario: result.scenario, runtime: runtime,
                    verdict: isKilled ? .failed([]) : .passed, duration: .zero, journal: result.journal)
            }
        }
        var report = Self.report
        report.results = ["tini", "catatonit", "systemd"].flatMap { results($0, .docker) + results($0, .nspawn) }
        let page = MarkdownReport(versions: ["tini": "0.19"], date: "2026-11-21", machine: "Linux 6.18").text(report)
        for part in [
            "| init | version | docker | nspawn |\n| --- | --- | --- | --- |\n| tini | 0.19 | 2/2 | 1/2 |\n",
            "| systemd |  | 2/2 | 2/2 |\n",
            "| row | inits | docker | nspawn |\n| --- | --- | --- | --- |\n| SF01 | tini, catatonit | 2/2 | 1/2 |\n",
        ] { #expect(page.contains(part), "\(page)") }
        #expect(!page.contains("## By theme"))
    }

    @Test func aSpeedIsToldFirst() {
        var report = Self.report
        report.speed = 20
        #expect(HumanReport().text(report).hasPrefix("up to 20.0 times faster: "))
    }

    /// The names and types of the contract; more may be there.
    private struct Document: Decodable {
        struct Summary: Decodable {
            let passed, failed, not_applicable, errors: Int
            let duration_ms: Double
        }
        struct Result: Decodable {
            struct Failure: Decodable {
                let line: Int
                let expected, observed: String
            }
            let `init`, scenario, file, runtime, verdict: String
            let line: Int
            let reason: String?
            let duration_ms: Double
            let failures: [Failure]
        }
        let schema: String
        let summary: Summary
        let results: [Result]
    }

    @Test func theJSONDocumentIsThatOfTheContract() throws {
        let text = try JSONReport().text(Self.report)
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        #expect(document.schema == "harness.run/1")
        #expect(document.summary.passed == 3)
        #expect(document.summary.failed == 1)
        #expect(document.summary.not_applicable == 1)
        #expect(document.summary.errors == 1)
        #expect(document.summary.duration_ms == 15)
        #expect(document.results.map(\.verdict) == ["passed", "passed", "not-applicable", "failed", "passed", "error"])
        #expect(document.results[2].reason == "tini has no supervision")
        #expect(document.results[3].failures.map(\.line) == [12])
        #expect(document.results[3].failures.map(\.observed) == ["exit 137"])
        #expect(
            document.results[0].`init` == "tini" && document.results[0].line == 3
                && document.results[0].runtime == "docker")
        #expect(document.results[0].duration_ms == 2.5)
    }
}
