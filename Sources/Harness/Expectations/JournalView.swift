import Journal
import Model
import Vocabulary

/// A journal up to a moment, with what can be derived from it once and asked often.
public struct JournalView: Sendable {
    public let journal: Journal
    public let tree: ProcessTree
    /// When PID 1 was started; where the clock of the report begins.
    public let start: MonotonicInstant?

    public init(_ journal: Journal) {
        self.journal = journal
        tree = ProcessTree(journal)
        start =
            journal.events.first {
                if case .runtime(.started) = $0.kind { true } else { false }
            }?.instant
    }

    /// What has happened since the container was started, or made anew, the last time, that included.
    var present: ArraySlice<Event> {
        let start = journal.events.lastIndex { event in
            switch event.kind {
            case .runtime(.started), .runtime(.startFailed), .runtime(.recreated): true
            default: false
            }
        }
        return journal.events[(start ?? journal.events.startIndex)...]
    }

    /// The process that somebody is, in this journal.
    func index(of party: Party) -> Int? {
        switch party {
        case .initProcess: tree.root
        case .service(let name): tree.index(named: name)
        case .runtime: nil
        }
    }

    /// What a person calls the process of this number.
    func label(_ pid: ProcessID) -> String {
        tree.index(of: pid).map(tree.label) ?? labelOfFormer(pid)
    }

    private func labelOfFormer(_ pid: ProcessID) -> String {
        tree.processes.lastIndex { $0.pid == pid }.map(tree.label) ?? "process \(pid)"
    }

    /// Whether a number belongs to the container.
    func isInside(_ pid: ProcessID) -> Bool {
        tree.processes.contains { $0.pid == pid }
    }
}

extension JournalView {
    /// One event as a line for people: the time since the start, who vouches for it, what happened.
    public func line(_ event: Event) -> String {
        let time = start.map { "\(event.instant.duration(since: $0).rounded)" } ?? ""
        let padding = String(repeating: " ", count: max(0, 9 - time.count))
        let (source, text) = words(event.kind)
        return
            "\(padding)\(time)  \(source)\(String(repeating: " ", count: max(1, 9 - source.count)))\(printable(text))"
    }

    /// What runs inside may print or call itself what it likes: control characters are shown, not obeyed.
    private func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
            return text
        }
        return text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }.joined()
    }

    private func words(_ kind: Event.Kind) -> (source: String, text: String) {
        switch kind {
        case .runtime(let event): ("runtime", words(event))
        case .kernel(let event): ("kernel", words(event))
        case .said(let word, let pid): ("service", "\(label(pid)): \(words(word))")
        case .printed(let text, let stream, _): (stream.rawValue, text.withoutTerminalControl)
        case .looked(let fact): ("harness", words(fact))
        case .dropped(let bytes, let source): ("harness", "\(bytes) bytes of \(source) were not kept")
        case .mark(.stepBegan(let step)): ("scenario", "step \(step + 1)")
        case .mark(.asked(let step)): ("scenario", "the expectation of step \(step + 1) is asked")
        }
    }

    private func words(_ event: RuntimeEvent) -> String {
        switch event {
        case .started(let pid, let program): "started PID 1: \(program) (\(pid) outside)"
        case .startFailed(let stage, let code): "could not start: \(stage) (status \(code))"
        case .stopRequested(let signal, let grace): "stop: \(signal), then \(grace < .zero ? "no limit" : grace.text)"
        case .sent(let signal, let pid): "sent \(signal) to \(label(pid))"
        case .sendFailed(let signal, let pid, let reason): "could not send \(signal) to \(label(pid)): \(reason)"
        case .graceExpired: "the grace period is over"
        case .exited(let status): "PID 1 \(status)"
        case .startRequested: "start"
        case .restartScheduled(let time, let count): "restart \(count) in \(time.text)"
        case .restartCancelled: "the restart is called off"
        case .execStarted(let pid, let program): "exec: \(program) (\(pid) outside)"
        case .execFailed(let stage, let code): "exec failed: \(stage) (status \(code))"
        case .execTimedOut(let pid): "the time of exec is over: \(pid) is killed"
        case .execEnded(_, let status): "exec \(status)"
        case .paused: "paused"
        case .resumed: "resumed"
        case .recreated: "a new container"
        case .volumeRemoved(let name, _): "removed the volume \(name)"
        case .stopFinished: "stop complete"
        case .stopFailed(let reason): "stop failed: \(reason)"
        case .removed: "removed the container"
        case .daemonEnded(let isKilled): isKilled ? "the daemon is killed" : "the daemon ends"
        case .daemonStarted: "a new daemon"
        }
    }

    private func words(_ event: KernelEvent) -> String {
        switch event {
        case .forked(let child, let parent, _):
            isInside(parent)
                ? "\(label(parent)) forked \(child)"
                : tree.processes.contains { $0.pid == child && $0.isInjected }
                    ? "process \(child) is put into the container" : "PID 1 is process \(child)"
        case .executed(let pid, let path): "\(label(pid)) became \(path)"
        case .exited(let pid): "\(label(pid)) exited"
        case .freed(let pid): "\(label(pid)) was reaped"
        case .waited(let waiter, let target): "\(label(waiter)) waits for \(target.map(label) ?? "any child")"
        case .signalled(let signal, let target, let sender, let fate):
            "\(signal) from \(words(sender)) to \(label(target)): \(words(fate))"
        case .delivered(let signal, let pid, let hasHandler):
            "\(signal) took effect in \(label(pid)): \(hasHandler ? "its handler runs" : "default action")"
        case .census(let entries): "\(entries.count) processes, \(entries.count { $0.isZombie }) of them zombies"
        case .absent(let pids): "nothing is left of \(pids.count) that had exited"
        case .lost(let count): "\(count) events were lost"
        }
    }

    func words(_ sender: SignalSender) -> String {
        switch sender {
        case .process(let pid): isInside(pid) ? label(pid) : "outside"
        case .kernel(let pid): isInside(pid) ? "the kernel (at the doing of \(label(pid)))" : "the kernel"
        }
    }

    private func words(_ fate: SignalFate) -> String {
        switch fate {
        case .queued: "queued"
        case .ignored: "dropped by the kernel, there is no handler for it"
        case .alreadyPending: "merged with one that was waiting already"
        case .queueFull: "lost, the queue was full"
        case .informationLost: "queued, without its sender"
        }
    }

    private func words(_ word: ServiceWord) -> String {
        switch word {
        case .hello(let name): "I am \(name)"
        case .executes(let program): "I become \(program)"
        case .ready: "I am ready"
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
        return head + ", \(status.sizeInBytes) bytes: \(Spelling.quoted(String(text.prefix(80))))"
    }
}

extension String {
    /// A line of a terminal without what is not to be read: its colours, its carriage return.
    package var withoutTerminalControl: String {
        var result: [UInt8] = []
        var bytes = Array(utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 0x1B, bytes.first == 0x5B else {
                result.append(byte)
                continue
            }
            // A control sequence (ECMA-48, 5.4) ends with its first byte from 0x40 on.
            bytes.removeFirst()
            while let next = bytes.popFirst(), !(0x40...0x7E).contains(next) {}
        }
        if result.last == 0x0D { result.removeLast() }
        return String(decoding: result, as: UTF8.self)
    }
}
