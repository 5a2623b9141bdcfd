import Causes
import Expectations
import Journal
import Language
import Model
import Vocabulary

/// One scenario carried out against one init.
public struct RunResult: Sendable {
    /// The name of the init's profile.
    public let initName: String
    /// PID 1's command line; empty where nothing was run.
    public let command: [String]
    /// What was done and expected, as it was written.
    public let scenario: Scenario
    /// Whose rules the container was driven by.
    public let runtime: Runtime
    /// What came of it.
    public let verdict: Verdict
    /// From the first step to the verdict, with the container's removal.
    public let duration: Duration
    /// Empty where nothing was run.
    public let journal: Journal
    /// The journal of each of several containers, by their names; empty where there is one.
    public let parts: [(name: String, journal: Journal)]
    /// What came of its sweeps.
    public let sweeps: [SweepOutcome]
    /// The number by which the recorded journal that is being written knows it; nil: it is in none.
    public var number: Int?
    /// It is known to fail; nil: it is not.
    public var known: KnownFailure?
    /// That it passes only now and then counts as a failure.
    public var isFlakinessBad = false
    /// The disturbance that came at a moment of its own; nil: none did.
    package var disturbed: DisturbedRun?
    /// What failed is worth knowing, and harms nobody.
    package var isOnlyWorthKnowing = false
    /// Of each sweep that failed, one run that shows it.
    package var examples: [RunResult] = []
    /// What the journal has shown of the init, where that is kept no longer.
    private var rememberedHabits: Habits?

    public init(
        initName: String, command: [String] = [], scenario: Scenario, runtime: Runtime? = nil, verdict: Verdict,
        duration: Duration,
        journal: Journal, parts: [(name: String, journal: Journal)] = [], sweeps: [SweepOutcome] = []
    ) {
        self.parts = parts
        self.sweeps = sweeps
        self.runtime = runtime ?? scenario.runtime ?? .docker
        self.command = command
        self.initName = initName
        self.scenario = scenario
        self.verdict = verdict
        self.duration = duration
        self.journal = journal
    }
}

/// A disturbance at a moment of a container's life, as it came about.
package struct DisturbedRun: Sendable {
    /// The start of the life from which the moment was counted.
    package let began: MonotonicInstant
    /// When it came; nil: PID 1 had ended, or what it was about did not run.
    package var came: MonotonicInstant?

    package init(began: MonotonicInstant, came: MonotonicInstant?) {
        self.began = began
        self.came = came
    }
}

extension RunResult {
    /// The init, and whose rules its container was driven by where the scenario does not say that and it is not Docker.
    public var subject: String { RunResult.subject(initName, scenario, runtime) }

    /// The same of a run that has not begun.
    public static func subject(_ initName: String, _ scenario: Scenario, _ runtime: Runtime) -> String {
        let name = initName.bounded.printable
        return scenario.runtime == nil && runtime != .docker ? "\(name) on \(runtime.rawValue)" : name
    }

    /// Failed, and not known to, or an error.
    public var isBad: Bool {
        switch verdict {
        case .failed: known == nil
        case .flaky: isFlakinessBad && known == nil
        case .error: true
        case .passed, .notApplicable: false
        }
    }

    /// Failed, known or flaky or not, or an error.
    public var hasFailed: Bool {
        switch verdict {
        case .failed, .flaky, .error: true
        case .passed, .notApplicable: false
        }
    }

    /// The expectations that did not hold, where that counts as a failure.
    var failuresThatCount: [Failure]? {
        switch verdict {
        case .failed(let failures), .flaky(let failures): isBad ? failures : nil
        case .passed, .notApplicable, .error: nil
        }
    }

    /// The same run with another verdict.
    public func with(_ verdict: Verdict) -> RunResult {
        var result = RunResult(
            initName: initName, command: command, scenario: scenario, runtime: runtime, verdict: verdict,
            duration: duration, journal: journal, parts: parts, sweeps: sweeps)
        (result.known, result.isFlakinessBad, result.number) = (known, isFlakinessBad, number)
        return result
    }

