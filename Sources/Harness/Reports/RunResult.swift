import Expectations
import Journal
import Model
import Vocabulary

/// One scenario carried out against one init.
public struct RunResult: Sendable {
    /// The name of the init's profile.
    public let initName: String
    /// PID 1's command line; empty where nothing was run.
    public let command: [String]
    public let scenario: Scenario
    /// Whose rules the container was driven by.
    public let runtime: Runtime
    public let verdict: Verdict
    /// From the first step to the verdict, with the container's removal.
    public let duration: Duration
    /// Empty where nothing was run.
    public let journal: Journal
    /// The journal of each of several containers, by their names; empty where there is one.
    public let parts: [(name: String, journal: Journal)]
    /// What it has to say besides: the table of a sweep.
    public let notes: [String]
    /// Limits of the container that its processes have met, a sentence each.
    public let limitsMet: [String]

    public init(
        initName: String, command: [String] = [], scenario: Scenario, runtime: Runtime? = nil, verdict: Verdict,
        duration: Duration,
        journal: Journal, parts: [(name: String, journal: Journal)] = [], notes: [String] = [], limitsMet: [String] = []
    ) {
        self.parts = parts
        self.limitsMet = limitsMet
        self.runtime = runtime ?? scenario.runtime ?? .docker
        self.command = command
        self.notes = notes
        self.initName = initName
        self.scenario = scenario
        self.verdict = verdict
        self.duration = duration
        self.journal = journal
    }
}

extension RunResult {
    /// The init, and whose rules its container was driven by where the scenario does not say that and it is not Docker.
    public var subject: String {
        scenario.runtime == nil && runtime != .docker ? "\(initName) on \(runtime.rawValue)" : initName
    }

    /// Failed, or an error.
    public var isBad: Bool {
        switch verdict {
        case .failed, .error: true
        case .passed, .notApplicable: false
        }
    }

    /// Every event, a line each; of several containers in the order of time, each with its container's name.
    var journalLines: [String] {
        guard !parts.isEmpty else {
            let view = JournalView(journal)
            return journal.events.map(view.line)
        }
        var lines: [(at: MonotonicInstant, order: Int, text: String)] = []
        for part in parts {
            let view = JournalView(part.journal)
            for event in part.journal.events {
                lines.append((event.instant, lines.count, "\(part.name): \(view.line(event))"))
            }
        }
        return lines.sorted { ($0.at, $0.order) < ($1.at, $1.order) }.map(\.text)
    }

    /// The same without what proves it.
    public var withoutJournal: RunResult {
        RunResult(
            initName: initName, command: command, scenario: scenario, runtime: runtime, verdict: verdict,
            duration: duration, journal: Journal(witness: journal.witness), notes: notes, limitsMet: limitsMet)
    }
}

/// A whole run: every result, in the order of inits and scenarios asked for, and what was left out.
public struct RunReport: Sendable {
    /// In the order of inits, then scenarios.
    public var results: [RunResult]
    /// Inits that were not run, and why: not installed, and the package to install.
    public var skipped: [(name: String, reason: String)]
    public var witness: Witness
    /// How many scenarios were to be run, where the run was interrupted; nil: it is whole.
    public private(set) var plannedCount: Int?
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
        self.skipped = skipped
        self.witness = witness
        self.jobs = jobs
        self.duration = duration
    }

    /// Every scenario was not applicable.
    public var hasShownNothing: Bool {
        let counts = counts
        return !results.isEmpty && counts.notApplicable == results.count
    }

    /// How many results there are of each kind.
    public var counts: (passed: Int, failed: Int, notApplicable: Int, errors: Int) {
        results.reduce(into: (0, 0, 0, 0)) { counts, result in
            switch result.verdict {
            case .passed: counts.0 += 1
            case .failed: counts.1 += 1
            case .notApplicable: counts.2 += 1
            case .error: counts.3 += 1
            }
        }
    }
}

extension Scenario {
    /// The folder that it stands in: what it is about.
    public var theme: String {
        let folders = place.file.split(separator: "/").dropLast()
        return folders.last.map(String.init) ?? ""
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

    /// "interrupted: 3 of 40 were run, the rest was not"; nil where it is whole.
    var noteOfInterruption: String? {
        plannedCount.map { "interrupted: \(results.count) of \($0) were run, the rest was not" }
    }

    /// The reason of what was interrupted.
    public static let interrupted = "interrupted"
}
