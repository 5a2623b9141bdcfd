import Journal
import Kernel
import Model
import Vocabulary

/// What a machine that is busy with other things does to times: they count on, but nobody may be blamed for what was kept waiting meanwhile.
extension ScenarioRun {
    /// Less than this happens on a calm machine.
    static let negligibleLateness = Duration.milliseconds(25)

    /// How long the machine has kept this run waiting, since it began.
    var lateness: Lateness {
        var container = stallOfFormer
        if let life {
            // Without the kernel's sum: what those know of themselves that are still there.
            container +=
                life.stalledTime
                ?? view.tree.present.filter { view.tree.processes[$0].exitedAt == nil }.compactMap {
                    ProcFS.stalledTime(of: view.tree.processes[$0].pid)
                }.reduce(.zero, +)
        }
        return Lateness(container: container, harness: session.pulse.lateness(since: began) + slowActions)
    }

    /// Notes how late it all is, where that is worth it.
    ///
    /// - Parameter growth: only where it has grown by this since the last time.
    func noteLateness(grownBy growth: Duration = .zero) {
        let lateness = lateness
        guard lateness.total >= max(ScenarioRun.negligibleLateness, notedLateness + growth) else { return }
        notedLateness = lateness.total
        record(.late(lateness))
    }

    /// How often it is noted in a step that goes on, where a scenario has times of its own, and by how much it has grown then.
    static let latenessNotes = (interval: Duration.milliseconds(200), growth: Duration.milliseconds(5))

    /// What the harness does itself takes this long at most on a calm machine: what it takes beyond that counts as its being late.
    private static let usualAction = Duration.milliseconds(50)

    /// Does something, and notes that it took long.
    func timed<Result>(_ action: () throws -> Result) rethrows -> Result {
        let begin = MonotonicInstant.now
        defer { slowActions += max(.zero, MonotonicInstant.now.duration(since: begin) - ScenarioRun.usualAction) }
        return try action()
    }

    /// The runtime is to do something to PID 1 now: as much later as the machine has kept it waiting, so that it has the time that it was given.
    ///
    /// - Returns: false where that has been had, or PID 1 does not run.
    func postpones(_ moment: MonotonicInstant) -> Bool {
        guard life?.isRunning == true else { return false }
        let began = wakeSetAt
        let late = lateness.total - latenessAtWake
        let given = began.map { moment.duration(since: $0) } ?? .zero
        let due = moment.advanced(by: min(late, LatePatience.limit(of: given)))
        guard late >= ScenarioRun.negligibleLateness, due > .now else { return false }
        noteOverdue(moment, at: due)
        postponedTo = due
        return true
    }

    /// Notes once that what was due at a moment is done, or has become needless, only now.
    func noteOverdue(_ moment: MonotonicInstant, at now: MonotonicInstant) {
        guard !isOverdue, now.duration(since: moment) >= ScenarioRun.negligibleLateness else { return }
        isOverdue = true
        journal.append(Event(at: moment, .mark(.overdue)))
    }
}

/// Asks until the answer is yes, and where it is not in time as much longer as the machine has kept the run waiting.
struct LatePatience {
    let lateness: () -> Duration

    /// How much longer at most: a container that keeps itself waiting, with more to do than there are processors, never has its time.
    static func limit(of time: Duration) -> Duration { time * 2 + .seconds(2) }

    /// - Parameters:
    ///   - wait: until the answer is yes, or the moment has come.
    /// - Returns: the answer; and whether it came, or would have come, when the time was over.
    func ask(
        until deadline: MonotonicInstant, _ wait: (MonotonicInstant) throws -> Bool
    ) rethrows -> (isYes: Bool, isLate: Bool) {
        let begin = MonotonicInstant.now
        if try wait(deadline) { return (true, false) }
        let limit = LatePatience.limit(of: max(.zero, deadline.duration(since: begin)))
        var end = deadline
        while true {
            let late = lateness()
            let next = deadline.advanced(by: min(late, limit))
            guard late >= ScenarioRun.negligibleLateness, next > end, next > .now else { return (false, false) }
            end = next
            if try wait(next) { return (true, true) }
        }
    }
}