    /// Every journal with the name of its container, where there are several.
    var journals: [(container: String?, journal: Journal)] {
        parts.isEmpty ? [(nil, journal)] : parts.map { ($0.name, $0.journal) }
    }

    /// Every journal as it is asked, with the name of its container, where there are several.
    typealias Views = [(container: String?, view: JournalView)]
    var views: Views { journals.map { ($0.container, JournalView($0.journal)) } }

    /// Every event with its line, in the order of time.
    func linesAndEvents(_ views: Views) -> [(line: String, event: Event)] {
        var lines: [(line: String, event: Event)] = []
        let steps = scenario.flattened.steps
        for (place, (container, view)) in views.enumerated() {
            for event in view.journal.events {
                // Each container's journal has the steps of all.
                if case .mark(.stepBegan) = event.kind, place > 0 { continue }
                lines.append((view.line(event, of: steps).said(of: container), event))
            }
        }
        return parts.isEmpty
            ? lines
            : lines.enumerated().sorted {
                ($0.element.event.instant, $0.offset) < ($1.element.event.instant, $1.offset)
            }.map(\.element)
    }

    /// Every event, a line each; of several containers in the order of time, each with its container's name.
    var journalLines: [String] { linesAndEvents(views).map(\.line) }

    /// The evidence of each failure, a line each; of a sweep its table, and the smallest run that failed, as a scenario.
    ///
    /// - Returns: for each failure, in its order.
    public func linesOfEvidence(_ failures: [Failure]) -> [[String]] {
        var views: [String?: JournalView] = [:]
        for (container, journal) in journals where failures.contains(where: { !$0.evidence.isEmpty }) {
            views[container] = JournalView(journal)
        }
        return failures.map { failure in
            if case .moments = failure.question {
                return sweeps.filter { $0.place == failure.place }.flatMap { $0.table + $0.linesOfReproduction }
            }
            return failure.evidence.compactMap { evidence in
                (views[evidence.container] ?? views[nil])?.line(evidence.event).said(of: evidence.container)
            }
        }
    }

    /// Events of this run, a line each.
    func lines(of evidence: [Evidence]) -> [String] {
        guard !evidence.isEmpty else { return [] }
        let views = Dictionary(journals.map { ($0.container, JournalView($0.journal)) }) { first, _ in first }
        return evidence.compactMap { views[$0.container]?.line($0.event).said(of: $0.container) }
    }

    /// The tables of its sweeps, and the smallest run of each that failed.
    var linesOfSweeps: [String] { sweeps.flatMap { $0.table + $0.linesOfReproduction } }

    /// How many events there are to read.
    var eventCount: Int { journals.map(\.journal.events.count).reduce(0, +) }

    /// Limits of the container that its processes have met, a sentence each.
    public var limitsMet: [String] {
        journals.flatMap { container, journal -> [String] in
            guard journal.events.contains(where: { if case .kernel(.limitMet) = $0.kind { true } else { false } })
            else { return [] }
            return JournalView(journal).limitsMet.map { $0.said(of: container) }
        }
    }

    /// What the init does as a rule, as far as this run has shown it.
    var habits: Habits { rememberedHabits ?? Habits(scenario, journal) }

    /// The same without what proves it, and without what that has shown.
    var verdictAlone: RunResult {
        RunResult(
            initName: initName, command: command, scenario: scenario, runtime: runtime, verdict: verdict,
            duration: duration, journal: Journal(witness: journal.witness))
    }

    /// The same without what proves it.
    public var withoutJournal: RunResult {
        var result = RunResult(
            initName: initName, command: command, scenario: scenario, runtime: runtime, verdict: verdict,
            duration: duration, journal: Journal(witness: journal.witness), sweeps: sweeps)
        result.rememberedHabits = habits
        return result
    }
}

