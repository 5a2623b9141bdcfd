import Glibc
import Synchronization

/// A line on a terminal that says how far something is, and is gone when it is over; without a terminal nothing.
final class StatusLine: Sendable {
    private let width: Int?
    private let state = Mutex((shownAt: ContinuousClock.now, done: 0, total: 0))
    /// A terminal need not be told more often.
    private static let interval = Duration.milliseconds(50)

    init() { width = isatty(STDERR_FILENO) == 1 ? CommandLineTool.width(of: STDERR_FILENO) ?? 80 : nil }

    /// - Parameter total: how many runs there will be.
    func begin(of total: Int) {
        state.withLock { $0.total = total }
        show("")
    }

    /// One of the runs is over.
    func step(_ what: String) {
        state.withLock { $0.done += 1 }
        show(what)
    }

    /// How far it is, and what is going on.
    func show(_ what: String) {
        guard let width else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            guard what.isEmpty || now - state.shownAt >= StatusLine.interval else { return }
            state.shownAt = now
            let text = "harness: \(state.done) of \(state.total) runs" + (what.isEmpty ? "" : "  \(what)")
            CommandLineTool.write("\r\u{1B}[K\(text.prefix(width - 1))", to: STDERR_FILENO)
        }
    }

    func end() {
        if width != nil { CommandLineTool.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
