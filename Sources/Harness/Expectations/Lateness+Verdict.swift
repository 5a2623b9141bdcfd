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

    /// Whether PID 1 ended after the runtime was to do something to it, and before it did: on a calm machine that might have come first.
    static func hasEndedOverdue(in journal: Journal) -> Bool {
        var root: ProcessID?
        var due: MonotonicInstant?
        for event in journal.events {
            switch event.kind {
            case .runtime(.started(let pid, _)): (root, due) = (pid, nil)
            case .mark(.overdue): due = event.instant
            case .runtime(.sent): due = nil
            case .kernel(.exited(let pid)) where pid == root:
                if due != nil { return true }
                root = nil
            case .runtime(.exited):
                if due != nil, root != nil { return true }
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
    var words: String {
        let parts = [
            container > .zero ? "its processes waiting for \(container.rounded)" : nil,
            harness > .zero ? "the harness waiting for \(harness.rounded)" : nil,
        ].compactMap(\.self)
        return "the machine kept \(parts.isEmpty ? "nobody waiting" : parts.joined(separator: ", and "))"
    }
}

extension Scenario {
    /// The shortest time after which something happens in it that is not an answer to something else, and is not given more time where the machine is
    /// late; nil: there is none.
    var shortestTime: Duration? {
        var times = services.flatMap(\.traits).compactMap { trait -> Duration? in
            switch trait {
            case .readyAfter(let time), .exitsAfter(_, let time), .diesOf(_, let time): time
            default: nil
            }
        }
        if case .entrypoint(let entrypoint)? = settings.payload { times.append(entrypoint.stepTakes) }
        if let check = healthCheck { times += [check.interval, check.limit].compactMap(\.self) }
        func add(_ steps: [Step]) {
            for step in steps {
                switch step.action {
                case .wait(let time): times.append(time)
                case .exec(_, let limit): if let limit { times.append(limit) }
                case .expect(let expectation):
                    // Its tolerance.
                    if case .restartDelays = expectation.condition { times.append(.milliseconds(50)) }
                default: break
                }
                add(step.action.block ?? [])
            }
        }
        add(steps)
        for member in members { if let time = member.scenario.shortestTime { times.append(time) } }
        return times.filter { $0 > .zero }.min()
    }
}