/// A whole run: every result, in the order of inits and scenarios asked for, and what was left out.
public struct RunReport: Sendable {
    /// In the order of inits, then scenarios.
    public var results: [RunResult]
    /// Inits that were not run, and why: not installed, and the package to install.
    public var skipped: [(name: String, reason: String)]
    /// What was seen, and what could not be.
    public var witness: Witness
    /// How many scenarios were to be run, where the run was interrupted; nil: it is whole.
    public internal(set) var plannedCount: Int?
    /// Runs that were going on when the harness was killed: an init and a title each.
    public internal(set) var unfinished: [String] = []
    /// Tells a recorded run from every other; nil: it is not known.
    public var id: String?
    /// Which part of a run this is; nil: the whole.
    public var part: Part?
    /// Parts of the run that are not in it, from 1.
    public internal(set) var missingParts: [Int] = []
    /// What is known to fail and has passed.
    public internal(set) var unexpectedPasses: [UnexpectedPass] = []
    /// What is not as it was in the run that it is held against; nil: it is held against none.
    public internal(set) var change: Change?
    /// How many were run at once.
    public var jobs: Int
    /// Of the whole run, without what the session takes to open and close.
    public var duration: Duration
    /// How many times faster than the runtime's its clocks ran, and those of the fakes.
    public var speed: Double

    public init(
        results: [RunResult], skipped: [(name: String, reason: String)], witness: Witness, jobs: Int,
        duration: Duration,
        speed: Double = 1
    ) {
        self.speed = speed
        self.results = results
        self.skipped = skipped.map { ($0.name.bounded.printable, $0.reason.bounded.printable) }
        self.witness = witness
        self.jobs = jobs
        self.duration = duration
    }

    /// Nothing was run, or nothing of it was applicable.
    public var hasShownNothing: Bool { counts.notApplicable == results.count }

    /// Everything that was to be run is in it.
    public var isWhole: Bool { plannedCount == nil && missingParts.isEmpty }

    /// The inits, each with its runtime where that is not the usual one, in their order.
    public var subjects: [String] {
        var seen: Set<String> = []
        return results.map(\.subject).filter { seen.insert($0).inserted }
    }

    /// How many results there are of each kind.
    public struct Counts: Hashable, Sendable {
        /// Results that passed.
        public var passed = 0
        /// Without those that are known to fail.
        public var failed = 0
        /// Results that failed as the profile says that they do.
        public var known = 0
        /// Results that failed at first and passed when they were run again.
        public var flaky = 0
        /// Results of scenarios that this init or machine cannot be asked.
        public var notApplicable = 0
        /// Results that say nothing of the init: the run itself went wrong.
        public var errors = 0

        /// "4 passed, 2 failed, 1 known to fail, 3 not applicable, 1 error"; what there is none of is left out, but for the first two.
        public var sentence: String {
            var parts = ["\(passed) passed", "\(failed) failed"]
            if known > 0 { parts.append("\(known) known to fail") }
            if flaky > 0 { parts.append("\(flaky) flaky") }
            if notApplicable > 0 { parts.append("\(notApplicable) not applicable") }
            if errors > 0 { parts.append("\(errors) error\(errors == 1 ? "" : "s")") }
            return parts.joined(separator: ", ")
        }
    }

    /// The sums.
    public var counts: Counts {
        results.reduce(into: Counts()) { counts, result in
            switch result.verdict {
            case .passed: counts.passed += 1
            case .failed where result.known != nil: counts.known += 1
            case .failed: counts.failed += 1
            case .flaky: counts.flaky += 1
            case .notApplicable: counts.notApplicable += 1
            case .error: counts.errors += 1
            }
        }
    }

    /// Whether all is as it is to be.
    public var isGood: Bool { !results.contains(where: \.isBad) && unexpectedPasses.isEmpty }

