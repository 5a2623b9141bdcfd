import Journal

/// One part of the scenarios, of several that different machines run.
public struct Part: Hashable, Sendable {
    /// From 1.
    public let number: Int
    /// How many there are.
    public let count: Int

    /// Nil: it is no part of a whole.
    public init?(_ number: Int, of count: Int) {
        guard (1...Part.limit).contains(count), (1...count).contains(number) else { return nil }
        (self.number, self.count) = (number, count)
    }

    /// How many there may be.
    public static let limit = 10_000
}

/// Why reports are not the parts of one run.
public struct NoParts: Error, CustomStringConvertible {
    public let description: String
}

extension RunReport {
    /// The parts of one run, as one: what was interrupted in any of them, and a part that is not there, is missing in the whole.
    ///
    /// - Throws: `NoParts` where one of them is there twice, or they are of different wholes.
    public static func merged(_ parts: [RunReport]) throws(NoParts) -> RunReport {
        guard var whole = parts.first else {
            return RunReport(results: [], skipped: [], witness: .tracefs, jobs: 0, duration: .zero)
        }
        var ids: Set<String> = []
        var present: Set<Int> = []
        for part in parts {
            if let id = part.id, !ids.insert(id).inserted {
                throw NoParts(description: "one recorded run is there twice")
            }
            guard part.part?.count == whole.part?.count else {
                throw NoParts(description: "they do not belong together: \(name(whole)) and \(name(part))")
            }
            // What was merged before, and is not whole, has more than one of them.
            let missing = Set(part.missingParts)
            let own = part.part.map { one in
                part.missingParts.isEmpty ? [one.number] : (1...one.count).filter { !missing.contains($0) }
            }
            for number in own ?? [] where !present.insert(number).inserted {
                throw NoParts(description: "part \(number) is there twice")
            }
        }
        for part in parts.dropFirst() {
            whole.results += part.results
            for skipped in part.skipped where !whole.skipped.contains(where: { $0.name == skipped.name }) {
                whole.skipped.append(skipped)
            }
            whole.unfinished += part.unfinished
            whole.unexpectedPasses += part.unexpectedPasses
            whole.duration = max(whole.duration, part.duration)
            whole.jobs += part.jobs
        }
        whole.results = whole.results.inOrder
        if let count = whole.part?.count {
            whole.missingParts = (1...count).filter { !present.contains($0) }
            if whole.missingParts.isEmpty { whole.part = nil }
        }
        if parts.contains(where: { $0.plannedCount != nil }) {
            whole.plannedCount = parts.map { $0.plannedCount ?? $0.results.count }.reduce(0, +)
        }
        return whole
    }

    private static func name(_ report: RunReport) -> String {
        report.part.map { "one of \($0.count) parts" } ?? "a whole run"
    }
}
