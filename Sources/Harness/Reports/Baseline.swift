import Expectations
import Model

/// An earlier run that another is held against.
///
/// Scenarios are the same where their init, file and title are (`ResultIndex`).
public struct Baseline: Sendable {
    /// What it is called.
    public let name: String
    fileprivate let results: ResultIndex

    public init(_ report: RunReport, named name: String) {
        self.name = name
        results = ResultIndex(report.results.map(\.verdictAlone))
    }

    /// How long a scenario took with an init, on average; nil: it was not there, or there was nothing to do.
    public func duration(of scenario: Scenario, on subject: String) -> Duration? {
        let durations = results.results(of: scenario, on: subject).map(\.duration).filter { $0 > .zero }
        return durations.isEmpty ? nil : durations.reduce(.zero, +) / durations.count
    }

    /// Whether a result that is bad was no better then.
    public func covers(_ result: RunResult) -> Bool {
        results.results(of: result.scenario, on: result.subject).contains { before in
            switch (before.verdict, result.verdict) {
            case (.failed, .failed), (.failed, .flaky), (.flaky, .flaky): true
            default: false
            }
        }
    }

    /// Whether a scenario was run there with an init.
    public func knows(_ scenario: Scenario, on subject: String) -> Bool {
        !results.results(of: scenario, on: subject).isEmpty
    }
}

/// What has become of a run since an earlier one.
public struct Change: Sendable {
    /// What the earlier one is called.
    public let name: String
    /// What failed there and passes now.
    public fileprivate(set) var better: [RunResult] = []
    /// What passed there and cannot be asked now.
    public fileprivate(set) var lost: [RunResult] = []
    /// How many are bad now and were not.
    public fileprivate(set) var worse = 0
    /// How many are as bad as they were.
    public fileprivate(set) var same = 0
    /// How many were not there.
    public fileprivate(set) var added = 0
}

extension RunReport {
    /// Holds it against an earlier run: what failed there is known. An error says nothing, then as now.
    public mutating func compare(with earlier: Baseline) {
        var change = Change(name: earlier.name)
        for index in results.indices {
            let result = results[index]
            let before = earlier.results.results(of: result.scenario, on: result.subject)
            if before.isEmpty { change.added += 1 }
            switch result.verdict {
            case .passed: if !before.isEmpty, before.allSatisfy(\.hasFailedForSure) { change.better.append(result) }
            case .notApplicable: if before.contains(where: { $0.verdict == .passed }) { change.lost.append(result) }
            case .error: continue
            case .failed, .flaky:
                guard result.isBad else { continue }
                if earlier.covers(result) {
                    change.same += 1
                    results[index].known = KnownFailure(
                        rows: [result.scenario.row], reason: "failed in \(earlier.name), too", place: .none)
                    results[index].known?.isOfBaseline = true
                } else {
                    change.worse += 1
                }
            }
        }
        self.change = change
    }
}

extension RunResult {
    /// Failed, at least once: not what could not be judged.
    fileprivate var hasFailedForSure: Bool {
        switch verdict {
        case .failed, .flaky: true
        case .passed, .notApplicable, .error: false
        }
    }
}