    /// Takes failures that are known for what they are, and notes which of them have passed.
    ///
    /// - Parameters:
    ///   - known: by the init's name.
    ///   - isWhole: whether all scenarios of each row were run: else nothing is said of what has passed.
    public mutating func note(known: [String: [KnownFailure]], isWhole: Bool) {
        for index in results.indices {
            // What a recorded run has known stays known.
            let own = known[results[index].initName]?.first { $0.rows.contains(results[index].scenario.row) }
            results[index].known = own ?? results[index].known
        }
        guard isWhole else { return }
        for (name, failures) in known.sorted(by: { $0.key < $1.key }) {
            for failure in failures {
                for row in failure.rows {
                    let own = results.filter { $0.initName == name && $0.scenario.row == row }
                    let applied = own.filter { if case .notApplicable = $0.verdict { false } else { true } }
                    if !applied.isEmpty, applied.allSatisfy({ $0.verdict == .passed }) {
                        unexpectedPasses.append(UnexpectedPass(initName: name, row: row, place: failure.place))
                    }
                }
            }
        }
    }
}

/// A row that an init is known to fail, and has passed.
public struct UnexpectedPass: Hashable, Sendable {
    public let initName: String
    /// The row, or the title of a scenario that covers none.
    public let row: String
    /// Where it is said that it fails.
    public let place: SourcePlace
}

extension Scenario {
    /// What it is about: the folder that its file is in; of a file named without a folder, the file.
    public var theme: String {
        let parts = place.file.split(separator: "/").map(String.init)
        guard parts.count > 1 else {
            return (parts.last ?? "").replacing(".scenario", with: "")
        }
        return parts[parts.count - 2]
    }

    /// The row of docs/BEHAVIOURS.md that it covers (`SF01`), else its title.
    public var row: String { behaviour ?? title }
}

extension RunReport {
    /// What was being run when the run was interrupted has no result.
    ///
    /// - Parameter count: how many scenarios were to be run.
    public mutating func leaveOutInterrupted(of count: Int) {
        plannedCount = count
        results.removeAll { $0.verdict == .error(RunReport.interrupted) }
    }

    /// "incomplete: 3 of 40 scenarios were run"; nil where it is whole.
    public var noteOfInterruption: String? {
        if isWhole { return nil }
        var notes: [String] = []
        if let plannedCount {
            let shown = unfinished.prefix(3).map(\.bounded.printable).joined(separator: ", ")
            let more = unfinished.count > 3 ? " and \(unfinished.count - 3) more" : ""
            notes.append(
                "\(results.count) of \(plannedCount) scenarios were run"
                    + (unfinished.isEmpty ? "" : "; cut off in the middle: \(shown)\(more)"))
        }
        if let part, !missingParts.isEmpty {
            let names =
                missingParts.prefix(8).map(String.init).joined(separator: ", ") + (missingParts.count > 8 ? ", …" : "")
            notes.append(
                missingParts.count == 1
                    ? "part \(names) of \(part.count) is missing" : "parts \(names) of \(part.count) are missing")
        }
        return "incomplete: \(notes.joined(separator: "; "))"
    }

    /// The reason of what was interrupted.
    public static let interrupted = "interrupted"
}

extension [RunResult] {
    /// Those of each init, with its runtime where that is not the usual one, in the order in which they appear.
    var bySubject: [(subject: String, results: [RunResult])] {
        var places: [String: Int] = [:]
        var groups: [(subject: String, results: [RunResult])] = []
        for result in self {
            let subject = result.subject
            let place = places[subject] ?? groups.count
            if place == groups.count {
                places[subject] = place
                groups.append((subject, []))
            }
            groups[place].results.append(result)
        }
        return groups
    }

    /// By init, then by the place of the scenario; repetitions in the order in which they were made.
    var inOrder: [RunResult] {
        enumerated().map { offset, result in
            (key: (result.subject, result.scenario.place.file, result.scenario.place.line, offset), result: result)
        }.sorted { $0.key < $1.key }.map(\.result)
    }
}

extension String {
    /// The same with the container's name before it, where there are several.
    fileprivate func said(of container: String?) -> String {
        container.map { "\($0.bounded.printable): \(self)" } ?? self
    }
}
