import Journal
import Model
import Vocabulary

/// Questions that compare two containers.
extension JournalView {
    /// Whether a party of this container stopped before one of another.
    ///
    /// - Parameter names: what the question calls them.
    public func stopped(
        _ first: Party, before second: Party, of other: JournalView, named names: (first: String, second: String)
    ) -> Judgement {
        if let lost = lostEvents ?? other.lostEvents { return Judgement(unknown: "the witness lost \(lost) events") }
        guard let one = index(of: first) else {
            return Judgement(void: "\(names.first) was never started", evidenceOfProcesses())
        }
        guard let two = other.index(of: second) else {
            return Judgement(void: "\(names.second) was never started")
        }
        let ends = exitEvents([one])
        guard let firstEnd = tree.processes[one].exitedAt else {
            return Judgement(false, "\(names.first) has not stopped", ends)
        }
        guard let secondEnd = other.tree.processes[two].exitedAt else {
            return Judgement(true, "\(names.first) stopped, \(names.second) still runs", ends)
        }
        let gap = secondEnd.duration(since: firstEnd)
        if gap == .zero, !journal.witness.seesSignals {
            return Judgement(unknown: "the witness, \(journal.witness), found both ends at once")
        }
        return Judgement(
            gap > .zero,
            gap > .zero
                ? "\(names.first) stopped \(gap.rounded) before \(names.second)"
                : "\(names.second) stopped \((Duration.zero - gap).rounded) before \(names.first)", ends)
    }
}
