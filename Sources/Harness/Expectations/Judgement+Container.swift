import Journal
import Model
import Vocabulary

/// Questions about the container as a whole: its end, its leftovers, its output, its time.
extension JournalView {
    /// How PID 1 ended, and when.
    var end: (status: ExitStatus, code: Int, event: Event)? {
        for event in presentRuntimeEvents.reversed() {
            switch event.kind {
            case .runtime(.exited(let status, let code)): return (status, code, event)
            // What could not be started again counts as having ended with the status that the runtime reports: where the policy has
            // tried to, that of the last life.
            case .runtime(.startFailed(_, let code?)): return (.exited(Int32(code)), code, event)
            case .runtime(.startFailed(_, nil)): return lastEnd.map { ($0.status, $0.code, event) }
            default: continue
            }
        }
        return nil
    }

    /// How the last life of this container ended.
    private var lastEnd: (status: ExitStatus, code: Int)? {
        for event in runtimeEvents.reversed() {
            switch event.kind {
            case .runtime(.exited(let status, let code)): return (status, code)
            case .runtime(.recreated): return nil
            default: continue
            }
        }
        return nil
    }

    func exitCode(_ code: Int) -> Judgement {
        guard let end else { return Judgement(false, "\(tree.mainProcess) still runs" + dropNote(), evidenceOfStop()) }
        var observed = "exit \(end.code)"
        if case .signaled(let signal, _) = end.status { observed += " (\(tree.mainProcess) died of \(signal))" }
        if end.code != code { observed += dropNote() }
        return Judgement(end.code == code, observed, evidenceOfStop())
    }

    func exitSignal(_ signal: Signal) -> Judgement {
        guard let end else { return Judgement(false, "\(tree.mainProcess) still runs" + dropNote(), evidenceOfStop()) }
        if case .signaled(let observed, _) = end.status {
            return Judgement(observed == signal, "\(tree.mainProcess) died of \(observed)", evidenceOfStop())
        }
        return Judgement(false, "\(tree.mainProcess) \(end.status)", evidenceOfStop())
    }

    func state(_ state: Condition.State) -> Judgement {
        if let removal { return Judgement(state == .removed, "state removed", [removal]) }
        // What could not be started the first time stays so, as in `docker ps`.
        if !hasEverRun {
            let failure = presentRuntimeEvents.lazy.compactMap { event -> String? in
                guard case .runtime(.startFailed(let stage, _)) = event.kind else { return nil }
                return "\(tree.mainProcess) could not be started: \(stage)"
            }.first
            let reason = failure ?? "the container has not been started"
            let last = presentRuntimeEvents.last
            return Judgement(state == .created, "state created: \(reason)", last.map { [$0] } ?? [])
        }
        if state == .healthy || state == .unhealthy { return health(is: state) }
        let running: Condition.State = isStopping ? .stopping : .running
        let observed = end == nil ? running : awaitsRestart ? .restarting : .exited
        return Judgement(
            observed == state, "state \(observed.rawValue)" + (end.map { ": \(tree.mainProcess) \($0.status)" } ?? ""),
            evidenceOfStop())
    }

    /// Whether the runtime calls it so in the present life.
    private var isStopping: Bool {
        let last = presentRuntimeEvents.last { event in
            switch event.kind {
            case .runtime(.stopping), .runtime(.started): true
            default: false
            }
        }
        return last?.kind == .runtime(.stopping)
    }

    private func health(is state: Condition.State) -> Judgement {
        guard end == nil else { return Judgement(false, "it does not run", evidenceOfStop()) }
        let checks = presentRuntimeEvents.filter {
            switch $0.kind {
            case .runtime(.checkEnded), .runtime(.becameHealthy): true
            default: false
            }
        }
        let last = checks.last { if case .runtime(.becameHealthy) = $0.kind { true } else { false } }
        guard case .runtime(.becameHealthy(let isHealthy))? = last?.kind else {
            return Judgement(
                false, checks.isEmpty ? "its health has not been checked yet" : "its health is not known yet",
                Array(checks.suffix(3)))
        }
        return Judgement(
            isHealthy == (state == .healthy), "state \(isHealthy ? "healthy" : "unhealthy")", Array(checks.suffix(3)))
    }

