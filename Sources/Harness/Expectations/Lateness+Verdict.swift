import Journal
import Model
import Vocabulary

/// What a machine that was late leaves of a verdict.
///
/// A question whose time was over is asked once more when everything has had as much longer as it was kept waiting; where the two answers differ,
/// neither is the init's. What was done at moments that the scenario's times define may have come too early or too late.
extension JournalView {
    /// How long the machine has kept the run waiting in all.
    static func lateness(in journal: Journal) -> Lateness? {
        for event in journal.events.reversed() {
            if case .late(let lateness) = event.kind { return lateness }
        }
        return nil
    }

    /// Whether PID 1 ended by itself after the runtime's next act was due, and before it could take effect: on a calm machine that might have come first.
    static func hasEndedOverdue(in journal: Journal) -> Bool {
        var root: ProcessID?
        var hasEnded = false
        var isOverdue = false
        var isKilled = false
        for event in journal.events {
            switch event.kind {
            case .runtime(.started(let pid, _)): (root, hasEnded, isOverdue, isKilled) = (pid, false, false, false)
            case .mark(.overdue): isOverdue = !hasEnded
            // Another signal than SIGKILL gives it time of its own.
            case .runtime(.sent(let signal, let pid)) where pid == root:
                if signal == .kill { isKilled = true } else { isOverdue = false }
            case .kernel(.exited(let pid)) where pid == root: hasEnded = true
            case .runtime(.exited(let status, _)):
                // A signal that comes too late is dropped: the status says what has ended it.
                var isBySignal = false
                if case .signaled(.kill, _) = status { isBySignal = isKilled }
                if isOverdue && !isBySignal { return true }
                isOverdue = false
            default: continue
            }
        }
        return false
    }
}

extension JournalView {
    /// Whether the last stop took as long as it was to only because the machine was late meanwhile. One that the runtime has ended by SIGKILL took all
    /// its time.
    ///
    /// - Parameter whole: this journal to its end: how late it was is noted there.
    func mightHaveStopped(before limit: Duration, in whole: Journal) -> Bool {
        guard let (began, took, wasKilled) = lastStop, !wasKilled else { return false }
        let late = JournalView.lateness(in: whole, since: began)
        return took >= limit && took - late < limit && late >= limit * toleratedLateness
    }

    /// Whether the last stop took longer than it was to only because of that.
    func mightHaveStopped(_ expectation: Expectation, in whole: Journal) -> Bool {
        guard case .stopTook(.lessThan(let limit)) = expectation.condition, !expectation.isNegated,
            let (began, took, _) = lastStop
        else { return false }
        return took >= limit && took - JournalView.lateness(in: whole, since: began) < limit
    }

    /// When the last stop that is over began, how long it took, and whether the runtime has ended it.
    private var lastStop: (began: MonotonicInstant, took: Duration, wasKilled: Bool)? {
        var began: MonotonicInstant?
        var wasKilled = false
        var result: (MonotonicInstant, Duration, Bool)?
        for event in runtimeEvents {
            switch event.kind {
            case .runtime(.stopRequested): (began, wasKilled) = (event.instant, false)
            case .runtime(.sent(.kill, _)): wasKilled = true
            case .runtime(.exited):
                if let begin = began.take() { result = (begin, event.instant.duration(since: begin), wasKilled) }
            default: continue
            }
        }
        return result
    }

    /// How long the machine has kept the run waiting since a stop began.
    private static func lateness(in journal: Journal, since begin: MonotonicInstant) -> Duration {
        var before = Duration.zero
        var last = Duration.zero
        for event in journal.events {
            guard case .late(let lateness) = event.kind else { continue }
            // What is noted at a stop is noted right after it has begun.
            if event.instant <= begin.advanced(by: .milliseconds(50)) { before = lateness.total }
            last = lateness.total
        }
        return last - before
    }
}

extension Lateness {
    /// "the machine kept its processes waiting for 1.2 s, and the harness for 40 ms"
    package var words: String {
        if container == .zero { return "the machine kept the harness waiting for \(harness.rounded)" }
        let more = harness > .zero ? ", and the harness for \(harness.rounded)" : ""
        return "the machine kept its processes waiting for \(container.rounded)\(more)"
    }
}

/// No time is held to be shorter: some tens of milliseconds are nothing on any machine.
private let shortTime = Duration.milliseconds(100)

extension Scenario {
    /// Whether something happens in it at a time of its own, and not in answer to something else.
    public var hasOwnTimes: Bool { !timesOfPrograms.isEmpty || steps.contains { $0.ownTime != nil } }

    /// Whether in one of its steps the machine was so late that what happens at a time of its own may have come too late, or found what it was to find
    /// not there yet: by half of the shortest of these times, within as long as they take one after the other. What is waited for, and what is given a
    /// grace period, has as much longer, and is not meant.
    func mayHaveComeTooLate(_ journal: Journal) -> Bool {
        let ofPrograms = timesOfPrograms
        var times = ofPrograms
        /// How late it was in all, each time that it was noted; the first is the last before this step, or before the time that is looked at.
        var noted = [(at: MonotonicInstant(nanoseconds: 0), total: Duration.zero)]
        for event in journal.events {
            switch event.kind {
            case .mark(.stepBegan(let step)):
                noted = noted.suffix(1)
                times = ofPrograms + [steps.indices.contains(step) ? steps[step].ownTime : nil].compactMap(\.self)
            case .late(let lateness):
                if let shortest = times.min() {
                    let limit = max(shortest, shortTime) * toleratedLateness
                    let begin = event.instant.advanced(by: .zero - max(times.reduce(.zero, +), shortTime))
                    // What came to be between two notes may all have been at the end.
                    while noted.count > 1, noted[1].at <= begin { noted.removeFirst() }
                    if lateness.total - noted[0].total >= limit { return true }
                }
                noted.append((event.instant, lateness.total))
            default: continue
            }
        }
        return false
    }

    /// The times after which its programs do something by themselves; empty: none does.
    private var timesOfPrograms: [Duration] {
        var times = services.flatMap(\.traits).compactMap { trait -> Duration? in
            switch trait {
            case .exitsAfter(_, let time), .diesOf(_, let time), .stopTakes(let time): time
            default: nil
            }
        }
        if case .entrypoint(let entrypoint)? = settings.payload {
            times += Array(repeating: entrypoint.stepTakes, count: entrypoint.steps.count)
        }
        if let check = healthCheck { times += [check.interval, check.limit].compactMap(\.self) }
        for case .restartDelays(let delays)? in steps.map(\.condition) {
            // With their tolerance.
            times += delays + [.milliseconds(50)]
        }
        return times.filter { $0 > .zero } + members.flatMap(\.scenario.timesOfPrograms)
    }
}

extension Step {
    /// How long it takes by the scenario's own words.
    fileprivate var ownTime: Duration? {
        switch action {
        case .wait(let time): time
        case .exec(_, let limit): limit
        case .expect(let expectation): expectation.duration ?? (expectation.isNegated ? expectation.within : nil)
        default: nil
        }
    }
}
