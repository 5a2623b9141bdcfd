import Journal
import Model
import Vocabulary

/// Questions about the container as a whole: its end, its leftovers, its output, its time.
extension JournalView {
    /// How PID 1 ended, and when.
    private var end: (status: ExitStatus, event: Event)? {
        for event in present.reversed() {
            switch event.kind {
            case .runtime(.exited(let status)): return (status, event)
            // What could not be started again counts as having ended with the status that the runtime reports.
            case .runtime(.startFailed(_, let code)): return (.exited(Int32(code)), event)
            default: continue
            }
        }
        return nil
    }

    func exitCode(_ code: Int) -> Judgement {
        guard let end else { return Judgement(false, "PID 1 still runs" + dropNote(), evidenceOfStop()) }
        let observedCode: Int
        var observed: String
        switch end.status {
        case .exited(let code):
            observedCode = Int(code)
            observed = "exit \(code)"
        case .signaled(let signal, _):
            // As every runtime reports it: 128 + the signal's number.
            observedCode = 128 + Int(signal.rawValue)
            observed = "exit \(observedCode) (PID 1 died of \(signal))"
        }
        if observedCode != code { observed += dropNote() }
        return Judgement(observedCode == code, observed, evidenceOfStop())
    }

    func exitSignal(_ signal: Signal) -> Judgement {
        guard let end else { return Judgement(false, "PID 1 still runs" + dropNote(), evidenceOfStop()) }
        if case .signaled(let observed, _) = end.status {
            return Judgement(observed == signal, "PID 1 died of \(observed)", evidenceOfStop())
        }
        return Judgement(false, "PID 1 \(end.status)", evidenceOfStop())
    }

    func state(_ state: Condition.State) -> Judgement {
        if let removal { return Judgement(state == .removed, "state removed", [removal]) }
        // What could not be started the first time stays so, as in `docker ps`.
        if !hasEverRun {
            let failure = present.lazy.compactMap { event -> String? in
                guard case .runtime(.startFailed(let stage, _)) = event.kind else { return nil }
                return "PID 1 could not be started: \(stage)"
            }.first
            let reason = failure ?? "the container has not been started"
            return Judgement(state == .created, "state created: \(reason)", present.suffix(1))
        }
        let observed: Condition.State = end == nil ? .running : awaitsRestart ? .restarting : .exited
        return Judgement(
            observed == state, "state \(observed.rawValue)" + (end.map { ": PID 1 \($0.status)" } ?? ""),
            evidenceOfStop())
    }

    private var hasStarted: Bool {
        present.contains { event in
            switch event.kind {
            case .runtime(.started), .runtime(.startFailed): true
            default: false
            }
        }
    }

    /// Whether there was ever a PID 1 in this container.
    private var hasEverRun: Bool {
        for event in journal.events.reversed() {
            switch event.kind {
            case .runtime(.started): return true
            case .runtime(.recreated): return false
            default: continue
            }
        }
        return false
    }

    private var removal: Event? {
        present.last { if case .runtime(.removed) = $0.kind { true } else { false } }
    }

    /// What is to be said of its files where there is no container whose files they could be.
    var withoutContainer: Judgement? {
        if let removal { return Judgement(void: "the container has been removed, and its files with it", [removal]) }
        return hasStarted ? nil : Judgement(void: "the container has not been started: there are no files yet")
    }

    /// Whether the restart policy is about to start it again.
    private var awaitsRestart: Bool {
        for event in present.reversed() {
            switch event.kind {
            case .runtime(.restartScheduled): return true
            case .runtime(.restartCancelled): return false
            default: continue
            }
        }
        return false
    }

    func execExit(_ code: Int) -> Judgement {
        for event in journal.events.reversed() {
            let observed: Int
            switch event.kind {
            case .runtime(.execEnded(_, .exited(let status))): observed = Int(status)
            case .runtime(.execEnded(_, .signaled(let signal, _))): observed = 128 + Int(signal.rawValue)
            case .runtime(.execFailed(_, let status)): observed = status
            case .runtime(.execStarted), .runtime(.execTimedOut):
                return Judgement(false, "the exec has not ended", [event])
            default: continue
            }
            return Judgement(observed == code, "exec exit \(observed)", [event])
        }
        return Judgement(void: "there was no exec")
    }