    private var hasStarted: Bool {
        presentRuntimeEvents.contains { event in
            switch event.kind {
            case .runtime(.started), .runtime(.startFailed): true
            default: false
            }
        }
    }

    /// Whether there was ever a PID 1 in this container.
    private var hasEverRun: Bool {
        for event in runtimeEvents.reversed() {
            switch event.kind {
            case .runtime(.started): return true
            case .runtime(.recreated): return false
            default: continue
            }
        }
        return false
    }

    private var removal: Event? {
        presentRuntimeEvents.last { if case .runtime(.removed) = $0.kind { true } else { false } }
    }

    /// What is to be said of its files where there is no container whose files they could be.
    var withoutContainer: Judgement? {
        if let removal { return Judgement(void: "the container has been removed, and its files with it", [removal]) }
        return hasStarted ? nil : Judgement(void: "the container has not been started: there are no files yet")
    }

    /// Whether the restart policy is about to start it again.
    private var awaitsRestart: Bool {
        for event in presentRuntimeEvents.reversed() {
            switch event.kind {
            case .runtime(.restartScheduled): return true
            case .runtime(.restartCancelled): return false
            default: continue
            }
        }
        return false
    }

    func execExit(_ code: Int) -> Judgement {
        for event in runtimeEvents.reversed() {
            let observed: Int
            switch event.kind {
            case .runtime(.execEnded(_, _, let code)): observed = code
            case .runtime(.execFailed(_, let status)): observed = status
            case .runtime(.execStarted), .runtime(.execTimedOut):
                return Judgement(
                    false, "the exec has not ended", printedLines(in: .exec).suffix(6).map(\.event) + [event])
            default: continue
            }
            return Judgement(
                observed == code, "exec exit \(observed)",
                (observed == code ? [] : printedLines(in: .exec).suffix(6).map(\.event)) + [event])
        }
        return Judgement(void: "there was no exec")
    }

    // MARK: - Restarts

    /// What has happened since the last start by hand.
    private var sinceStartRequest: ArraySlice<Event> {
        let start = index.runtime.last { place in
            switch journal.events[place].kind {
            case .runtime(.startRequested), .runtime(.recreated): true
            default: false
            }
        }
        return journal.events[(start ?? journal.events.startIndex)...]
    }

