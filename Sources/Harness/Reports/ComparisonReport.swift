import Expectations
import Journal
import Model
import Vocabulary

/// Where the rules of runtimes make a difference: the scenarios whose verdicts are not the same, by the rule that makes them so, with what the runtimes did.
public struct ComparisonReport: Sendable {
    private let isColoured: Bool
    /// How many rows of one init are named for one reason.
    private static let rowsShown = 12

    public init(isColoured: Bool) { self.isColoured = isColoured }

    public func text(_ report: RunReport) -> String {
        var groups: [String: [RunResult]] = [:]
        var order: [String] = []
        for result in report.results {
            let key = "\(result.initName) \(result.scenario.place.file):\(result.scenario.place.line)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(result)
        }
        var same = 0
        var differences: [Difference] = []
        for key in order {
            let group = (groups[key] ?? []).filter { if case .notApplicable = $0.verdict { false } else { true } }
            guard group.count > 1 else { continue }
            if Set(group.map { ComparisonReport.word($0.verdict) }).count == 1 {
                same += 1
            } else {
                differences.append(Difference(group))
            }
        }
        // By what makes the difference, the most frequent first.
        var kinds: [Difference.Kind: [Difference]] = [:]
        for difference in differences { kinds[difference.kind, default: []].append(difference) }
        let sorted = kinds.values.sorted { ($1.count, $0[0].head) < ($0.count, $1[0].head) }
        return sorted.map(block).joined()
            + "\(differences.count) of \(same + differences.count) scenarios end differently, for \(sorted.count) "
            + "\(sorted.count == 1 ? "reason" : "reasons"); the others are the same under each runtime\n"
    }

    /// A scenario whose verdicts are not the same.
    private struct Difference {
        let group: [RunResult]
        /// Of each runtime, what it did from where they part.
        let parted: [[Act]]
        let kind: Kind

        /// What is the same of all that differ for the same reason.
        struct Kind: Hashable {
            let verdicts: [String]
            /// Of each runtime, the first thing that it did and the others did not.
            let acts: [String]
        }

        init(_ group: [RunResult]) {
            self.group = group
            let done = group.map { ComparisonReport.whatWasDone($0.journal) }
            let common = ComparisonReport.commonCount(done.map { $0.map(\.key) })
            parted = done.map { Array($0.dropFirst(common)) }
            kind = Kind(
                verdicts: group.map { "\($0.runtime.rawValue) \(ComparisonReport.word($0.verdict))" },
                acts: parted.map { $0.first?.kind ?? "" })
        }

        var head: String { "\(group[0].scenario.place.file):\(group[0].scenario.place.line)" }

        /// Which rule it is that the runtimes do not share.
        var rule: String {
            let acts = kind.acts
            if acts.contains("refused") { return "what is refused" }
            if acts.contains("daemon") { return "what becomes of a container when its engine ends" }
            // Where all do the same kind of thing it is another time or another signal; else some do it, and some do not.
            let areAlike = Set(acts).count == 1
            if acts.contains("restart") {
                return areAlike ? "when it is started again" : "whether it is started again"
            }
            if acts.contains("stop") {
                return areAlike ? "the stop signal, and the grace period" : "whether it is stopped"
            }
            if acts.contains("sent") { return "what is sent" }
            if acts.contains("could not start") { return "what becomes of a program that cannot be started" }
            if acts.contains("removed") || acts.contains("recreated") { return "what is left of a container" }
            if acts.contains("exited") { return "what becomes of an end: its status, and the layer" }
            return acts.allSatisfy(\.isEmpty) ? "what a container is given" : "what comes next"
        }
    }

