import Expectations
import Foundation
import Journal
import Language
import Model
import Reports
import Testing
import Vocabulary

/// A recorded journal holds what was seen, and nothing is lost on the way.
@Suite("Recorded journals")
struct JournalFileTests {
    private static let pid = ProcessID(rawValue: 7), other = ProcessID(rawValue: 8)

    /// One of each kind of event, with the values that could be mistaken for others.
    static let kinds: [Event.Kind] =
        runtimeEvents.map(Event.Kind.runtime) + kernelEvents.map(Event.Kind.kernel)
        + words.map { Event.Kind.said($0, by: pid) } + [
            .printed("plain", on: .stdout),
            .printed("no end \u{1B}[31m <script> ]]> \u{0}", on: .execStderr, isWhole: false),
            .looked(FileFact(path: "/gone", status: nil)),
            .looked(
                FileFact(
                    path: "/there",
                    status: .init(
                        mode: 0o644, user: 1, group: 2, inode: 3, modified: -4, sizeInBytes: 5, text: "a\nb",
                        isCut: true,
                        changed: 6))),
            .dropped(bytes: 9, of: .reports), .dropped(bytes: 10, of: .stream(.stderr)),
            .late(Lateness(container: .milliseconds(3), harness: .microseconds(4))), .mark(.stepBegan(0)),
            .mark(.asked(step: 1)), .mark(.timeIsOver(step: 2)), .mark(.overdue),
        ]

    private static let runtimeEvents: [RuntimeEvent] = [
        .started(pid, program: "tini"), .startRequested, .restartScheduled(after: .milliseconds(100), count: 2),
        .restartCancelled, .execStarted(pid, program: "sh"), .execFailed(stage: "exec", code: 127), .execTimedOut(pid),
        .execEnded(pid, .exited(3), code: 3), .execEnded(pid, .signaled(.kill, dumpedCore: true), code: 137),
        .hookStarted(pid, program: "sh"), .hookFailed(stage: "exec"), .hookEnded(pid, .exited(0)),
        .checkStarted(pid, program: "sh"), .checkEnded(nil, code: 1), .checkEnded(pid, code: 0), .becameHealthy(false),
        .paused, .resumed, .recreated(keeping: ["/data"]), .volumeRemoved("v", at: "/v"),
        .startFailed(stage: "exec", code: nil), .startFailed(stage: "exec", code: 126),
        .stopRequested(Signal(rawValue: 37), grace: .seconds(-1)), .joined(reaper: other), .stopping, .clientGone,
        .sent(.term, to: pid), .sendFailed(.term, to: pid, reason: "gone"), .graceExpired,
        .exited(.signaled(.term, dumpedCore: false), code: 143), .refused(reason: "paused"), .stopFinished,
        .stopFailed(reason: "stuck"), .removed, .daemonEnded(isKilled: true), .daemonStarted,
    ]

    private static let kernelEvents: [KernelEvent] = [
        .forked(child: pid, by: other), .forked(child: pid, by: other, asSibling: true),
        .executed(pid, path: "/bin/sh"),
        .exited(pid), .ended(pid, .exited), .ended(pid, .killed), .freed(pid), .waited(by: pid, for: nil),
        .waited(by: pid, for: other), .waitEnded(by: pid, .child), .waitEnded(by: pid, .nothing),
        .waitEnded(by: pid, .perhaps), .traced(pid),
        .signalled(.term, to: pid, from: .process(other), fate: .queued),
        .signalled(Signal(rawValue: 32), to: pid, from: .neighbour(other), fate: .ignored),
        .signalled(.chld, to: pid, from: .kernel(during: other), fate: .alreadyPending),
        .signalled(.rtmax, to: pid, from: .process(other), fate: .queueFull),
        .signalled(.hup, to: pid, from: .process(other), fate: .informationLost),
        .delivered(.term, to: pid, hasHandler: false), .delivered(.term, to: pid, hasHandler: true),
        .disposition(pid, .term, .caught), .disposition(pid, .term, .blocked), .disposition(pid, .term, .ignored),
        .disposition(pid, .term, .defaultAction), .pending(pid, []), .pending(pid, [.term, .rtmin]),
        .census([CensusEntry(pid: pid, parent: other, name: "sh", isZombie: true)]), .absent([pid, other]),
        .limitMet(.processes(4)), .limitMet(.memory(5)), .limitMet(.memoryOfAll(6)), .limitMet(.space(.layer, 7)),
        .limitMet(.space(.volume("v"), 8)), .limitMet(.space(.volumes, 9)), .limitMet(.space(.tmpfs("/run"), 10)),
        .limitMet(.openFiles(pid, 11)), .lost(count: 12),
    ]

    private static let words: [ServiceWord] = [
        .hello(name: "app"), .claimed(name: "app"), .executes(program: "/bin/sh"), .ready, .caught(.hup, sender: 0),
        .stopping, .finished(code: 3), .orphaned(count: 4), .ran(step: "schema"), .wroteMarker, .initialised,
        .cannot("write"),
    ]

