/// How a process ended, as wait(2) tells it.
public enum ExitStatus: Hashable, Sendable {
    /// It called exit with this code, 0 to 255.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Signal, dumpedCore: Bool)
}

extension ExitStatus: CustomStringConvertible {
    public var description: String {
        switch self {
        case .exited(let code): "exited \(code)"
        case .signaled(let signal, let dumpedCore): "died of \(signal)" + (dumpedCore ? " (core dumped)" : "")
        }
    }
}
