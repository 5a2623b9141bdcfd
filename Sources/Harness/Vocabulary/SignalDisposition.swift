/// What a process does with a signal that comes (proc_pid_status(5): SigCgt, SigIgn, SigBlk).
public enum SignalDisposition: Hashable, Sendable {
    /// It has a handler.
    case caught
    /// It blocks the signal: to take it with sigwait(3) or signalfd(2), or for a moment.
    case blocked
    /// SIG_IGN.
    case ignored
    /// SIG_DFL; the kernel drops such a signal to a PID 1 (pid_namespaces(7)).
    case defaultAction

    /// Whether a PID 1 gets to know of the signal.
    public var isHeard: Bool { self == .caught || self == .blocked }
}
