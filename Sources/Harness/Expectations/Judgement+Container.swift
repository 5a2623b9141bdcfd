import Journal
import Model
import Vocabulary

/// Questions about the container as a whole: its end, its leftovers, its output, its time.
extension JournalView {
    /// How PID 1 ended, and when.
    private var end: (status: ExitStatus, event: Event)? {
        for event in journal.events.reversed() {
            if case .runtime(.exited(let status)) = event.kind { return (status, event) }
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
        let observed: Condition.State = end == nil ? .running : .exited
        return Judgement(
            observed == state, "state \(observed.rawValue)" + (end.map { ": PID 1 \($0.status)" } ?? ""),
            evidenceOfStop())
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
        let orphans = tree.processes.indices.filter { tree.processes[$0].orphanedAt != nil && $0 != tree.root }
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
        let running = tree.processes.indices.filter { $0 != tree.root && tree.processes[$0].exitedAt == nil }
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
        return graceEvents() + toRoot + (end.map { [$0.event] } ?? [])
    }
}
