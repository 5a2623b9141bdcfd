import Expectations
import Foundation
import Journal
import Language
import Model
import Reports
import Testing
import Vocabulary

/// Runs held against earlier ones, and pages that are read back.
@Suite("Compared and recorded runs")
struct ComparedRunsTests {
    private static let failed = Verdict.failed([Failure(place: .none, .continuation, observed: "no")])

    private static func run(_ verdicts: [String: Verdict], init name: String = "tini", _ events: [Event.Kind] = [])
        -> RunReport
    {
        var journal = Journal(witness: .tracefs)
        for (number, kind) in events.enumerated() {
            journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(number + 1) * 1_000_000), kind))
        }
        let results = verdicts.sorted { $0.key < $1.key }.map { title, verdict in
            var scenario = parseScenarios(
                Array("scenario \(Spelling.quoted(title))\n  service app\n\n  start\n  expect state running\n".utf8),
                file: "s/a.scenario"
            ).values[0]
            scenario.summary = ""
            return RunResult(
                initName: name, scenario: scenario, verdict: verdict, duration: .zero, journal: journal)
        }
        return RunReport(results: results, skipped: [], witness: .tracefs, jobs: 1, duration: .zero)
    }

    // MARK: - Against

    @Test func onlyWhatGotWorseIsBad() throws {
        let before = Self.run([
            "a": Self.failed, "b": .passed, "c": .passed, "d": Self.failed, "e": .passed, "f": .error("x"),
            "h": .error("x"),
        ])
        var now = Self.run([
            "a": Self.failed, "b": Self.failed, "c": .notApplicable(reason: "x"), "d": .passed, "e": .passed,
            "f": .error("x"), "g": Self.failed, "h": .passed,
        ])
        now.compare(with: Baseline(before, named: "old.jsonl"))
        let bad = now.results.filter(\.isBad).map(\.scenario.title)
        // An error says nothing, then as now; what was not there is news.
        #expect(bad == ["b", "f", "g"])
        let change = try #require(now.change)
        #expect(change.worse == 2 && change.same == 1 && change.added == 1)
        #expect(change.better.map(\.scenario.title) == ["d"] && change.lost.map(\.scenario.title) == ["c"])
        #expect(HumanReport().text(now).contains("against old.jsonl: 2 worse, 1 better (d), 1 still fail"))
    }

    /// Fails where a baseline covers everything.
    @Test func anotherInitsFailuresAreNoExcuse() {
        var now = Self.run(["a": Self.failed])
        now.compare(with: Baseline(Self.run(["a": Self.failed], init: "dumb-init"), named: "old"))
        #expect(!now.isGood)
    }

    // MARK: - Side by side

    private static func story(_ pid: Int32, _ signal: Signal) -> [Event.Kind] {
        let (root, child) = (ProcessID(rawValue: pid), ProcessID(rawValue: pid + 7))
        return [
            .runtime(.started(root, program: "tini")), .kernel(.forked(child: child, by: root)),
            .kernel(.executed(child, path: "/bin/app")),
            .kernel(.signalled(signal, to: child, from: .process(root), fate: .queued)),
            .runtime(.exited(.exited(0), code: 0)),
        ]
    }

    @Test func whatDiffersIsShownFromWhereItDiffers() {
        let (a, b) = (
            Self.run(["t": .passed], Self.story(100, .term)), Self.run(["t": Self.failed], Self.story(900, .hup))
        )
        let text = DifferenceReport(style: TerminalStyle(width: 160)).text(a, b, names: ("a", "b"))
        #expect(text.contains("passed → failed  tini: t"))
        let rows = text.split(separator: "\n").filter { $0.contains(" | ") }
        #expect(rows.count == 1 && rows[0].contains("SIGTERM from") && rows[0].contains("SIGHUP from"), "\(text)")
        #expect(DifferenceReport.verdictsDiffer(a, b))
    }

    /// Other numbers of processes and other times are no difference.
    @Test func theSameStoryIsTheSame() {
        let (a, b) = (
            Self.run(["t": .passed], Self.story(100, .term)), Self.run(["t": .passed], Self.story(900, .term))
        )
        let text = DifferenceReport(style: TerminalStyle(width: 160)).text(a, b, names: ("a", "b"))
        #expect(text.contains("the same events happened in both"), "\(text)")
        #expect(!DifferenceReport.verdictsDiffer(a, b))
    }

    @Test func twoInitsAreHeldAgainstEachOther() {
        let (a, b) = (
            Self.run(["t": .passed], Self.story(1, .term)),
            Self.run(["t": Self.failed], init: "mine", Self.story(5, .hup))
        )
        #expect(DifferenceReport(style: TerminalStyle()).text(a, b, names: ("a", "b")).contains("passed → failed"))
    }

    // MARK: - Pages

    @Test(arguments: [true, false])
    func aPageIsReadAsItsJournal(isCompressed: Bool) throws {
        var report = Self.run(
            ["<script>]]>": .passed, "b": .notApplicable(reason: "</body></html>\n")], Self.story(3, .usr1))
        report.leaveOutInterrupted(of: 9)
        var options = ReportOptions()
        // Whatever makes bytes others and back.
        if isCompressed { options.compress = { bytes in { bytes.map { ~$0 } } } }
        let page = try HTMLReport(options).text(report)
        let journal = try RecordedPage.journal(in: Array(page.utf8)) { $0.map { ~$0 } }
        let read = try JournalFile.read(try #require(journal), rejudges: false)
        #expect(read.results.map(\.scenario.title) == ["<script>]]>", "b"] && read.plannedCount == 9)
        #expect(read.results.map(\.verdict) == report.results.map(\.verdict))
        #expect(read.results[0].journal.events == report.results[0].journal.events)
    }

    @Test func aPageThatIsCutOrAnothersIsRefused() throws {
        let page = Array(try HTMLReport(ReportOptions()).text(Self.run(["a": .passed])).utf8)
        #expect(throws: JournalProblem.self) { try RecordedPage.journal(in: page.dropLast(20) + []) { $0 } }
        #expect(throws: JournalProblem.self) {
            try RecordedPage.journal(in: Array("<!DOCTYPE html>\n<p>\n</body></html>\n".utf8)) { $0 }
        }
        #expect(try RecordedPage.journal(in: Array("{}".utf8)) { $0 } == nil)
    }

    // MARK: - Parts

    private static func part(_ number: Int, of count: Int, _ title: String) -> RunReport {
        var report = Self.run([title: .passed], Self.story(3, .usr1))
        (report.part, report.id) = (Part(number, of: count), "\(number)")
        return report
    }

    private static func readBack(_ report: RunReport) throws -> RunReport {
        try JournalFile.read(Array(try JournalFile.text(of: report).utf8), rejudges: false)
    }

    /// What was merged is a whole, or still lacks what it lacked; nothing counts twice.
    @Test func partsAreMergedAndReadBack() throws {
        let parts = try (1...3).map { try Self.readBack(Self.part($0, of: 3, "t\($0)")) }
        let whole = try RunReport.merged(parts)
        #expect(whole.isWhole && whole.results.count == 3)
        let again = try Self.readBack(whole)
        #expect(try RunReport.merged([again]).isWhole)
        let some = try RunReport.merged([parts[0], parts[1]])
        #expect(some.noteOfInterruption == "incomplete: part 3 of 3 is missing")
        let someAgain = try Self.readBack(some)
        #expect(try RunReport.merged([someAgain]).missingParts == [3])
        #expect(try RunReport.merged([someAgain, parts[2]]).isWhole)
        #expect(throws: NoParts.self) { try RunReport.merged([someAgain, parts[1]]) }
        #expect(throws: NoParts.self) { try RunReport.merged([parts[0], Self.part(1, of: 2, "x")]) }
        #expect(throws: NoParts.self) { try RunReport.merged([parts[0], Self.run(["y": .passed])]) }
        // No report of a part alone is green.
        let alone = try RunReport.merged([parts[0]])
        #expect(alone.noteOfInterruption == "incomplete: parts 2, 3 of 3 are missing")
        #expect(!SummaryReport(ReportOptions()).text(alone).contains("✅"))
        #expect(try HTMLReport(ReportOptions()).text(alone).contains("<title>harness: incomplete"))
        #expect(try JSONReport().text(alone).contains("missing_parts"))
    }

    @Test func numbersOutOfRangeAreNoCrash() throws {
        let text = try JournalFile.text(of: Self.run(["a": .passed], Self.story(3, .usr1)))
        for (name, number) in [("jobs", "1"), ("planned", "1"), ("results", "1")] {
            let bad = text.replacing("\"\(name)\":\(number)", with: "\"\(name)\":9223372036854775807")
            #expect(bad != text)
            #expect(throws: JournalProblem.self) { try JournalFile.read(Array(bad.utf8)) }
        }
    }

    // MARK: - Traces

    /// Every flow begins and ends on a slice, and every stretch that begins ends.
    @Test func aTraceHoldsTogether() throws {
        let text = try PerfettoReport(ReportOptions()).text(Self.run(["a": .passed], Self.story(3, .usr1)))
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let events = try #require(document["traceEvents"] as? [[String: Any]])
        func place(_ event: [String: Any]) -> String { "\(event["pid"] ?? 0) \(event["tid"] ?? 0) \(event["ts"] ?? 0)" }
        func all(_ phase: String) -> [[String: Any]] { events.filter { $0["ph"] as? String == phase } }
        func ids(_ phase: String) -> [String] { all(phase).compactMap { $0["id"] as? String }.sorted() }
        let slices = Set(all("X").map(place))
        #expect(
            !all("s").isEmpty && ids("s") == ids("f") && (all("s") + all("f")).allSatisfy { slices.contains(place($0)) }
        )
        #expect(!all("b").isEmpty && ids("b") == ids("e"))
    }
}
