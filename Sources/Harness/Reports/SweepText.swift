import Expectations
import Language
import Model
import Vocabulary

/// What came of a sweep, in words.
extension SweepOutcome {
    /// A line for each distinct outcome, with the moments of which it came; then what was not tried.
    var table: [String] {
        let hasSteps = runs.contains { !$0.steps.isEmpty }
        var kinds: [(key: String, sample: Int, indices: [Int])] = []
        for index in runs.indices {
            let key = runs[index].kind(hasSteps)
            if let known = kinds.firstIndex(where: { $0.key == key }) {
                kinds[known].indices.append(index)
            } else {
                kinds.append((key, index, [index]))
            }
        }
        var result = kinds.map { kind in
            "\(plan.disturbance.participle) after \(stretches(kind.indices)): \(runs[kind.sample].result(hasSteps, plan))"
                .bounded.printable
        }
        if let sample {
            result.append("not all moments: \(sample.taken) of \(sample.total), at equal distances")
        }
        if !missed.isEmpty {
            let events = missed.map(String.init).joined(separator: ", ")
            result.append(
                "not \(plan.disturbance.participle) right after event \(events): in \(attempts) attempts a later one came first"
                    .bounded.printable)
        }
        return result
    }

    /// More stretches of moments than this are counted.
    private static let stretchesShown = 4

    /// "0s to 40ms, 90ms (6)"
    private func stretches(_ indices: [Int]) -> String {
        var all: [ClosedRange<Int>] = []
        for index in indices {
            if let last = all.last, last.upperBound + 1 == index {
                all[all.count - 1] = last.lowerBound...index
            } else {
                all.append(index...index)
            }
        }
        var words = all.prefix(SweepOutcome.stretchesShown).map { stretch in
            runs[stretch.lowerBound].moment == runs[stretch.upperBound].moment
                ? "\(runs[stretch.lowerBound].moment)"
                : "\(runs[stretch.lowerBound].moment) to \(runs[stretch.upperBound].moment)"
        }
        if all.count > words.count { words.append("and \(all.count - words.count) more") }
        return words.joined(separator: ", ") + (indices.count > 1 ? " (\(indices.count))" : "")
    }

    /// The smallest run that failed as a scenario, after a blank line; nothing where none failed.
    var linesOfReproduction: [String] {
        guard let reproduction else { return [] }
        let (failures, trials) = (reproduction.failures, reproduction.trials)
        let remark = failures == trials ? "" : ", which failed \(failures) of \(trials) times"
        return ["", "the smallest of them as a scenario\(remark):", ""]
            + reproduction.scenario.text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).printable }
    }
}

extension SweepOutcome.Run {
    /// Equal for runs of which the same came: times and numbers of processes are others in each.
    fileprivate func kind(_ hasSteps: Bool) -> String {
        [counts(hasSteps), "\(hasFailed)", "\(cameTooLate)", evidence.filter { !$0.isNumber }].joined(separator: "|")
    }

    /// What came of it.
    ///
    /// - Parameter hasSteps: some of the runs were of a fake entrypoint, whose steps can be counted.
    fileprivate func result(_ hasSteps: Bool, _ plan: SweepPlan) -> String {
        let steps = hasSteps ? counts(hasSteps) + ": " : ""
        let late = cameTooLate ? " (\(plan.disturbance.reasonForNothing))" : ""
        return steps + (hasFailed ? "FAILED\(late)\(evidence)" : "passed\(late)")
    }

    private func counts(_ hasSteps: Bool) -> String {
        guard hasSteps else { return "" }
        let counts = steps.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        return "steps ran \(counts.isEmpty ? "not at all" : counts)"
    }

    /// What failed, and the last words.
    private var evidence: String {
        (failure.map { ": \($0.expected): \($0.observed)" } ?? "")
            + (lastWords.map { "; its last words: \(Spelling.quoted($0.bounded))" } ?? "")
    }
}

extension Disturbance {
    /// Why nothing was done.
    fileprivate var reasonForNothing: String {
        switch self {
        case .crash(let name), .signal(_, to: .service(let name)): "\(name) was not running"
        case .kill, .stop, .restart, .signal: "it had ended before"
        }
    }
}