    /// docs/JOURNAL.md names every kind of line, every field and every event.
    @Test func theSchemaIsWritten() throws {
        let page = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                "../../docs/JOURNAL.md"), encoding: .utf8)
        let recorded = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                "Recorded/run.jsonl"), encoding: .utf8)
        let lines =
            try JournalFile.text(of: Self.report(Self.kinds))
            + JournalFile.header(
                witness: .procfs(reason: "x"), jobs: 1, speed: 1, planned: 1, id: "x", part: Part(1, of: 2),
                isFlakinessBad: true) + recorded
        var words: Set<String> = []
        for line in lines.split(separator: "\n") {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            words.formUnion(object.keys)
            words.insert(try #require(object["kind"] as? String))
            let event = object["event"] as? [String: Any] ?? [:]
            words.formUnion(event.keys)
            words.formUnion([event["by"], event["what"]].compactMap { $0 as? String })
        }
        #expect(words.count > 80)
        let missing = words.filter { !page.contains("`\($0)`") }
        #expect(missing.isEmpty, "\(missing.sorted())")
    }

    /// With blanks, other escapes and another order of fields it is the same event.
    @Test(arguments: kinds)
    func aLineMayBeWrittenByOthers(kind: Event.Kind) throws {
        var lines = try JournalFile.text(of: Self.report([kind])).split(separator: "\n").map(String.init)
        let place = try #require(lines.firstIndex { $0.hasPrefix("{\"at\"") })
        let object = try JSONSerialization.jsonObject(with: Data(lines[place].utf8))
        let expected = try JournalFile.read(Array(lines.joined(separator: "\n").utf8), rejudges: false)
        lines[place] = String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted]), as: UTF8.self
        ).replacing("\n", with: " ")
        lines[place] = lines[place].replacing("\\u001b", with: "\\u001B")
        let read = try JournalFile.read(Array(lines.joined(separator: "\n").utf8), rejudges: false)
        #expect(read.results[0].journal.events == expected.results[0].journal.events)
        #expect(read.results[0].journal.events.map(\.kind) == [kind])
    }

    /// What is written by hand is what JSONEncoder would write.
    @Test(arguments: kinds)
    func aLineIsJSON(kind: Event.Kind) throws {
        let line = try JournalFile.lines(
            of: [Event(at: MonotonicInstant(nanoseconds: 5), kind)], run: 3, container: "a\"b\\\u{1}é")
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8), options: []) as? NSDictionary
        let again = try JSONSerialization.data(
            withJSONObject: try #require(object), options: [.sortedKeys, .withoutEscapingSlashes])
        #expect(line.hasSuffix("\n") && String(decoding: again, as: UTF8.self) == String(line.dropLast()))
    }

    private static func report(_ kinds: [Event.Kind], _ verdict: Verdict = .passed, witness: Witness = .tracefs)
        -> RunReport
    {
        var journal = Journal(witness: witness)
        for (number, kind) in kinds.enumerated() {
            journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(number + 1) * 1000), kind))
        }
        let text =
            "scenario \"it stops\"\n  service app\n\n  start\n  repeat 2 times\n    restart\n  stop\n  expect exit 0\n"
        var scenario = parseScenarios(Array(text.utf8), file: "s/a.scenario").values[0]
        scenario.summary = "Why."
        let result = RunResult(
            initName: "tini", command: ["tini", "--"], scenario: scenario, verdict: verdict, duration: .milliseconds(5),
            journal: journal)
        return RunReport(
            results: [result], skipped: [("x", "not installed")], witness: witness, jobs: 3, duration: .seconds(1))
    }

    private static func lines(_ report: RunReport, hasEnd: Bool = true) throws -> String {
        try JournalFile.header(
            witness: report.witness, jobs: report.jobs, speed: report.speed, planned: report.results.count)
            + report.results.enumerated().map { try JournalFile.lines(of: $1, number: $0) }.joined()
            + (hasEnd ? JournalFile.end(of: report) : "")
    }

    @Test func everyEventComesBack() throws {
        let report = Self.report(Self.kinds)
        let text = try Self.lines(report)
        let read = try JournalFile.read(Array(text.utf8), rejudges: false)
        let (one, two) = (report.results[0], try #require(read.results.first))
        #expect(Array(two.journal.events) == Array(one.journal.events))
        #expect(two.scenario == one.scenario && two.command == one.command && two.duration == one.duration)
        #expect(two.scenario.steps.map(\.place) == one.scenario.steps.map(\.place))
        #expect(read.skipped.map(\.name) == ["x"] && read.duration == report.duration && read.noteOfInterruption == nil)
    }

    @Test func aVerdictComesBackWithItsEvidence() throws {
        let step = try #require(Self.report([]).results[0].scenario.steps.last)
        guard case .expect(let expectation) = step.action else { return #expect(Bool(false)) }
        let proof = Event(at: MonotonicInstant(nanoseconds: 1), .runtime(.graceExpired))
        let failure = Failure(place: step.place, .expect(expectation), observed: "exit 1", evidence: [Evidence(proof)])
        for verdict in [
            Verdict.failed([failure]), .flaky([failure]), .notApplicable(reason: "no"), .error("too slow"),
            .failed([Failure(place: step.place, .continuation, observed: "gone")]),
        ] {
            let text = try Self.lines(Self.report([], verdict))
            #expect(try JournalFile.read(Array(text.utf8), rejudges: false).results[0].verdict == verdict)
        }
    }

    /// What was judged wrongly is judged again.
    /// What was done, how many moments were taken, and what failed at each.
    @Test(arguments: ["kill", "stop grace 1s", "restart", "signal SIGHUP to init", "crash app"])
    func aSweepComesBack(disturbance: String) throws {
        let text =
            "scenario \"s\"\n  service app\n\n  sweep \(disturbance) at every event of the next life\n    start\n    start\n    expect exit 0\n"
        let scenario = try #require(parseScenarios(Array(text.utf8), file: "s/a.scenario").values.first)
        guard case .sweep(let plan, let inner)? = scenario.steps.first?.action,
            case .expect(let expectation)? = inner.last?.action
        else { return #expect(Bool(false), "\(scenario.steps)") }
        let failure = Failure(
            place: inner[2].place, .expect(expectation), observed: "exit 1",
            evidence: [Evidence(Event(at: MonotonicInstant(nanoseconds: 1), .runtime(.graceExpired)))])
        let outcome = SweepOutcome(
            place: scenario.steps[0].place, plan: plan,
            runs: [
                .init(
                    .event(3, what: "fork"), cameTooLate: false, steps: [.init("a", 2)], hasFailed: true,
                    failure: failure, lastWords: "no"),
                .init(.event(4, what: nil), cameTooLate: true, steps: [], hasFailed: false),
            ], missed: [5], attempts: 6, sample: .init(taken: 3, of: 90),
            reproduction: .init(scenario, failures: 4, trials: 5))
        let result = RunResult(
            initName: "none", scenario: scenario,
            verdict: .failed([Failure(place: outcome.place, .moments(2), observed: "bad")]), duration: .zero,
            journal: Journal(witness: .tracefs), sweeps: [outcome])
        let report = RunReport(results: [result], skipped: [], witness: .tracefs, jobs: 1, duration: .zero)
        let read = try JournalFile.read(Array(try Self.lines(report).utf8), rejudges: false).results[0]
        #expect(read.sweeps == [outcome] && read.verdict == result.verdict)
    }

    @Test func aRecordedRunIsJudgedAgain() throws {
        let text = try Self.lines(
            Self.report([
                .runtime(.started(Self.pid, program: "tini")), .runtime(.exited(.exited(3), code: 3)),
                .mark(.asked(step: 4)),
            ]))
        guard case .failed(let failures) = try JournalFile.read(Array(text.utf8)).results[0].verdict else {
            return #expect(Bool(false), "it passed")
        }
        #expect(failures[0].observed == "exit 3" && failures[0].place.line == 8)
    }

    /// A harness that was killed has written whole lines, and the beginning of one.
    @Test func whatBreaksOffIsNotWhole() throws {
        let text = try Self.lines(Self.report([.runtime(.removed)]))
        let whole = Array(text.utf8)
        #expect(try JournalFile.read(whole).noteOfInterruption == nil)
        let withoutEnd = Array(try Self.lines(Self.report([.runtime(.removed)]), hasEnd: false).utf8)
        #expect(try JournalFile.read(withoutEnd).noteOfInterruption == "incomplete: 1 of 1 scenarios were run")
        // Wherever it breaks off after the header.
        let header = try #require(text.firstIndex(of: "\n")).utf16Offset(in: text) + 1
        for count in stride(from: header, to: whole.count - 1, by: 29) {
            let report = try JournalFile.read(Array(whole[..<count]))
            #expect(report.noteOfInterruption != nil, "at \(count)")
        }
    }

    @Test(arguments: [
        ("", "it is empty"), ("hello\n", "line 1: it is not JSON"),
        ("{\"kind\":\"run\"}\n{}\n", "line 1: a recorded journal begins with a line of kind 'journal'"),
        (
            "{\"kind\":\"journal\",\"schema\":\"harness.journal/9\",\"witness\":\"tracefs\",\"jobs\":1,\"speed\":1,\"planned\":1}\n\n",
            "line 1: its schema is 'harness.journal/9'; this version reads harness.journal/1"
        ),
    ])
    func whatIsNoneIsRefused(text: String, words: String) {
        do {
            _ = try JournalFile.read(Array(text.utf8))
            #expect(Bool(false), "it was read")
        } catch {
            #expect("\(error)" == words)
        }
    }
}
