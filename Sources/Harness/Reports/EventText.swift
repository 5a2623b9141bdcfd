import Expectations
import Journal
import Language
import Model
import Vocabulary

/// Events in words.
extension JournalView {
    /// One event as a line for people: the time since the start, who vouches for it, what happened.
    ///
    /// - Parameter steps: those of the scenario: with them each is told by its line.
    public func line(_ event: Event, of steps: [Step] = []) -> String {
        let time = (journal.origin ?? start).map { "\(event.instant.duration(since: $0).rounded)" } ?? ""
        let padding = String(repeating: " ", count: max(0, 9 - time.count))
        var (source, text) = sentence(event)
        if case .mark(.stepBegan(let number)) = event.kind, steps.indices.contains(number) {
            text = "\(steps[number].place.line): \(steps[number].text)"
        }
        let gap = String(repeating: " ", count: max(1, 9 - source.count))
        return "\(padding)\(time)  \(source)\(gap)\(text.bounded.printable)"
    }

    /// Who vouches for an event, and what happened.
    func sentence(_ event: Event) -> (source: String, text: String) {
        switch event.kind {
        case .runtime(let fact): ("runtime", sentence(fact, event.instant))
        case .kernel(.disposition(let pid, let signal, let disposition)):
            ("harness", "\(label(pid, at: event.instant)) \(verb(disposition)) \(signal)")
        case .kernel(let fact): ("kernel", sentence(fact, event.instant))
        case .said(let word, let pid): ("service", "\(label(pid, at: event.instant)): \(sentence(word))")
        case .printed(let text, let stream, _): (stream.rawValue, withSignalNames(text.bounded.withoutTerminalControl))
        case .looked(let fact): ("harness", sentence(fact))
        case .listening(let ports): ("harness", Ports.sentence(ports))
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

    private func sentence(_ event: RuntimeEvent, _ now: MonotonicInstant) -> String {
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

    private func sentence(_ event: KernelEvent, _ now: MonotonicInstant) -> String {
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
            return "\(signal) from \(self.name(sender, of: signal, to: target, at: now)) to \(name(target)): "
                + sentence(fate, signal, target, now)
        case .delivered(let signal, let pid, true): return "\(signal) took effect in \(name(pid)): its handler runs"
        case .delivered(let signal, let pid, false): return sentenceOfDefault(signal, pid, now)
        case .disposition: return ""
        case .limitMet(let limit): return sentence(limit, now)
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
    private func sentenceOfDefault(_ signal: Signal, _ pid: ProcessID, _ now: MonotonicInstant) -> String {
        let name = label(pid, at: now)
        if signal != .kill { return "\(signal) took effect in \(name): default action" }
        guard let index = index(of: pid, at: now) else { return "a fatal signal took effect in \(name)" }
        if let cause = tree.processes[index].endedBy { return "\(cause) ends \(name): default action" }
        return tree.processes[index].manner == .exited
            ? "\(name) calls exit: its other threads end"
            : "\(name) ends: by a fatal signal, or with the thread that called exit"
    }

    private func sentence(_ fate: SignalFate, _ signal: Signal, _ target: ProcessID, _ now: MonotonicInstant) -> String
    {
        switch fate {
        case .queued: "queued"
        case .ignored: "dropped by the kernel: \(reasonOfDrop(signal, target, now))"
        case .alreadyPending: "merged with one that was waiting already"
        case .queueFull: "lost, the queue was full"
        case .informationLost: "queued, without its sender"
        }
    }

    /// What the container was short of, each once, in a sentence that names the setting.
    public var limitsMet: [String] {
        var result: [String] = []
        for event in index.limits.map({ journal.events[$0] }) {
            guard case .kernel(.limitMet(let limit)) = event.kind else { continue }
            let sentence = sentence(limit, event.instant)
            if !result.contains(sentence) { result.append(sentence) }
        }
        return result
    }

    private func sentence(_ limit: MetLimit, _ now: MonotonicInstant) -> String {
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

    private func verb(_ disposition: SignalDisposition) -> String {
        switch disposition {
        case .caught: "has a handler for"
        case .blocked: "blocks, or waits for,"
        case .ignored: "ignores"
        case .defaultAction: "has no handler for"
        }
    }

    private func sentence(_ word: ServiceWord) -> String {
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

    private func sentence(_ fact: FileFact) -> String {
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

extension String {
    /// Its lines, each so that no terminal obeys it.
    var printableLines: [String] { split(separator: "\n").map { String($0).printable } }

    /// A text that an init may have made as long as it likes, in a report: its beginning, and how much there is besides.
    package var bounded: String {
        guard utf8.count > String.longestShown else { return self }
        let shown = prefix(String.longestShown)
        return "\(shown)… (\(utf8.count - shown.utf8.count) bytes more)"
    }

    private static let longestShown = 400
}
