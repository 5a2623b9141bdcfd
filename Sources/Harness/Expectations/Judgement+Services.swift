import Journal
import Model
import Vocabulary

/// Questions about services: their readiness, their end, their signals.
extension JournalView {
    func ready(_ parties: [Party]) -> Judgement {
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(false, neverStarted(party), evidenceOfProcesses())
            }
            // A start returns when PID 1 has been executed.
            if party == .initProcess { continue }
            let process = tree.processes[index]
            if process.readyAt == nil, process.awaitsExec, !journal.witness.seesSignals {
                return Judgement(
                    unknown: "the witness, \(journal.witness), cannot see whether \(party) has been executed")
            }
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

    /// "db was never started", and who has said that it is.
    private func neverStarted(_ party: Party) -> String {
        let impostor = tree.impostors.last { .service($0.name) == party && $0.index >= tree.lifeBegin }
        guard let impostor else { return "\(party) was never started" }
        return
            "\(party) was never started: \(tree.label(impostor.index)) says that it is \(party), but never executed that service"
    }

    func stopped(_ first: Party, before second: Party) -> Judgement {
        for party in [first, second] where index(of: party) == nil {
            return Judgement(void: neverStarted(party), evidenceOfProcesses())
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
                return Judgement(void: neverStarted(party), evidenceOfProcesses())
            }
            let sent = signals(to: index).filter { $0.signal == signal && isFrom(sender, $0.sender) }
            let queued = sent.filter(\.fate.hasArrived)
            let (arrived, waiting, doubtful) = taken(queued, by: index)
            if !doubtful.isEmpty, times.map({ arrived.count <= $0 }) ?? arrived.isEmpty {
                return Judgement(
                    unknown: "\(signal) was queued for \(party), and the witness cannot tell whether it was taken: "
                        + (tree.processes[index].isTraced
                            ? "it was traced (ptrace)" : "no handler ran, and it ended before it was looked at"))
            }
            if times.map({ $0 != arrived.count }) ?? arrived.isEmpty {
                let origin = sender.map { " from \($0)" } ?? ""
                var observed = "\(party) received \(signal)\(origin) \(count(arrived.count))"
                if arrived.isEmpty, let end = firstKill(of: index) {
                    observed = "\(party) received no \(signal)\(origin); it was killed by \(end)"
                } else if arrived.isEmpty {
                    observed = "\(party) received no \(signal)\(origin)"
                }
                if let first = waiting.first {
                    observed += "; \(first.signal) waits: \(party) blocks it, and has not taken it"
                }
                if let dropped = sent.first(where: { $0.fate == .ignored }) {
                    observed += "; \(explanationOfDrop(of: dropped, index: index))"
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

    /// Which of the signals that were queued for a process it has taken, which still wait, and of which it is not known.
    ///
    /// The kernel tells when a handler runs, or the default action; not of what is taken by sigwait(3) or signalfd(2). That is known by
    /// elimination while the process lives. A fake takes every signal; of PID 1 the queueing counts.
    private func taken(
        _ queued: [SentSignal], by index: Int
    ) -> (taken: [SentSignal], waiting: [SentSignal], doubtful: [SentSignal]) {
        let process = tree.processes[index]
        if !process.isTraced, index == tree.root || process.isFake && tree.programName(index) == "fake-services" {
            return (queued, [], [])
        }
        var result: (taken: [SentSignal], waiting: [SentSignal], doubtful: [SentSignal]) = ([], [], [])
        let about = Array(eventsAbout(process.pid))
        for signal in queued {
            let later = about.drop { $0.instant < signal.event.instant }
            let isDelivered = later.contains {
                if case .kernel(.delivered(signal.signal, _, _)) = $0.kind { true } else { false }
            }
            let waits = later.last { if case .kernel(.pending) = $0.kind { true } else { false } }.map { event in
                if case .kernel(.pending(_, let signals)) = event.kind {
                    signals.contains(signal.signal)
                } else {
                    false
                }
            }
            if isDelivered || process.endedBy == signal.signal || (waits == false && !process.isTraced) {
                result.taken.append(signal)
            } else if waits == true, process.exitedAt == nil {
                result.waiting.append(signal)
            } else {
                result.doubtful.append(signal)
            }
        }
        return result
    }

    /// The processes that a question is about, which live, and of which it is not known whether they have taken what was queued for
    /// them: what /proc says of them tells.
    public func processesToLookAt(for condition: Condition) -> [ProcessID] {
        guard case .received(let parties, let signal, _, _) = condition, journal.witness.seesSignals else { return [] }
        return parties.compactMap(index(of:)).filter { index in
            guard tree.processes[index].exitedAt == nil else { return false }
            let found = taken(signals(to: index).filter { $0.signal == signal && $0.fate.hasArrived }, by: index)
            return !found.doubtful.isEmpty || !found.waiting.isEmpty
        }.map { tree.processes[$0].pid }
    }

    func receivedNothing(_ parties: [Party]) -> Judgement {
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(void: neverStarted(party), evidenceOfProcesses())
            }
            // SIGKILL is not received, it is undergone; SIGCHLD is the kernel's own bookkeeping.
            let arrived = signals(to: index).filter { $0.fate.hasArrived && $0.signal != .kill && $0.signal != .chld }
            if let first = arrived.first {
                return Judgement(
                    false,
                    "\(party) received \(first.signal) from "
                        + name(
                            first.sender, of: first.signal, to: tree.processes[index].pid, at: first.event.instant),
                    arrived.map(\.event))
            }
        }
        return Judgement(true, "\(list(parties)) received nothing", [])
    }

    func nobodyKilled() -> Judgement {
        let killed = tree.present.filter { tree.processes[$0].endedBy == .kill }
        guard let first = killed.first else {
            return unknownEnd(of: Array(tree.present)) ?? Judgement(true, "nobody was killed")
        }
        var observed =
            killed.count == 1
            ? "\(tree.label(first)) was killed" : "\(killed.count) processes were killed, \(tree.label(first)) first"
        if let end = firstKill(of: first) { observed += " by \(end)" }
        return Judgement(false, observed + dropNote(), evidenceOfKills(killed))
    }

    func noServiceKilled() -> Judgement {
        let ofServices = tree.descendantsOfServices()
        let killed = tree.present.filter { tree.processes[$0].endedBy == .kill && ofServices.contains($0) }
        guard let first = killed.first else {
            return unknownEnd(of: tree.present.filter(ofServices.contains)) ?? Judgement(true, "no service was killed")
        }
        var observed =
            killed.count == 1
            ? "\(tree.label(first)) was killed" : "\(killed.count) processes were killed, \(tree.label(first)) first"
        if let end = firstKill(of: first) { observed += " by \(end)" }
        return Judgement(false, observed + dropNote(), evidenceOfKills(killed))
    }

    /// Unknown, where a tracer may have put SIGKILL in the place of another signal; else nil.
    private func unknownEnd(of indices: [Int]) -> Judgement? {
        guard
            let traced = indices.first(where: {
                let process = tree.processes[$0]
                return process.isTraced && process.exitedAt != nil && process.manner != .exited
            })
        else { return nil }
        return Judgement(
            unknown: "\(tree.label(traced)) was traced (ptrace): which signal ended it, the witness cannot tell")
    }

    func killed(_ parties: [Party]) -> Judgement {
        var victims: [Int] = []
        for party in parties {
            guard let index = index(of: party) else {
                return Judgement(void: neverStarted(party), evidenceOfProcesses())
            }
            guard tree.processes[index].endedBy == .kill else {
                if let unknown = unknownEnd(of: [index]) { return unknown }
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
    ///
    /// While PID 1 blocks a signal, as a shell does around a fork, the kernel cannot know whether there will be a handler and queues it;
    /// without one it is dropped at delivery (get_signal in kernel/signal.c, SIGNAL_UNKILLABLE).
    func signals(to index: Int) -> [SentSignal] {
        let process = tree.processes[index]
        // Whether the signals that were queued for PID 1 were dropped when their turn came: told by what comes next, so from the end on.
        var isDroppedNext: [Signal: Bool] = [:]
        var result: [SentSignal] = []
        for event in eventsAbout(process.pid).reversed()
        where event.instant >= process.forkedAt && event.instant <= process.exitedAt ?? .distantFuture {
            switch event.kind {
            case .kernel(.delivered(let signal, _, let hasHandler)): isDroppedNext[signal] = !hasHandler
            case .kernel(.signalled(let signal, process.pid, let sender, let fate)):
                var isDropped = false
                if case .process = sender, index == tree.root, signal != .kill, signal != .stop, fate.hasArrived {
                    isDropped = isDroppedNext[signal] == true
                }
                result.append(
                    SentSignal(event: event, signal: signal, sender: sender, fate: isDropped ? .ignored : fate))
            default: continue
            }
        }
        return result.reversed()
    }

    /// Why the kernel dropped a signal to a process.
    func explanationOfDrop(of signal: SentSignal, index: Int) -> String {
        let process = tree.processes[index]
        let reason = reasonOfDrop(signal.signal, process.pid, signal.event.instant)
        guard index == tree.root else { return "the kernel dropped it for \(tree.label(index)): \(reason)" }
        let dropped = "\(tree.label(index, at: signal.event.instant)) did not hear \(signal.signal): \(reason)"
        guard let executed = process.programs.last(where: { $0.since <= signal.event.instant })?.since else {
            return dropped
        }
        let gap = signal.event.instant.duration(since: executed)
        let isIgnored = disposition(of: process.pid, signal.signal, at: signal.event.instant) == .ignored
        let hasForked = tree.processes.contains {
            $0.creator == index && $0.forkedAt >= executed && $0.forkedAt <= signal.event.instant
        }
        // What has started a child is past its beginning: it had the time, and other plans.
        guard gap < JournalView.timeToPrepare, !isIgnored, !hasForked else { return dropped }
        return
            "\(signal.signal) came \(gap.rounded) after the exec of \(tree.programName(index, at: signal.event.instant)), "
            + "before it can have set up a handler"
    }

    /// So soon after its exec no program has a handler yet: what the dynamic linker takes, on a busy machine.
    private static let timeToPrepare = Duration.milliseconds(5)

    /// Whether a signal from outside came to nothing, because PID 1 has no handler for it.
    public var hasDroppedSignal: Bool { !dropNote().isEmpty }

    /// "; PID 1 (sh) did not hear SIGTERM: it has no handler for SIGTERM", where that is so.
    func dropNote() -> String {
        guard let root = tree.root,
            let dropped = signals(to: root).first(where: {
                $0.fate == .ignored && $0.signal != .chld && !isInside($0.sender)
            })
        else { return "" }
        return "; " + explanationOfDrop(of: dropped, index: root)
    }

    private func isInside(_ sender: SignalSender) -> Bool {
        switch sender {
        case .process(let pid), .kernel(let pid): isInside(pid)
        case .neighbour: false
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
            return isInside(pid) ? label(pid, at: kill.event.instant) : "the runtime"
        case .neighbour(let pid): return "process \(pid) of another container"
        case .kernel(let pid):
            let isByEnd = index != tree.root && tree.root.map { tree.processes[$0].pid } == pid
            return isByEnd ? "the kernel because \(tree.mainProcess) ended" : "the kernel"
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
        let ends = indices.flatMap { index in
            eventsAbout(tree.processes[index].pid).filter { event in
                if case .kernel(.exited) = event.kind { event.instant == tree.processes[index].exitedAt } else { false }
            }
        }
        let isAboutRoot = tree.root.map(indices.contains) == true
        return ends
            + (isAboutRoot
                ? runtimeEvents.filter { if case .runtime(.exited) = $0.kind { true } else { false } } : [])
    }

    func graceEvents() -> [Event] { index.stops.map { journal.events[$0] } }

    func events(about pid: ProcessID) -> [Event] {
        eventsAbout(pid).filter { event in
            switch event.kind {
            case .said, .kernel(.executed), .kernel(.exited): true
            default: false
            }
        }
    }

    /// Who was there, and what was said: for a service that never came.
    func evidenceOfProcesses() -> [Event] {
        let programs = present.filter { event in
            switch event.kind {
            case .kernel(.executed), .said(.hello, _), .runtime(.exited): true
            default: false
            }
        }
        // What was printed says more than who was there.
        let errors = printedLines().filter { $0.stream == .stderr && !$0.text.isEmpty }.suffix(4).map(\.event)
        return errors + programs.suffix(errors.isEmpty ? 6 : 4)
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

extension JournalView {
    /// Why PID 1 did not hear a signal that was sent to it from outside; nil where it did.
    public func deafness(towards signal: Signal, since instant: MonotonicInstant) -> String? {
        guard let root = tree.root,
            let sent = signals(to: root).first(where: { $0.signal == signal && $0.event.instant >= instant }),
            sent.fate == .ignored
        else { return nil }
        return explanationOfDrop(of: sent, index: root)
    }
}
