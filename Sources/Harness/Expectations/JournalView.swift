import Journal
import Model
import Vocabulary

/// A journal up to a moment, with what can be derived from it once and asked often.
public struct JournalView: Sendable {
    public let journal: Journal
    let index: JournalIndex

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

    /// The process that somebody is, in this journal.
    func index(of party: Party) -> Int? {
        switch party {
        case .initProcess: tree.root
        case .service(let name): tree.index(named: name)
        case .runtime: nil
        }
    }

    /// What a person calls the process that had this number at a moment.
    func label(_ pid: ProcessID, at instant: MonotonicInstant) -> String {
        index(of: pid, at: instant).map { tree.label($0, at: instant) }
            ?? (pid == tree.reaper ? "PID 1 (pause)" : "process \(pid)")
    }

    /// The process that had a number at a moment; where none had yet, the first that did.
    public func index(of pid: ProcessID, at instant: MonotonicInstant) -> Int? { tree.index(of: pid, at: instant) }

    /// Whether a number belongs to the container.
    func isInside(_ pid: ProcessID) -> Bool { tree.hasHad(pid) }
}

extension JournalView {
    /// One event as a line for people: the time since the start, who vouches for it, what happened.
    public func line(_ event: Event) -> String {
        let time = (journal.origin ?? start).map { "\(event.instant.duration(since: $0).rounded)" } ?? ""
        let padding = String(repeating: " ", count: max(0, 9 - time.count))
        let (source, text) = words(event)
        return
            "\(padding)\(time)  \(source)\(String(repeating: " ", count: max(1, 9 - source.count)))\(text.printable)"
    }

    private func words(_ event: Event) -> (source: String, text: String) {
        switch event.kind {
        case .runtime(let fact): ("runtime", words(fact, event.instant))
        case .kernel(.disposition(let pid, let signal, let disposition)):
            ("harness", "\(label(pid, at: event.instant)) \(words(disposition)) \(signal)")
        case .kernel(let fact): ("kernel", words(fact, event.instant))
        case .said(let word, let pid): ("service", "\(label(pid, at: event.instant)): \(words(word))")
        case .printed(let text, let stream, _): (stream.rawValue, withSignalNames(text.withoutTerminalControl))
        case .looked(let fact): ("harness", words(fact))
        case .dropped(let bytes, .stream(let stream)): ("harness", "\(bytes) bytes of \(stream.rawValue) were not kept")
        case .dropped(let bytes, .reports): ("harness", "\(bytes) bytes of what services said were not kept")
        case .late(let lateness): ("harness", lateness.words)
        case .mark(.timeIsOver(let step)): ("harness", "the time of step \(step + 1) is over, but the machine was late")
        case .mark(.overdue): ("harness", "the runtime's next act is due, but the machine was late")
        case .mark(.stepBegan(let step)): ("scenario", "step \(step + 1)")
        case .mark(.asked(let step)): ("scenario", "the expectation of step \(step + 1) is asked")
        }
    }

