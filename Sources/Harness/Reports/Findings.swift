import Causes
import Expectations
import Journal
import Model

/// Why one init has failed what it failed: causes that events prove, and what stands alone.
public struct Findings: Sendable {
    /// The init, with its runtime where that is not the usual one.
    public let subject: String
    /// Those that explain most first.
    public let causes: [(found: FoundCause, results: [RunResult])]
    /// Failures that no cause explains, and errors.
    public let alone: [RunResult]

    /// - Parameter results: those of one init that are bad.
    init(_ subject: String, _ results: [RunResult], habits: Habits) {
        self.subject = subject
        let failed = results.filter { result in
            if case .failed = result.verdict { result.parts.isEmpty } else { false }
        }
        let runs = failed.map { result -> FailedRun in
            guard case .failed(let failures) = result.verdict else {
                return FailedRun(result.scenario, result.journal, [])
            }
            return FailedRun(result.scenario, result.journal, failures)
        }
        let found = Cause.causes(of: runs, habits: habits)
        causes = found.map { cause in (cause, cause.runs.map { failed[$0] }) }
        let explained = Set(found.flatMap(\.runs))
        var place = -1
        alone = results.filter { result in
            guard case .failed = result.verdict, result.parts.isEmpty else { return true }
            place += 1
            return !explained.contains(place)
        }
    }
}

extension RunReport {
    /// For each init that has failed something, in their order.
    public var findings: [Findings] {
        var subjects: [String] = []
        var bad: [String: [RunResult]] = [:]
        for result in results where result.isBad {
            if bad[result.subject] == nil { subjects.append(result.subject) }
            bad[result.subject, default: []].append(result)
        }
        var habits: [String: Habits] = [:]
        for result in results where !result.isBad && bad[result.subject] != nil {
            habits[result.subject, default: Habits()].formUnion(result.habits)
        }
        return subjects.map { Findings($0, bad[$0] ?? [], habits: habits[$0] ?? Habits()) }
    }
}
