import Causes
import Expectations
import Journal
import Model

/// Why one init has failed what it failed: causes that events prove, and what is alone.
public struct Findings: Sendable {
    /// The init, with its runtime where that is not the usual one.
    public let subject: String
    /// Those that explain most first.
    public let causes: [(found: FoundCause, results: [RunResult])]
    /// Failures that no cause explains, and errors.
    public let alone: [RunResult]
    /// The places in the report of what each cause explains, and of what is alone.
    let placesOfCauses: [[Int]]
    let placesOfAlone: [Int]

    /// - Parameters:
    ///   - results: those of one init that are bad.
    ///   - places: of each of them, in the report.
    init(_ subject: String, _ results: [RunResult], at places: [Int], habits: Habits) {
        self.subject = subject
        let placesOfFailed = zip(results, places).filter { result, _ in
            if case .failed = result.verdict { result.parts.isEmpty } else { false }
        }.map(\.1)
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
        placesOfCauses = found.map { cause in cause.runs.map { placesOfFailed[$0] } }
        let explained = Set(placesOfCauses.joined())
        let rest = zip(results, places).filter { !explained.contains($0.1) }
        (alone, placesOfAlone) = (rest.map(\.0), rest.map(\.1))
    }
}

extension RunReport {
    /// For each init that has failed something, in their order.
    public var findings: [Findings] {
        var subjects: [String] = []
        var bad: [String: [Int]] = [:]
        for (place, result) in results.enumerated() where result.isBad {
            if bad[result.subject] == nil { subjects.append(result.subject) }
            bad[result.subject, default: []].append(place)
        }
        var habits: [String: Habits] = [:]
        for result in results where !result.isBad && bad[result.subject] != nil {
            habits[result.subject, default: Habits()].formUnion(result.habits)
        }
        return subjects.map { subject in
            let places = bad[subject] ?? []
            return Findings(subject, places.map { results[$0] }, at: places, habits: habits[subject] ?? Habits())
        }
    }
}
