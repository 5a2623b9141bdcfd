import Expectations
import Foundation
import FoundationXML
import Journal
import Model
import Reports
import Testing
import Vocabulary

/// Every form of a report, of everything that may be in one, with names and words that a hostile init has chosen.
@Suite("Forms of reports")
struct FormatTests {
    static let names = Reporters.all.map { $0.name }
    /// What breaks a document, a terminal or a workflow, where it is not escaped.
    private static let nasty =
        "<script>alert(1)</script> ]]> \u{1B}[31m \u{0} \u{7} \" ' & # %0A::error:: \\ | * ` \u{202E} \u{FFFE} end"

    static let report: RunReport = {
        let pid = ProcessID(rawValue: 100), child = ProcessID(rawValue: 101)
        var journal = Journal(witness: .tracefs)
        let kinds: [Event.Kind] = [
            .runtime(.started(pid, program: nasty)), .kernel(.forked(child: child, by: pid)),
            .kernel(.executed(child, path: "/bin/\(nasty)")),
            .printed(nasty + String(repeating: "x", count: 1 << 20), on: .stdout), .printed("two\nlines", on: .stderr),
            .runtime(.stopRequested(.term, grace: .seconds(1))),
            .kernel(.signalled(.term, to: pid, from: .process(ProcessID(rawValue: 1)), fate: .ignored)),
            .kernel(.exited(child)), .runtime(.graceExpired),
            .runtime(.exited(.signaled(.kill, dumpedCore: false), code: 137)),
        ]
        for (number, kind) in kinds.enumerated() {
            journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(number + 1) * 1_000_000), kind))
        }
        func scenario(_ title: String, _ line: Int) -> Scenario {
            var scenario = Scenario(title: title, place: SourcePlace(file: "s/a b,%.scenario", line: line, column: 1))
            scenario.summary = nasty
            return scenario
        }
        let failure = Failure(
            place: SourcePlace(file: "s/a b,%.scenario", line: 12, column: 3), .expect(Expectation(.outputLine(nasty))),
            observed: nasty + String(repeating: "y", count: 1 << 20), evidence: journal.events.map { Evidence($0) })
        func result(_ title: String, _ line: Int, _ verdict: Verdict) -> RunResult {
            RunResult(
                initName: nasty, command: [nasty], scenario: scenario(title, line), verdict: verdict,
                duration: .milliseconds(3),
                journal: journal)
        }
        var known = result("known", 5, .failed([failure]))
        known.known = KnownFailure(rows: ["known"], reason: nasty, place: .none)
        let kill = SweepOutcome.Run(
            .time(.milliseconds(1)), cameTooLate: false, steps: [.init(nasty, 1)], hasFailed: true, failure: failure,
            lastWords: nasty)
        let swept = RunResult(
            initName: "swept", scenario: scenario("sweep", 8),
            verdict: .failed([Failure(place: failure.place, .moments(1), observed: "bad")]),
            duration: .zero, journal: journal,
            sweeps: [
                SweepOutcome(
                    place: failure.place, plan: SweepPlan(.crash(service: nasty), .everyEvent), runs: [kill],
                    missed: [1],
                    attempts: 6, sample: .init(taken: 2, of: 7),
                    reproduction: .init(scenario("again", 9), failures: 4, trials: 5))
            ])
        var several = Journal(witness: .tracefs)
        several.append(Event(at: MonotonicInstant(nanoseconds: 5), .runtime(.removed)))
        let group = RunResult(
            initName: "group", scenario: scenario("several", 10), verdict: .failed([failure]), duration: .zero,
            journal: Journal(witness: .tracefs), parts: [(nasty, journal), ("b", several)])
        return RunReport(
            results: [
                result(nasty, 3, .failed([failure])), result("passed", 4, .passed), known,
                result("flaky", 6, .flaky([failure])), result("n/a", 7, .notApplicable(reason: nasty)),
                result("error", 11, .error(nasty)), swept, group,
            ], skipped: [(nasty, nasty)], witness: .procfs(reason: nasty), jobs: 2, duration: .seconds(1))
    }()

    static func text(_ name: String, _ report: RunReport = report) throws -> String {
        var options = ReportOptions()
        (options.version, options.machine, options.again) = ("1.0", "Linux", "harness run --failed")
        // The journal in a page is tested by itself.
        options.compress = { _ in { [] } }
        return try #require(Reporters.named(name)).init(options).text(report)
    }

    /// What no terminal obeys, and no reader has to wait for.
    @Test(arguments: names)
    func nothingInItIsObeyedOrEndless(name: String) throws {
        let text = try Self.text(name)
        let controls = text.unicodeScalars.filter { scalar in
            scalar.value < 0x20 && scalar != "\n" && scalar != "\t" || (0x7F..<0xA0).contains(scalar.value)
                || scalar.value == 0x202E
        }
        #expect(controls.isEmpty, "\(controls)")
        #expect(text.utf8.count < 200_000, "\(text.utf8.count) bytes")
        #expect(text.hasSuffix("\n"))
    }

    @Test(arguments: names.filter { ["html", "svg", "junit"].contains($0) })
    func markupIsNoMarkup(name: String) throws {
        let text = try Self.text(name)
        #expect(!text.contains("<script>alert") && !text.contains("]]>"))
    }

    @Test(arguments: ["junit", "svg"])
    func itIsWellFormedXML(name: String) throws {
        final class Counter: NSObject, XMLParserDelegate {
            var names: [String: Int] = [:]
            func parser(
                _: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
                attributes: [String: String]
            ) { names[name, default: 0] += 1 }
        }
        let parser = XMLParser(data: Data(try Self.text(name).utf8)), counter = Counter()
        parser.delegate = counter
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        if name == "junit" {
            #expect(counter.names["testcase"] == 8 && counter.names["failure"] == 3 && counter.names["error"] == 1)
            // Not applicable, and known to fail.
            #expect(counter.names["skipped"] == 2 && counter.names["flakyFailure"] == 1)
        }
    }

    @Test(arguments: ["json", "sarif", "codequality"])
    func itIsJSON(name: String) throws {
        let document = try JSONSerialization.jsonObject(with: Data(try Self.text(name).utf8))
        switch name {
        case "sarif":
            let run = try #require(((document as? [String: Any])?["runs"] as? [[String: Any]])?.first)
            let results = try #require(run["results"] as? [[String: Any]])
            #expect(results.count == 4)
            let uris = results.compactMap { result in
                let location = (result["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any]
                return (location?["artifactLocation"] as? [String: Any])?["uri"] as? String
            }
            #expect(uris.allSatisfy { $0 == "s/a%20b%2C%25.scenario" })
        case "codequality":
            let issues = try #require(document as? [[String: Any]])
            #expect(issues.count == 4 && Set(issues.compactMap { $0["fingerprint"] as? String }).count == 4)
        default:
            let summary = try #require((document as? [String: Any])?["summary"] as? [String: Any])
            #expect(summary["failed"] as? Int == 3 && summary["known"] as? Int == 1 && summary["flaky"] as? Int == 1)
        }
    }

    /// A directive or a bail-out that an init has written is none.
    @Test func tapHasALineForEach() throws {
        let lines = try Self.text("tap").split(separator: "\n")
        #expect(lines[0] == "TAP version 14" && lines[1] == "1..8")
        let tests = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(tests.count == 8 && tests.filter { $0.hasPrefix("not ok ") }.count == 5)
        #expect(
            tests.filter { $0.contains(" # SKIP ") }.count == 1 && tests.filter { $0.contains(" # TODO ") }.count == 1)
        #expect(!lines.contains { $0.hasPrefix("Bail out!") })
        var interrupted = Self.report
        interrupted.leaveOutInterrupted(of: 100)
        #expect(try Self.text("tap", interrupted).contains("\nBail out! incomplete: 8 of 100 scenarios were run"))
    }

    /// Two workflow commands would be two lines.
    @Test func anAnnotationIsOneLine() throws {
        let lines = try Self.text("github").split(separator: "\n")
        #expect(
            lines.allSatisfy { $0.hasPrefix("::error file=s/a b%2C%25.scenario,line=") || $0.hasPrefix("::notice::") })
        #expect(lines.count == 5)
    }

    @Test(arguments: names)
    func anInterruptedRunSaysSo(name: String) throws {
        var report = Self.report
        report.leaveOutInterrupted(of: 100)
        let text = try Self.text(name, report)
        #expect(
            name == "svg" || text.contains("incomplete: 8 of 100") || text.contains("interrupted_of")
                || text.contains("\"executionSuccessful\" : false")
                || name == "codequality")
    }

    @Test func ofPlainTerminalsNothingButASCIIIsAsked() {
        let text = HumanReport(style: TerminalStyle(width: 80, isUnicode: false)).text(Self.report)
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
    }

    /// Not every event is an element of the page: its table is made as it is looked at.
    @Test func manyEventsAreAPage() throws {
        let pid = ProcessID(rawValue: 100)
        var journal = Journal(witness: .tracefs)
        journal.append(
            contentsOf: (0..<10_000).map { number in
                Event(
                    at: MonotonicInstant(nanoseconds: UInt64(number + 1) * 1000),
                    number == 0
                        ? .runtime(.started(pid, program: "tini"))
                        : .kernel(.signalled(.usr1, to: pid, from: .process(ProcessID(rawValue: 1)), fate: .queued)))
            })
        let scenario = Scenario(title: "many", place: SourcePlace(file: "a", line: 1, column: 1))
        let report = RunReport(
            results: [
                RunResult(initName: "tini", scenario: scenario, verdict: .passed, duration: .zero, journal: journal)
            ],
            skipped: [], witness: .tracefs, jobs: 1, duration: .zero)
        let text = try Self.text("html", report)
        #expect(text.utf8.count < 1_500_000)
    }

    /// A report takes four times as long for four times as many results, not sixteen times.
    @Test(arguments: names.filter { $0 != "svg" })
    func itGrowsAsTheRunDoes(name: String) throws {
        func report(_ count: Int) -> RunReport {
            RunReport(
                results: (0..<count).map { number in
                    var scenario = Scenario(
                        title: "t\(number)",
                        place: SourcePlace(file: "s/\(number % 50).scenario", line: number + 1, column: 1))
                    scenario.tags = ["RP\(number % 90)"]
                    return RunResult(
                        initName: "init\(number % 20)", scenario: scenario,
                        verdict: number % 3 == 0 ? .notApplicable(reason: "it is about tini") : .passed,
                        duration: .zero,
                        journal: Journal(witness: .tracefs))
                }, skipped: [], witness: .tracefs, jobs: 1, duration: .zero)
        }
        func time(_ count: Int) throws -> Duration {
            let report = report(count)
            return try (0..<3).map { _ in
                try ContinuousClock().measure { _ = try Self.text(name, report) }
            }.min() ?? .zero
        }
        let (few, many) = (try time(500), try time(4000))
        #expect(many < few * 32 + .milliseconds(50), "\(few), \(many)")
    }

    // MARK: - Known failures

    private static func run(_ verdicts: [(row: String, verdict: Verdict)]) -> RunReport {
        RunReport(
            results: verdicts.map { row, verdict in
                var scenario = Scenario(title: "t", place: SourcePlace(file: "a", line: 1, column: 1))
                scenario.tags = [row]
                return RunResult(
                    initName: "tini", scenario: scenario, verdict: verdict, duration: .zero,
                    journal: Journal(witness: .tracefs))
            }, skipped: [], witness: .tracefs, jobs: 1, duration: .zero)
    }

    private static let known = ["tini": [KnownFailure(rows: ["PG04", "PG03"], reason: "design", place: .none)]]
    private static let failed = Verdict.failed([Failure(place: .none, .continuation, observed: "no")])

    @Test func withWhatIsKnownARunIsGreen() {
        var report = Self.run([("PG04", Self.failed), ("PG04", .passed), ("PG03", Self.failed), ("SF01", .passed)])
        #expect(!report.isGood)
        report.note(known: Self.known, isWhole: true)
        #expect(report.isGood && report.counts.known == 2 && report.counts.failed == 0)
        #expect(HumanReport().text(report).contains("known  tini: PG04, PG03 (design)"))
    }

    @Test func whatIsNotKnownIsRed() {
        var report = Self.run([("PG04", Self.failed), ("PG03", Self.failed), ("SF01", Self.failed)])
        report.note(known: Self.known, isWhole: true)
        #expect(!report.isGood && report.counts.failed == 1)
    }

    @Test func whatPassesThoughItIsKnownIsRed() {
        var report = Self.run([("PG04", .passed), ("PG03", Self.failed)])
        report.note(known: Self.known, isWhole: true)
        #expect(!report.isGood && report.unexpectedPasses.map(\.row) == ["PG04"])
        #expect(HumanReport().text(report).contains("tini passes PG04, which it is known to fail"))
        // Of a part of the suite that says nothing.
        var part = Self.run([("PG04", .passed)])
        part.note(known: Self.known, isWhole: false)
        #expect(part.isGood)
    }

    /// What right inits fail, too, is told apart from what this one alone gets wrong.
    @Test func whatPeersFailTooIsSaid() throws {
        func peer(_ name: String, _ rows: [String]) throws -> Peer {
            var profile = InitProfile(name: name, place: .none)
            profile.knownFailures = [KnownFailure(rows: rows, reason: "", place: .none)]
            return try #require(Peer(profile))
        }
        let peers = [
            try peer("dumb-init", ["PG03", "SF10"]), try peer("catatonit", ["PG03", "PG04"]),
            try peer("docker-init", ["PG03"]),
        ]
        let report = Self.run([("PG03", Self.failed), ("PG04", Self.failed), ("SF01", Self.failed)])
        // What two of them fail proves no design.
        #expect(
            HumanReport(peers: peers).text(report).contains(
                "peers  1 of 3 are known failures of at least 3 of catatonit, docker-init, dumb-init: PG03\n"))
        #expect(!HumanReport(peers: Array(peers.prefix(2))).text(report).contains("peers"))
        var shell = InitProfile(name: "sh", place: .none)
        shell.knownFailures = [KnownFailure(rows: (0..<20).map { "R\($0)" }, reason: "", place: .none)]
        #expect(Peer(shell) == nil)
    }

    @Test func aFlakyScenarioCountsAsItIsSaid() {
        var report = Self.run([("SF01", .flaky([]))])
        #expect(report.isGood && report.counts.flaky == 1 && report.counts.passed == 0)
        report.results[0].isFlakinessBad = true
        #expect(!report.isGood)
    }
}
