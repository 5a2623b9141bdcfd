import Journal
import Model
import Vocabulary

/// A journal up to a moment, with what can be derived from it once and asked often.
public struct JournalView: Sendable {
    public let journal: Journal
    package let index: JournalIndex

    public var tree: ProcessTree { index.tree }
    /// When PID 1 was started; where the clock of the report begins.
    public var start: MonotonicInstant? { index.start }

    public init(_ journal: Journal) {
        var index = JournalIndex(witness: journal.witness)
        index.take(in: journal)
        self.init(journal, index)
    }

    /// - Parameter index: of all of this journal's events.
    public init(_ journal: Journal, _ index: JournalIndex) {
        self.journal = journal
        self.index = index
    }

    /// What has happened since the container was started, or made anew, the last time, that included: its present life.
    var present: ArraySlice<Event> { journal.events[index.lifeBegin...] }

    /// What the runtime did in all lives, and in the present one.
    var runtimeEvents: some BidirectionalCollection<Event> { index.runtime.lazy.map { journal.events[$0] } }
    var presentRuntimeEvents: some BidirectionalCollection<Event> {
        index.runtime[first(of: index.runtime, from: index.lifeBegin)...].lazy.map { journal.events[$0] }
    }

    /// The events at places, from a place in the journal on.
    func events(at places: [Int], from begin: Int) -> some BidirectionalCollection<Event> {
        places[first(of: places, from: begin)...].lazy.map { journal.events[$0] }
    }

    /// Where in sorted places those begin that are not before a place.
    private func first(of places: [Int], from begin: Int) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < begin { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The events about a process: what it became, said and was sent, and its end.
    func eventsAbout(_ pid: ProcessID) -> some BidirectionalCollection<Event> {
        (index.places[pid] ?? []).lazy.map { journal.events[$0] }
    }

    /// The process that a party is, in this journal.
    func index(of party: Party) -> Int? {
        switch party {
        case .initProcess: tree.root
        case .service(let name): tree.index(named: name)
        case .runtime: nil
        }
    }

    /// What a person calls the process that had this number at a moment.
    package func label(_ pid: ProcessID, at instant: MonotonicInstant) -> String {
        index(of: pid, at: instant).map { tree.label($0, at: instant) }
            ?? (pid == tree.reaper ? "PID 1 (pause)" : "process \(pid)")
    }

    /// The process that had a number at a moment; where none had yet, the first that did.
    public func index(of pid: ProcessID, at instant: MonotonicInstant) -> Int? { tree.index(of: pid, at: instant) }

    /// Whether a number belongs to the container.
    package func isInside(_ pid: ProcessID) -> Bool { tree.hasHad(pid) }
}

extension JournalView {
    /// Who sent a signal, as far as the kernel says it.
    package func name(
        _ sender: SignalSender, of signal: Signal, to target: ProcessID, at now: MonotonicInstant
    ) -> String {
        switch sender {
        case .process(let pid): return isInside(pid) ? label(pid, at: now) : "outside"
        case .neighbour(let pid): return "process \(pid) of another container"
        case .kernel(let pid):
            guard isInside(pid) else { return "the kernel" }
            if signal == .chld { return "the kernel about \(label(pid, at: now))" }
            if signal == .kill, pid != target, isEndOfRoot(pid, at: now) {
                return "the kernel because \(tree.mainProcess) ended"
            }
            if pid == target { return "the kernel for its own doing" }
            return "the kernel while \(label(pid, at: now)) ran"
        }
    }

    /// Whether this is PID 1, which is ending: the kernel then kills all others (zap_pid_ns_processes).
    package func isEndOfRoot(_ pid: ProcessID, at now: MonotonicInstant) -> Bool {
        guard let index = index(of: pid, at: now), tree.isRoot(index) else { return false }
        guard let end = tree.processes[index].exitedAt else { return false }
        // The kernel tells of the end first (sched_process_exit), and kills then.
        return now >= end
    }

    /// Why the kernel drops a signal: it is ignored, or there is nothing to do for it.
    package func reasonOfDrop(_ signal: Signal, _ target: ProcessID, _ now: MonotonicInstant) -> String {
        if signal == .kill { return "it is ending already" }
        if let index = index(of: target, at: now),
            let end = tree.processes[index].dyingSince ?? tree.processes[index].exitedAt, end <= now
        {
            return "it is ending already"
        }
        if let disposition = disposition(of: target, signal, at: now) {
            switch disposition {
            case .ignored: return "it ignores \(signal)"
            case .defaultAction: return "it has no handler for \(signal)"
            case .caught, .blocked: break
            }
        }
        if ProcessTree.isHarmless(signal) { return "it has no handler for \(signal), or ignores it" }
        let isRoot = index(of: target, at: now).map(tree.isRoot) == true
        return isRoot ? "it has no handler for \(signal), or ignores it" : "it ignores \(signal)"
    }

    /// What /proc showed right before a signal was sent.
    package func disposition(of target: ProcessID, _ signal: Signal, at now: MonotonicInstant) -> SignalDisposition? {
        let begin = tree.index(of: target, at: now).map { tree.processes[$0].forkedAt }
        for event in eventsAbout(target).reversed() where event.instant <= now {
            if let begin, event.instant < begin { return nil }
            if case .kernel(.disposition(target, signal, let disposition)) = event.kind { return disposition }
        }
        return nil
    }

    /// Whether the kernel itself has sent SIGKILL to a process, and not because PID 1 had ended.
    public var hasKernelKilled: Bool {
        journal.events.contains { event in
            if case .kernel(.signalled(.kill, _, .kernel(let pid), _)) = event.kind {
                !isEndOfRoot(pid, at: event.instant)
            } else {
                false
            }
        }
    }
}