    /// A rule, the runtimes' verdicts with what one scenario shows of it, and all the scenarios in which it shows.
    private func block(_ differences: [Difference]) -> String {
        let first = differences[0]
        let head = first.rule
        var result = (isColoured ? "\u{1B}[1m\(head)\u{1B}[0m" : head) + "\n"
        let width = first.group.map(\.runtime.rawValue.count).max() ?? 0
        for (entry, lines) in zip(first.group, first.parted) {
            let name = entry.runtime.rawValue + String(repeating: " ", count: width - entry.runtime.rawValue.count)
            let act = lines.first.map { ": \($0.text.trimmedAtStart)" } ?? ""
            result += "  \(name)  \(ComparisonReport.word(entry.verdict))\(act)\n"
        }
        let example = first.group.first { $0.isBad } ?? first.group[0]
        if case .failed(let failures) = example.verdict, let failure = failures.first {
            result +=
                "  so under \(example.runtime.rawValue), in \(first.head): \(failure.expected); \(failure.observed)\n"
        }
        var rows: [String: [String]] = [:]
        for difference in differences {
            rows[difference.group[0].initName, default: []].append(difference.group[0].scenario.row.printable)
        }
        for (name, titles) in rows.sorted(by: { $0.key < $1.key }) {
            var seen: Set<String> = []
            let own = titles.filter { seen.insert($0).inserted }
            let shown = own.prefix(ComparisonReport.rowsShown).joined(separator: ", ")
            result += "  \(name), \(titles.count): \(shown)\(own.count > ComparisonReport.rowsShown ? ", …" : "")\n"
        }
        return result + "\n"
    }

    private static func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .passed: "passed"
        case .failed: "failed"
        case .flaky: "flaky"
        case .notApplicable: "not applicable"
        case .error: "error"
        }
    }

    /// What the runtime did, and what became of PID 1: a line each, and the same without times and numbers of processes.
    private static func whatWasDone(_ journal: Journal) -> [Act] {
        let view = JournalView(journal)
        // At the end of a run the harness takes the container away, and no runtime does.
        let end = journal.events.lastIndex { $0.kind == .runtime(.removed) } ?? journal.events.count
        return journal.events.prefix(end).compactMap { event in
            guard case .runtime(let fact) = event.kind else { return nil }
            let key: String
            switch fact {
            // Names of what another event says.
            case .stopping, .joined: return nil
            case .started: key = "started"
            case .execStarted: key = "exec"
            case .execEnded(_, let status, _): key = "exec \(status)"
            case .hookStarted: key = "hook"
            case .hookEnded(_, let status): key = "hook \(status)"
            case .sent(let signal, _): key = "sent \(signal)"
            case .sendFailed(let signal, _, _): key = "not sent \(signal)"
            default: key = "\(fact)"
            }
            return (key, fact.act, view.line(event))
        }
    }

    /// What a runtime did: the same without times and numbers, what kind of thing it is, and as a line.
    private typealias Act = (key: String, kind: String, text: String)

    /// In how many lines all begin alike.
    private static func commonCount(_ lists: [[String]]) -> Int {
        var count = 0
        while let line = lists.first?.dropFirst(count).first, lists.allSatisfy({ $0.dropFirst(count).first == line }) {
            count += 1
        }
        return count
    }
}

extension RuntimeEvent {
    /// What kind of thing it is.
    fileprivate var act: String {
        switch self {
        case .startRequested, .started, .joined: "start"
        case .restartScheduled, .restartCancelled: "restart"
        case .stopRequested, .graceExpired, .stopFinished, .stopFailed, .stopping, .clientGone: "stop"
        case .sent, .sendFailed: "sent"
        case .refused: "refused"
        case .startFailed: "could not start"
        case .removed: "removed"
        case .recreated, .volumeRemoved: "recreated"
        case .exited: "exited"
        case .paused, .resumed: "pause"
        case .execStarted, .execFailed, .execTimedOut, .execEnded: "exec"
        case .hookStarted, .hookFailed, .hookEnded: "hook"
        case .checkStarted, .checkEnded, .becameHealthy: "health"
        case .daemonEnded, .daemonStarted: "daemon"
        }
    }
}

extension String {
    fileprivate var trimmedAtStart: String { String(drop { $0 == " " }) }
}