    private var scheduled: [Event] {
        events(at: index.runtime, from: sinceStartRequest.startIndex)
            .filter { if case .runtime(.restartScheduled) = $0.kind { true } else { false } }
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

    /// Whether the last thing that was asked of the runtime was refused.
    func refused(_ text: String?) -> Judgement {
        for event in runtimeEvents.reversed() {
            guard case .runtime(let fact) = event.kind else { continue }
            switch fact {
            case .refused(let reason):
                return Judgement(text.map(reason.contains) ?? true, "refused: \(reason)", [event])
            // What comes of a request that is not refused.
            case .startRequested, .stopRequested, .stopFinished, .sent, .paused, .resumed, .recreated, .daemonStarted,
                .execStarted, .execFailed:
                return Judgement(false, "nothing was refused", [event])
            default: continue
            }
        }
        return Judgement(false, "nothing was refused", [])
    }

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

    func zombies(_ count: Int, orMore: Bool) -> Judgement {
        if end != nil && !journal.witness.seesSignals {
            return Judgement(unknown: "the witness, \(journal.witness), did not see who was waited for before the end")
        }
        let found = tree.zombies()
        let zombies = found.certain
        let isSo = { (number: Int) in orMore ? number >= count : number == count }
        let observed = describe(zombies, as: "zombie", none: "no zombies")
        let possible = (zombies.count...(zombies.count + found.doubtful.count)).map(isSo)
        if possible.contains(true), possible.contains(false) {
            return Judgement(
                unknown: "the witness cannot tell whether these were waited for before \(tree.mainProcess) ended: "
                    + describe(found.doubtful, as: "process", none: ""))
        }
        return Judgement(isSo(zombies.count), observed, exitEvents(Array(zombies.prefix(3))) + lastCensus())
    }

    func orphansReaped() -> Judgement {
        // A daemon, and what watches over a service, are orphans by design: these are not meant.
        let keepers = tree.keepersOfServices()
        let orphans = tree.present.filter {
            tree.processes[$0].orphanedAt != nil && $0 != tree.root && !keepers.contains($0)
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
        let zombies = tree.zombies()
        let leftovers = Set(zombies.certain)
        let unreaped = ended.filter(leftovers.contains)
        if unreaped.isEmpty, !Set(zombies.doubtful).isDisjoint(with: ended) {
            return Judgement(
                unknown: "the witness cannot tell whether all orphans were waited for before \(tree.mainProcess) ended")
        }
        return Judgement(
            unreaped.isEmpty, "\(ended.count - unreaped.count) of \(orphans.count) orphans were reaped",
            exitEvents(Array(unreaped.prefix(3))) + lastCensus())
    }

    func noProcessesLeft() -> Judgement {
        if tree.reaper != nil, !journal.witness.seesSignals {
            return Judgement(unknown: "without a trace, orphans in a shared PID namespace are not found")
        }
        if end != nil, tree.reaper == nil { return Judgement(true, "PID 1 has ended, and everything with it") }
        let running = tree.present.filter { $0 != tree.root && tree.processes[$0].exitedAt == nil }
        return Judgement(running.isEmpty, describe(running, as: "process", none: "no processes"), lastCensus())
    }

    private func describe(_ indices: [Int], as noun: String, none: String) -> String {
        if indices.isEmpty { return none }
        let names = indices.prefix(3).map { tree.label($0) }.joined(separator: "; ")
        let plural = noun == "process" ? "processes" : noun + "s"
        return "\(indices.count) \(indices.count == 1 ? noun : plural): \(names)\(indices.count > 3 ? "; …" : "")"
    }

    private func lastCensus() -> [Event] {
        let census = index.census.map { journal.events[$0] }
        return census.map { [$0] } ?? []
    }

    // MARK: - Output and time

    /// Lines with these texts in them, or which are these texts, one after the other.
    func printed(_ texts: [String], asLines: Bool, in output: Condition.Output) -> Judgement {
        let lines = printedLines(in: output)
        var found: [Int] = []
        for text in texts {
            let index = lines.indices.first { index in
                (found.last.map { lines[index].isKnownToFollow(lines[$0], isLater: index > $0) } ?? true)
                    && lines[index].says(text, asLine: asLines)
            }
            guard let index else {
                if let unknown = orderUnknown(of: texts, asLines: asLines, in: lines) { return unknown }
                return withoutText(
                    text, asLine: asLines, found: found.map { lines[$0].event }, lines: lines, in: output)
            }
            found.append(index)
        }
        let what = output == .exec ? "the exec's output" : "the output"
        let said = texts.map(Spelling.quoted).joined(separator: ", then ")
        return Judgement(
            true, "\(what) \(asLines ? "has the line" : "contains") \(said)", found.map { lines[$0].event })
    }

    /// Unknown, where the order would be right if lines of both streams that were read at once were written in it; else nil.
    private func orderUnknown(of texts: [String], asLines: Bool, in lines: [PrintedLine]) -> Judgement? {
        var found: [Int] = []
        for text in texts {
            let index = lines.indices.first { index in
                (found.last.map { lines[index].mayFollow(lines[$0], isLater: index > $0) } ?? true)
                    && !found.contains(index) && lines[index].says(text, asLine: asLines)
            }
            guard let index else { return nil }
            found.append(index)
        }
        let (one, other) =
            zip(found, found.dropFirst()).first { one, other in
                !lines[other].isKnownToFollow(lines[one], isLater: other > one)
            } ?? (0, 0)
        return Judgement(
            unknown: "\(Spelling.quoted(lines[one].text)) on \(lines[one].stream) and "
                + "\(Spelling.quoted(lines[other].text)) on \(lines[other].stream) were printed within one reading; "
                + "the order of two streams is then not known: print both on one (2>&1)")
    }

    /// What was printed, line by line, as it is to be read.
    func printedLines(in output: Condition.Output = .presentLife) -> [PrintedLine] {
        guard let begin = begin(of: output) else { return [] }
        return events(at: index.printed, from: begin).printedLines.filter { $0.stream.isOfExec == (output == .exec) }
    }

    /// Where in the journal an output begins; nil where there was no exec.
    private func begin(of output: Condition.Output) -> Int? {
        switch output {
        case .presentLife: index.lifeBegin
        case .allLives: 0
        case .exec:
            index.runtime.last { place in
                switch journal.events[place].kind {
                case .runtime(.execStarted), .runtime(.execFailed): true
                default: false
                }
            }
        }
    }

    private func withoutText(
        _ text: String, asLine: Bool, found: [Event], lines: [PrintedLine], in output: Condition.Output
    ) -> Judgement {
        let isDropped = output == .exec ? index.hasLostOutput.exec : index.hasLostOutput.own
        let quoted = Spelling.quoted(text)
        if isDropped { return Judgement(unknown: "\(quoted) was not found, but not all of the output was kept") }
        if output == .exec, begin(of: .exec) == nil { return Judgement(void: "there was no exec") }
        guard !lines.isEmpty else {
            let nothing = output == .exec ? "the exec printed nothing" : "nothing was printed"
            return Judgement(false, nothing + wordsOfFormerLives(text, output))
        }
        var observed = asLine ? "there is no line \(quoted)" : "\(quoted) was not printed"
        if !found.isEmpty { observed += " after the others" }
        // A line that says it in other letters, or says more, is the likeliest mistake.
        let near = lines.last { line in
            line.text.lowercased().contains(text.lowercased())
                && (asLine ? line.text != text : !line.text.utf8.contains(text.utf8))
        }
        if let near {
            observed += "; there is \(Spelling.quoted(String(near.text.prefix(160))))"
        }
        return Judgement(false, observed + wordsOfFormerLives(text, output), lines.suffix(5).map(\.event))
    }

    /// "; an earlier life printed it", where that is so.
    private func wordsOfFormerLives(_ text: String, _ output: Condition.Output) -> String {
        guard output == .presentLife else { return "" }
        return printedLines(in: .allLives).contains { $0.text.utf8.contains(text.utf8) }
            && !printedLines().contains { $0.text.utf8.contains(text.utf8) } ? "; an earlier life printed it" : ""
    }

    func stopTook(_ bound: Condition.Bound) -> Judgement {
        guard
            let began = runtimeEvents.last(where: {
                if case .runtime(.stopRequested) = $0.kind { true } else { false }
            })
        else {
            return Judgement(
                void: end == nil ? "there was no stop" : "\(tree.mainProcess) had ended before it was to be stopped")
        }
        // After a restart the end is that of the life before.
        let ending = runtimeEvents.first { event in
            if case .runtime(.exited) = event.kind { event.instant >= began.instant } else { false }
        }
        guard let ending else { return Judgement(false, "the stop is not complete", [began]) }
        let time = ending.instant.duration(since: began.instant)
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
        guard let end, end.status != .exited(0), !isEndAskedFor else { return [] }
        return printedLines().filter { !$0.text.isEmpty }.suffix(4).map(\.event)
    }

    /// Whether PID 1 was told to end, or sent another signal from outside, before it ended.
    var isEndAskedFor: Bool {
        guard let end else { return false }
        return presentRuntimeEvents.contains { event in
            switch event.kind {
            case .runtime(.stopRequested), .runtime(.sent): event.instant < end.event.instant
            default: false
            }
        }
    }
}

extension PrintedLine {
    fileprivate func says(_ text: String, asLine: Bool) -> Bool {
        asLine ? self.text == text : self.text.utf8.contains(text.utf8)
    }

    /// Whether it was printed after another one, as far as that is known.
    ///
    /// - Parameter isLater: it comes later in the journal.
    fileprivate func isKnownToFollow(_ other: PrintedLine, isLater: Bool) -> Bool {
        isLater && !isOfOneReading(with: other)
    }

    fileprivate func mayFollow(_ other: PrintedLine, isLater: Bool) -> Bool { isLater || isOfOneReading(with: other) }

    private func isOfOneReading(with other: PrintedLine) -> Bool {
        stream != other.stream && event.instant == other.event.instant
    }
}
