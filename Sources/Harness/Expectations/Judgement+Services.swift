import Journal
import Model
import Vocabulary

/// Questions about services: their readiness, their end, their signals.
extension JournalView {
    func ready(_ parties: [Party]) -> Judgement {
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(false, "\(party) was never started", evidenceOfProcesses())
            }
            let process = tree.processes[index]
            guard process.readyAt != nil else {
                let end = process.exitedAt.map { _ in "; it has ended" } ?? ""
                return Judgement(false, "\(party) has not said that it is ready\(end)", events(about: process.pid))
            }
        }
        let evidence = parties.compactMap { index(of: $0) }.flatMap { index in
            events(about: tree.processes[index].pid).filter { $0.instant == tree.processes[index].readyAt }
        }
        return Judgement(true, "\(list(parties)) \(parties.count == 1 ? "is" : "are") ready", evidence)
    }

    func stopped(_ first: Party, before second: Party) -> Judgement {
        for party in [first, second] where index(of: party) == nil {
            return Judgement(void: "\(party) was never started", evidenceOfProcesses())
        }
        guard let firstIndex = index(of: first), let secondIndex = index(of: second) else {
            return Judgement(unknown: "no such process")
        }
        let ends = exitEvents([firstIndex, secondIndex])
        guard let firstEnd = tree.processes[firstIndex].exitedAt else {
            return Judgement(false, "\(first) has not stopped", ends)
        }
        guard let secondEnd = tree.processes[secondIndex].exitedAt else {
            return Judgement(true, "\(first) stopped, \(second) still runs", ends)
        }
        let gap = secondEnd.duration(since: firstEnd)
        if gap == .zero, !journal.witness.seesSignals {
            return Judgement(unknown: "the witness, \(journal.witness), found both ends at once")
        }
        let observed =
            gap > .zero
            ? "\(first) stopped \(gap.rounded) before \(second)"
            : "\(second) stopped \((Duration.zero - gap).rounded) before \(first)"
        return Judgement(gap > .zero, observed, ends)
    }

    // MARK: - Signals

    func received(_ parties: [Party], _ signal: Signal, times: Int?, from sender: Party?) -> Judgement {
        var evidence: [Event] = []
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(void: "\(party) was never started", evidenceOfProcesses())
            }
            let sent = signals(to: index).filter { $0.signal == signal && isFrom(sender, $0.sender) }
            let arrived = sent.filter(\.fate.hasArrived)
            if times.map({ $0 != arrived.count }) ?? arrived.isEmpty {
                let origin = sender.map { " from \($0)" } ?? ""
                var observed = "\(party) received \(signal)\(origin) \(count(arrived.count))"
                if arrived.isEmpty, let end = firstKill(of: index) {
                    observed = "\(party) received no \(signal)\(origin); it was killed by \(end)"
                } else if arrived.isEmpty {
                    observed = "\(party) received no \(signal)\(origin)"
                }
                if let dropped = sent.first(where: { $0.fate == .ignored }) {
                    observed += "; \(explanationOfDrop(of: dropped.signal, index: index))"
                }
                // What PID 1 got tells whether it was told at all.
                let told =
                    index == tree.root ? [] : tree.root.map { signals(to: $0).filter { $0.signal == signal } } ?? []
                return Judgement(
                    false, observed, (sent + told).map(\.event) + exitEvents([index]))
            }
            evidence += arrived.map(\.event)
        }
        return Judgement(true, "\(list(parties)) received \(signal) \(times.map(count) ?? "")", evidence)
    }

    func receivedNothing(_ parties: [Party]) -> Judgement {
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(void: "\(party) was never started", evidenceOfProcesses())
            }
            // SIGKILL is not received, it is undergone; SIGCHLD is the kernel's own bookkeeping.
            let arrived = signals(to: index).filter { $0.fate.hasArrived && $0.signal != .kill && $0.signal != .chld }
            if let first = arrived.first {
                return Judgement(
                    false, "\(party) received \(first.signal) from \(words(first.sender))", arrived.map(\.event))
            }
        }
        return Judgement(true, "\(list(parties)) received nothing", [])
    }

    func nobodyKilled() -> Judgement {
        let killed = tree.present.filter { tree.processes[$0].endedBy == .kill }
        guard let first = killed.first else { return Judgement(true, "nobody was killed") }
        var observed =
            killed.count == 1
            ? "\(tree.label(first)) was killed" : "\(killed.count) processes were killed, \(tree.label(first)) first"
        if let end = firstKill(of: first) { observed += " by \(end)" }
        return Judgement(false, observed + dropNote(), evidenceOfKills(killed))
    }

    func killed(_ parties: [Party]) -> Judgement {
        var victims: [Int] = []
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(void: "\(party) was never started", evidenceOfProcesses())
            }
            guard tree.processes[index].endedBy == .kill else {
                let end = tree.processes[index].exitedAt == nil ? "still runs" : "ended without SIGKILL"
                return Judgement(false, "\(party) \(end)", exitEvents([index]))
            }
            victims.append(index)
        }
        return Judgement(true, "\(list(parties)) killed", evidenceOfKills(victims))
    }

    // MARK: - Events

    /// One signal that was sent to a process.
    struct SentSignal {
        let event: Event
        let signal: Signal
        let sender: SignalSender
        let fate: SignalFate
    }

    /// The signals to one process while it had its number.
    func signals(to index: Int) -> [SentSignal] {
        let process = tree.processes[index]
        return journal.events.compactMap { event in
            guard case .kernel(.signalled(let signal, let target, let sender, let fate)) = event.kind,
                target == process.pid, event.instant >= process.forkedAt,
                event.instant <= process.exitedAt ?? .distantFuture
            else { return nil }
            let isDropped =
                fate.hasArrived && index == tree.root && isDroppedLater(signal, sender, after: event.instant)
            return SentSignal(event: event, signal: signal, sender: sender, fate: isDropped ? .ignored : fate)
        }
    }

    /// Whether a signal that was queued for PID 1 was dropped when its turn came.
    ///
    /// While PID 1 blocks a signal, as a shell does around a fork, the kernel cannot know whether there will be a handler
    /// and queues it; without one it is dropped at delivery (get_signal in kernel/signal.c, SIGNAL_UNKILLABLE).
    private func isDroppedLater(_ signal: Signal, _ sender: SignalSender, after instant: MonotonicInstant) -> Bool {
        guard case .process = sender, signal != .kill, signal != .stop, let root = tree.root else { return false }
        for event in journal.events where event.instant >= instant {
            if case .kernel(.delivered(signal, tree.processes[root].pid, let hasHandler)) = event.kind {
                return !hasHandler
            }
        }
        return false
    }

    /// Why the kernel dropped a signal to a process.
    func explanationOfDrop(of signal: Signal, index: Int) -> String {
        index == tree.root
            ? "PID 1 is \(tree.programName(index)), which has no handler for \(signal): the kernel dropped it"
            : "\(tree.label(index)) ignores \(signal): the kernel dropped it"
    }

    /// Whether a signal from outside came to nothing, because PID 1 has no handler for it.
    public var hasDroppedSignal: Bool { !dropNote().isEmpty }

    /// "; PID 1 is sh, which has no handler for SIGTERM: the kernel dropped it", where that is so.
    func dropNote() -> String {
        guard let root = tree.root,
            let dropped = signals(to: root).first(where: {
                $0.fate == .ignored && $0.signal != .chld && !isInside($0.sender)
            })
        else { return "" }
        return "; " + explanationOfDrop(of: dropped.signal, index: root)
    }

    private func isInside(_ sender: SignalSender) -> Bool {
        switch sender {
        case .process(let pid), .kernel(let pid): isInside(pid)
        }
    }

    private func isFrom(_ party: Party?, _ sender: SignalSender) -> Bool {
        guard let party else { return true }
        guard case .process(let pid) = sender else { return false }
        switch party {
        case .runtime: return !isInside(pid)
        case .initProcess, .service:
            return index(of: party).map { tree.processes[$0].pid == pid } ?? false
        }
    }

    /// Who killed a process: "the runtime", "PID 1 (tini)", "the end of PID 1".
    private func firstKill(of index: Int) -> String? {
        guard let kill = signals(to: index).first(where: { $0.signal == .kill && $0.fate == .queued }) else {
            return nil
        }
        switch kill.sender {
        case .process(let pid):
            return isInside(pid) ? label(pid) : "the runtime"
        case .kernel(let pid):
            let isByEnd = index != tree.root && tree.root.map { tree.processes[$0].pid } == pid
            return isByEnd ? "the kernel, because PID 1 ended" : "the kernel"
        }
    }

    private func evidenceOfKills(_ indices: [Int]) -> [Event] {
        let kills = indices.prefix(3).flatMap { index in
            signals(to: index).filter { $0.signal == .kill && $0.fate == .queued }.prefix(1).map(\.event)
        }
        let toRoot =
            tree.root.map { signals(to: $0).filter { $0.signal != .chld && $0.signal != .kill }.map(\.event) } ?? []
        return toRoot + graceEvents() + kills + exitEvents(Array(indices.prefix(3)))
    }

    func exitEvents(_ indices: [Int]) -> [Event] {
        journal.events.filter { event in
            switch event.kind {
            case .kernel(.exited(let pid)):
                return indices.contains {
                    tree.processes[$0].pid == pid && tree.processes[$0].exitedAt == event.instant
                }
            case .runtime(.exited): return tree.root.map(indices.contains) ?? false
            default: return false
            }
        }
    }

    func graceEvents() -> [Event] {
        journal.events.filter {
            switch $0.kind {
            case .runtime(.stopRequested), .runtime(.graceExpired): true
            default: false
            }
        }
    }

    func events(about pid: ProcessID) -> [Event] {
        journal.events.filter { event in
            switch event.kind {
            case .said(_, let speaker): speaker == pid
            case .kernel(.executed(let subject, _)), .kernel(.exited(let subject)): subject == pid
            default: false
            }
        }
    }

    /// Who was there: for a service that never came.
    func evidenceOfProcesses() -> [Event] {
        lastWords()
            + journal.events.filter { event in
                switch event.kind {
                case .kernel(.executed), .said(.hello, _), .runtime(.started), .runtime(.exited): true
                case .printed(_, let stream, _): stream == .stderr
                default: false
                }
            }
    }

    func list(_ parties: [Party]) -> String { parties.map(\.description).joined(separator: ", ") }

    private func count(_ number: Int) -> String {
        switch number {
        case 0: "not at all"
        case 1: "once"
        default: "\(number) times"
        }
    }
}
