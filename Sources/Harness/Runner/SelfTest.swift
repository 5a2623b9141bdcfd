import Glibc
import Journal
import Kernel
import Recorder
import Vocabulary

/// Asks each witness what is known already, before it is believed anything: whether it speaks of this process's children at all.
///
/// A child is made, a signal that it blocks is sent to it, it is killed, lies there as a zombie, and is waited for.
enum SelfTest {
    /// - Parameter tracer: asked too; nil: there is none.
    /// - Returns: what the trace did not show; nil where it showed all of it.
    /// - Throws: `CannotRun`, where /proc does not show what is so.
    static func run(_ tracer: Tracer?) throws -> String? {
        let inbox = Inbox()
        tracer?.open(inbox)
        defer { tracer?.close(inbox) }
        do {
            let idler = try tracer.map { try $0.recordStart(for: inbox, Idler.init) } ?? Idler()
            let pid = idler.process.pid
            try idler.process.send(signal)
            try expect(ProcFS.find(pid)?.parent == ProcessID(rawValue: getpid()), "a child of this process")
            try expect(ProcFS.pendingSignals(of: pid) == [signal], "a signal that waits for a process")
            try idler.end()
            try expect(ProcFS.find(pid)?.isZombie == true, "a zombie of this process")
            _ = try idler.process.reap(blocking: true)
            try expect(ProcFS.find(pid) == nil, "that a zombie is gone when it has been waited for")
            guard let tracer else { return nil }
            return missing(in: inbox.take(until: tracer.catchUp()), of: pid)
        } catch let error as Errno {
            throw CannotRun(reason: "no process can be made: \(error)", remedy: Surroundings.remedy(for: error))
        }
    }

    private static let signal = Signal.usr1

    private static func expect(_ isSo: Bool, _ what: String) throws {
        if isSo { return }
        throw CannotRun(
            reason: "/proc does not show \(what)", remedy: "mount one of this PID namespace: mount -t proc proc /proc")
    }

    /// What the trace should have shown of the child.
    private static func missing(in events: [Event], of pid: ProcessID) -> String? {
        func isThere(_ isIt: (KernelEvent) -> Bool) -> Bool {
            events.contains { if case .kernel(let fact) = $0.kind { isIt(fact) } else { false } }
        }
        for signal in [signal, .kill]
        where !isThere({ if case .signalled(signal, pid, _, .queued) = $0 { true } else { false } }) {
            return "the trace did not show a signal to a child of this process"
        }
        if !isThere({ $0 == .exited(pid) }) { return "the trace did not show the end of a child of this process" }
        return nil
    }
}
