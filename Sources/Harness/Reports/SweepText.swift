import Expectations
import Language
import Model
import Vocabulary

/// What came of a sweep, in words.
extension SweepOutcome {
    /// A line for each stretch of moments of which the same came, and one for those that were never hit.
    var table: [String] {
        var result: [String] = []
        var index = 0
        let hasSteps = kills.contains { !$0.steps.isEmpty }
        // Times and numbers of processes are others in each run.
        func kind(_ kill: Kill) -> String { kill.result(hasSteps).filter { !$0.isNumber || hasSteps } }
        while index < kills.count {
            var end = index
            while end + 1 < kills.count, kind(kills[end + 1]) == kind(kills[index]) { end += 1 }
            let (first, last) = (kills[index].moment, kills[end].moment)
            let stretch = index == end ? "\(first)" : "\(first) to \(last) (\(end - index + 1))"
            result.append("killed after \(stretch): \(kills[index].result(hasSteps))".bounded.printable)
            index = end + 1
        }
        if !missed.isEmpty {
            let events = missed.map(String.init).joined(separator: ", ")
            result.append("not killed right after event \(events): in \(attempts) attempts the next came first")
        }
        return result
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

extension SweepOutcome.Kill {
    /// What came of it.
    ///
    /// - Parameter hasSteps: some of the kills were of a fake entrypoint, whose steps can be counted.
    fileprivate func result(_ hasSteps: Bool) -> String {
        guard hasSteps else {
            let words = lastWords.map { ", its last words: \(Spelling.quoted($0.bounded))" } ?? ""
            return (hasFailed ? "FAILED" + words : "passed") + (cameTooLate ? " (it had ended before)" : "")
        }
        let counts = steps.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        return "steps ran \(counts.isEmpty ? "not at all" : counts): \(hasFailed ? "FAILED" : "passed")"
            + (cameTooLate ? " (it had ended before)" : "")
    }
}
