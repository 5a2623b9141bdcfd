import Expectations
import Journal
import Model
import Vocabulary

/// Where the rules of runtimes make a difference: the scenarios whose verdicts are not the same, each with what the runtimes did.
public struct ComparisonReport: Sendable {
    private let isColoured: Bool
    /// How many lines of what each runtime did are shown, from where they part.
    private static let linesShown = 3

    public init(isColoured: Bool) { self.isColoured = isColoured }

    public func text(_ report: RunReport) -> String {
        var groups: [String: [RunResult]] = [:]
        var order: [String] = []
        for result in report.results {
            let key = "\(result.initName) \(result.scenario.place.file):\(result.scenario.place.line)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(result)
        }
        var result = ""
        var same = 0
        var different = 0
        for key in order {
            let group = (groups[key] ?? []).filter { if case .notApplicable = $0.verdict { false } else { true } }
            guard group.count > 1 else { continue }
            if Set(group.map { ComparisonReport.word($0.verdict) }).count == 1 {
                same += 1
            } else {
                different += 1
                result += block(group)
            }
        }
        let total = same + different
        return result
            + "\(different) of \(total) scenarios end differently; the others are the same under each runtime\n"
    }

    private func block(_ group: [RunResult]) -> String {
        let scenario = group[0].scenario
        let head = "\(group[0].initName): \(scenario.title.printable)"
        var result =
            "\(isColoured ? "\u{1B}[1m\(head)\u{1B}[0m" : head)  (\(scenario.place.file):\(scenario.place.line))\n"
        let done = group.map { ComparisonReport.whatWasDone($0.journal) }
        let common = ComparisonReport.commonCount(done.map { $0.map(\.key) })
        for (entry, lines) in zip(group, done) {
            let width = group.map(\.runtime.rawValue.count).max() ?? 0
            let name = entry.runtime.rawValue + String(repeating: " ", count: width - entry.runtime.rawValue.count)
            result += "  \(name)  \(ComparisonReport.word(entry.verdict))"
            if case .failed(let failures) = entry.verdict, let first = failures.first {
                result += ": \(first.expected); \(first.observed)"
            }
            if case .error(let reason) = entry.verdict { result += ": \(reason.printable)" }
            result += "\n"
            let shown = lines.dropFirst(common).prefix(ComparisonReport.linesShown)
            for line in shown { result += "      \(line.text)\n" }
            if shown.isEmpty { result += "      (nothing more)\n" }
        }
        return result + "\n"
    }

    private static func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .passed: "passed"
        case .failed: "failed"
        case .notApplicable: "not applicable"
        case .error: "error"
        }
    }

    /// What the runtime did, and what became of PID 1: a line each, and the same without times and numbers of processes.
    private static func whatWasDone(_ journal: Journal) -> [(key: String, text: String)] {
        let view = JournalView(journal)
        // At the end of a run the harness takes the container away, and no runtime does.
        let end = journal.events.lastIndex { $0.kind == .runtime(.removed) } ?? journal.events.count
        return journal.events.prefix(end).compactMap { event in
            guard case .runtime(let fact) = event.kind else { return nil }
            let key =
                switch fact {
                case .started: "started"
                case .execStarted: "exec"
                case .execEnded(_, let status, _): "exec \(status)"
                case .sent(let signal, _): "sent \(signal)"
                case .sendFailed(let signal, _, _): "not sent \(signal)"
                default: "\(fact)"
                }
            return (key, view.line(event))
        }
    }

    /// In how many lines all begin alike.
    private static func commonCount(_ lists: [[String]]) -> Int {
        var count = 0
        while let line = lists.first?.dropFirst(count).first, lists.allSatisfy({ $0.dropFirst(count).first == line }) {
            count += 1
        }
        return count
    }
}