    /// A line of /proc/PID/status that is a set of signals, with their names.
    private func withSignalNames(_ text: String) -> String {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"].contains(parts[0].trimmed) else {
            return text
        }
        guard let bits = UInt64(parts[1].trimmed, radix: 16) else { return text }
        let names = (Int32(1)...64).filter { bits & 1 << UInt64($0 - 1) != 0 }.map { "\(Signal(rawValue: $0))" }
        return
            "\(text) (\(names.isEmpty ? "none" : names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", …" : ""))"
    }

    private func words(_ event: RuntimeEvent, _ now: MonotonicInstant) -> String {
        switch event {
        case .started(let pid, let program): "started \(tree.mainProcess): \(program) (\(pid) outside)"
        case .startFailed(let stage, let code): "could not start: \(stage)" + (code.map { " (status \($0))" } ?? "")
        case .stopRequested(let signal, let grace): "stop: \(signal), then \(grace < .zero ? "no limit" : grace.text)"
        case .sent(let signal, let pid): "sent \(signal) to \(label(pid, at: now))"
        case .sendFailed(let signal, let pid, let reason):
            "could not send \(signal) to \(label(pid, at: now)): \(reason)"
        case .graceExpired: "the grace period is over"
        case .joined(let pid): "in a PID namespace that is shared: PID 1 is process \(pid), pause"
        case .exited(let status, _): "\(tree.mainProcess) \(status)"
        case .startRequested: "start"
        case .restartScheduled(let time, let count): "restart \(count) in \(time.text)"
        case .restartCancelled: "the restart is called off"
        case .execStarted(let pid, let program): "exec: \(program) (\(pid) outside)"
        case .execFailed(let stage, let code): "exec failed: \(stage) (status \(code))"
        case .execTimedOut(let pid): "the time of exec is over: \(pid) is killed"
        case .execEnded(_, let status, _): "exec \(status)"
        case .hookStarted(let pid, let program): "hook: \(program) (\(pid) outside)"
        case .hookFailed(let stage): "the hook failed: \(stage)"
        case .hookEnded(_, let status): "the hook \(status)"
        case .checkStarted(let pid, let program): "health check: \(program) (\(pid) outside)"
        case .checkEnded(_, let code): "health check: exit \(code)"
        case .becameHealthy(let isHealthy): isHealthy ? "healthy" : "unhealthy"
        case .paused: "paused"
        case .resumed: "resumed"
        case .recreated: "a new container"
        case .refused(let reason): "refused: \(reason)"
        case .volumeRemoved(let name, _): "removed the volume \(name)"
        case .stopFinished: "stop complete"
        case .stopping: "its state is stopping"
        case .clientGone: "the client goes away"
        case .stopFailed(let reason): "stop failed: \(reason)"
        case .removed: "removed the container"
        case .daemonEnded(let isKilled): isKilled ? "the daemon is killed" : "the daemon ends"
        case .daemonStarted: "a new daemon"
        }
    }

    private func words(_ event: KernelEvent, _ now: MonotonicInstant) -> String {
        func name(_ pid: ProcessID) -> String { label(pid, at: now) }
        switch event {
        case .forked(let child, let parent, _):
            if isInside(parent) { return "\(name(parent)) forked \(child)" }
            let isInjected = index(of: child, at: now).map { tree.processes[$0].isInjected } == true
            return isInjected ? "process \(child) is put into the container" : "\(tree.mainProcess) is process \(child)"
        case .executed(let pid, let path):
            return "\(label(pid, at: now.justBefore)) becomes \(path)"
        case .exited(let pid): return "\(name(pid)) is gone" + (manner(of: pid, at: now).map { ": \($0)" } ?? "")
        case .ended(let pid, .exited): return "\(name(pid)) has called exit"
        case .ended(let pid, .killed): return "a signal has ended \(name(pid))"
        case .freed(let pid): return "\(name(pid)) was reaped"
        case .waited(let waiter, let target):
            return "\(name(waiter)) waits for \(target.map(name) ?? "any child")"
        case .waitEnded(let waiter, .child): return "\(name(waiter)) has taken a child's status"
        case .waitEnded(let waiter, .nothing): return "\(name(waiter)) has waited for nothing"
        case .waitEnded(let waiter, .perhaps): return "the wait of \(name(waiter)) is over"
        case .pending(let pid, let signals):
            return signals.isEmpty
                ? "no signal waits for \(name(pid))"
                : "\(name(pid)) has not taken \(signals.map(\.description).joined(separator: ", ")) yet"
        case .traced(let pid): return "\(name(pid)) is stopped for its tracer"
        case .signalled(let signal, let target, let sender, let fate):
            return "\(signal) from \(words(sender, of: signal, to: target, at: now)) to \(name(target)): "
                + words(fate, signal, target, now)
        case .delivered(let signal, let pid, true): return "\(signal) took effect in \(name(pid)): its handler runs"
        case .delivered(let signal, let pid, false): return wordsOfDefault(signal, pid, now)
        case .disposition: return ""
        case .limitMet(let limit): return words(limit, now)
        case .census(let entries):
            return "\(entries.count) processes, \(entries.count { $0.isZombie }) of them zombies"
        case .absent(let pids): return "nothing is left of \(pids.count) that had exited"
        case .lost(let count): return "\(count) events were lost"
        }
    }

    /// How a process that has just gone ended, as far as it is known.
    private func manner(of pid: ProcessID, at now: MonotonicInstant) -> String? {
        guard let index = index(of: pid, at: now), tree.processes[index].exitedAt == now else { return nil }
        let process = tree.processes[index]
        if let signal = process.endedBy { return "\(signal) ended it" }
        switch process.manner {
        case .exited: return "it called exit"
        case .killed: return "a signal ended it"
        case nil: return nil
        }
    }

    /// A default action. A fatal signal is delivered as SIGKILL, whichever it was, and so is the end of the other threads of a
    /// process that calls exit (complete_signal and zap_other_threads in kernel/signal.c).
    private func wordsOfDefault(_ signal: Signal, _ pid: ProcessID, _ now: MonotonicInstant) -> String {
        let name = label(pid, at: now)
        if signal != .kill { return "\(signal) took effect in \(name): default action" }
        guard let index = index(of: pid, at: now) else { return "a fatal signal took effect in \(name)" }
        if let cause = tree.processes[index].endedBy { return "\(cause) ends \(name): default action" }
        return tree.processes[index].manner == .exited
            ? "\(name) calls exit: its other threads end"
            : "\(name) ends: by a fatal signal, or with the thread that called exit"
    }

    /// Who sent a signal, as far as the kernel says it.
    func words(
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
    func isEndOfRoot(_ pid: ProcessID, at now: MonotonicInstant) -> Bool {
        guard let index = index(of: pid, at: now), tree.isRoot(index) else { return false }
        guard let end = tree.processes[index].exitedAt else { return false }
        // The kernel tells of the end first (sched_process_exit), and kills then.
        return now >= end
    }

    private func words(_ fate: SignalFate, _ signal: Signal, _ target: ProcessID, _ now: MonotonicInstant) -> String {
        switch fate {
        case .queued: "queued"
        case .ignored: "dropped by the kernel: \(reasonOfDrop(signal, target, now))"
        case .alreadyPending: "merged with one that was waiting already"
        case .queueFull: "lost, the queue was full"
        case .informationLost: "queued, without its sender"
        }
    }

    /// Why the kernel drops a signal: it is ignored, or there is nothing to do for it.
    func reasonOfDrop(_ signal: Signal, _ target: ProcessID, _ now: MonotonicInstant) -> String {
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
    func disposition(of target: ProcessID, _ signal: Signal, at now: MonotonicInstant) -> SignalDisposition? {
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

    /// What the container was short of, each once, in a sentence that names the setting.
    public var limitsMet: [String] {
        var result: [String] = []
        for event in index.limits.map({ journal.events[$0] }) {
            guard case .kernel(.limitMet(let limit)) = event.kind else { continue }
            let sentence = words(limit, event.instant)
            if !result.contains(sentence) { result.append(sentence) }
        }
        return result
    }

    private func words(_ limit: MetLimit, _ now: MonotonicInstant) -> String {
        switch limit {
        case .processes(let count): return "a fork failed: the container may have \(count) processes (pids limit)"
        case .memory(let bytes):
            return
                "the kernel killed a process: the container may have \(Spelling.size(bytes)) of memory (memory limit)"
        case .memoryOfAll(let bytes):
            return
                "the kernel killed a process: the containers of this run may have \(Spelling.size(bytes)) of memory together"
        case .space(let place, let bytes):
            let (what, setting) =
                switch place {
                case .layer: ("the container's layer", "layer limit")
                case .volume(let name): ("the volume \(name)", "volume … limit")
                case .volumes: ("the volumes", "volume … limit")
                case .tmpfs(let path): ("the tmpfs \(path)", "tmpfs … options size=")
                }
            return
                "nothing more can be written: \(what) may hold \(Spelling.size(bytes)), or has too many files (\(setting))"
        case .openFiles(let pid, let count):
            return "\(label(pid, at: now)) has as many files open as it may: \(count) (ulimit nofile)"
        }
    }

    private func words(_ disposition: SignalDisposition) -> String {
        switch disposition {
        case .caught: "has a handler for"
        case .blocked: "blocks, or waits for,"
        case .ignored: "ignores"
        case .defaultAction: "has no handler for"
        }
    }

    private func words(_ word: ServiceWord) -> String {
        switch word {
        case .hello(let name), .claimed(let name): "I am \(name)"
        case .executes(let program): "I become \(program)"
        case .ready: "I am ready"
        case .cannot(let what): "I cannot \(what)"
        case .caught(let signal, let sender): "I caught \(signal) from \(sender == 0 ? "outside" : "process \(sender)")"
        case .stopping: "I am stopping"
        case .finished(let code): "I have finished, status \(code)"
        case .orphaned(let count): "I have left \(count) orphans"
        case .ran(let step): "I have gone through \(step)"
        case .wroteMarker: "I have written my marker"
        case .initialised: "I have initialised everything"
        }
    }

    private func words(_ fact: FileFact) -> String {
        guard let status = fact.status else { return "there is no \(fact.path)" }
        let head = "\(fact.path): mode \(Spelling.octal(status.mode)), owner \(status.user):\(status.group)"
        guard let text = status.text else { return head }
        let isShort = text.utf8.count <= 80 && !text.dropLast().contains("\n")
        return head + ", \(status.sizeInBytes) bytes" + (isShort ? ": \(Spelling.quoted(text))" : "")
    }
}

extension MonotonicInstant {
    /// The nanosecond before.
    fileprivate var justBefore: MonotonicInstant {
        MonotonicInstant(nanoseconds: nanoseconds == 0 ? 0 : nanoseconds - 1)
    }
}

extension Substring {
    /// Without blanks and tabs around it.
    fileprivate var trimmed: Substring {
        drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
    }
}