    // MARK: - Restarts

    /// What has happened since somebody asked for a start the last time.
    private var sinceStartRequest: ArraySlice<Event> {
        let start = journal.events.lastIndex { event in
            switch event.kind {
            case .runtime(.startRequested), .runtime(.recreated): true
            default: false
            }
        }
        return journal.events[(start ?? journal.events.startIndex)...]
    }

    private var scheduled: [Event] {
        sinceStartRequest.filter { if case .runtime(.restartScheduled) = $0.kind { true } else { false } }
    }

    func restarts(_ count: Int) -> Judgement {
        let restarts = scheduled
        return Judgement(
            restarts.count == count,
            restarts.isEmpty ? "the policy has not started it again" : "restarts \(restarts.count)",
            restarts.suffix(3) + (end.map { [$0.event] } ?? []))
    }

    /// How far a time may be from the policy's: the machine's slowness, and the policy's own coarseness.
    static let delayTolerance = (Duration.milliseconds(25), 0.05)

    /// From the kernel's word of the end no delay may be shorter; from the runtime's, which has waited for everybody in the
    /// container by then and counts from there, none may be much longer.
    func restartDelays(_ delays: [Duration]) -> Judgement {
        var gaps: [(least: Duration, most: Duration, evidence: [Event])] = []
        var end: Event?
        var handled: Event?
        var root: ProcessID?
        for event in sinceStartRequest {
            switch event.kind {
            // The kernel's word, where there is one: it comes before the runtime's.
            case .kernel(.exited(let pid)) where pid == root: end = end ?? event
            case .runtime(.exited):
                end = end ?? event
                handled = event
            case .runtime(.started), .runtime(.startFailed):
                if let end, let handled {
                    gaps.append(
                        (
                            event.instant.duration(since: handled.instant), event.instant.duration(since: end.instant),
                            [end, event]
                        ))
                }
                (end, handled) = (nil, nil)
                if case .runtime(.started(let pid, _)) = event.kind { root = pid }
            default: continue
            }
        }
        let observed =
            gaps.isEmpty
            ? "there was no restart" : "restart delays " + gaps.map(\.most.rounded.description).joined(separator: ", ")
        guard gaps.count >= delays.count else { return Judgement(false, observed, gaps.last?.evidence ?? []) }
        for (delay, gap) in zip(delays, gaps) {
            let slack = JournalView.delayTolerance.0 + delay * JournalView.delayTolerance.1
            if gap.most < delay || gap.least > delay + slack { return Judgement(false, observed, gap.evidence) }
        }
        return Judgement(true, observed, gaps.flatMap(\.evidence))
    }

    // MARK: - Leftovers

    func zombies(_ count: Int) -> Judgement {
        if end != nil && !journal.witness.seesSignals {
            return Judgement(unknown: "the witness, \(journal.witness), did not see who was waited for before the end")
        }
        let zombies = tree.zombies()
        let observed = describe(zombies, as: "zombie", none: "no zombies")
        return Judgement(zombies.count == count, observed, exitEvents(Array(zombies.prefix(3))) + lastCensus())
    }

    func orphansReaped() -> Judgement {
        // A daemon, and whoever watches over a service, are orphans by design: these are not meant.
        let orphans = tree.present.filter {
            tree.processes[$0].orphanedAt != nil && $0 != tree.root && !tree.keepsService($0)
        }
        if !journal.witness.seesSignals {
            return Judgement(unknown: "the witness, \(journal.witness), cannot see who was orphaned")
        }
        let ended = orphans.filter { tree.processes[$0].exitedAt != nil }
        if orphans.isEmpty { return Judgement(false, "there were no orphans") }
        let running = orphans.filter { tree.processes[$0].exitedAt == nil }
        if !running.isEmpty {
            return Judgement(false, "\(running.count) of \(orphans.count) orphans still run", lastCensus())
        }
        let leftovers = Set(tree.zombies())
        let unreaped = ended.filter(leftovers.contains)
        return Judgement(
            unreaped.isEmpty, "\(ended.count - unreaped.count) of \(orphans.count) orphans were reaped",
            exitEvents(Array(unreaped.prefix(3))) + lastCensus())
    }

    func noProcessesLeft() -> Judgement {
        if end != nil { return Judgement(true, "PID 1 has ended, and everything with it") }
        let running = tree.present.filter { $0 != tree.root && tree.processes[$0].exitedAt == nil }
        return Judgement(running.isEmpty, describe(running, as: "process", none: "no processes"), lastCensus())
    }

    private func describe(_ indices: [Int], as noun: String, none: String) -> String {
        if indices.isEmpty { return none }
        let names = indices.prefix(3).map { "\(tree.label($0)) (\(tree.processes[$0].pid))" }.joined(separator: "; ")
        let plural = noun == "process" ? "processes" : noun + "s"
        return "\(indices.count) \(indices.count == 1 ? noun : plural): \(names)\(indices.count > 3 ? "; …" : "")"
    }

    private func lastCensus() -> [Event] {
        let census = journal.events.last {
            switch $0.kind {
            case .kernel(.census), .kernel(.absent): true
            default: false
            }
        }
        return census.map { [$0] } ?? []
    }

    // MARK: - Output and time

    func output(inOrder texts: [String]) -> Judgement {
        let lines = printedLines()
        var rest = lines[...]
        var found: [Event] = []
        for text in texts {
            guard let index = rest.firstIndex(where: { $0.text.contains(text) }) else {
                return outputWithout(text, found: found, lines: lines)
            }
            found.append(rest[index].event)
            rest = rest[(index + 1)...]
        }
        return Judgement(true, "the output contains \(texts.joined(separator: ", then "))", found)
    }

    /// What was printed, line by line; the pieces of a line that was too long for one are put together again.
    private func printedLines() -> [(text: String, event: Event)] {
        var result: [(text: String, event: Event)] = []
        var unfinished: [Event.Stream: String] = [:]
        for event in journal.events {
            guard case .printed(let text, let stream, let isWhole) = event.kind else { continue }
            let line = (unfinished[stream] ?? "") + text
            unfinished[stream] = isWhole ? nil : line
            if isWhole { result.append((line, event)) }
        }
        return result
    }

    private func outputWithout(_ text: String, found: [Event], lines: [(text: String, event: Event)]) -> Judgement {
        let dropped = journal.events.contains {
            if case .dropped(_, let source) = $0.kind { source == "stdout" || source == "stderr" } else { false }
        }
        if dropped { return Judgement(unknown: "'\(text)' was not found, but not all of the output was kept") }
        let place = found.isEmpty ? "" : " after the others"
        return Judgement(
            false, lines.isEmpty ? "nothing was printed" : "'\(text)' was not printed\(place)",
            lines.suffix(5).map(\.event))
    }

    func stopTook(_ bound: Condition.Bound) -> Judgement {
        guard
            let began = journal.events.last(where: {
                if case .runtime(.stopRequested) = $0.kind { true } else { false }
            })
        else {
            return Judgement(void: end == nil ? "there was no stop" : "PID 1 had ended before it was to be stopped")
        }
        guard let end, end.event.instant >= began.instant else {
            return Judgement(false, "the stop is not complete", [began])
        }
        let time = end.event.instant.duration(since: began.instant)
        let holds =
            switch bound {
            case .lessThan(let limit): time < limit
            case .atLeast(let limit): time >= limit
            }
        return Judgement(holds, "the stop took \(time.rounded)" + (holds ? "" : dropNote()), evidenceOfStop())
    }

    private func evidenceOfStop() -> [Event] {
        let toRoot = tree.root.map { signals(to: $0).filter { $0.signal != .chld }.map(\.event) } ?? []
        return lastWords() + graceEvents() + toRoot + (end.map { [$0.event] } ?? [])
    }

    /// What was printed last before an end that nobody has asked for: the reason, as a rule.
    func lastWords() -> [Event] {
        guard let end, end.status != .exited(0) else { return [] }
        let isAskedFor = present.contains { event in
            switch event.kind {
            case .runtime(.stopRequested), .runtime(.sent): event.instant < end.event.instant
            default: false
            }
        }
        if isAskedFor { return [] }
        let printed = present.filter { event in
            if case .printed(let text, _, _) = event.kind { !text.isEmpty } else { false }
        }
        return printed.suffix(4)
    }
}
