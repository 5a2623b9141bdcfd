import Kernel
import Sandbox

/// The threads that run containers: each has a mount tree of its own, which costs something to make, and is kept for what comes next.
final class Workers: Sendable {
    /// What a thread does, once it can run containers; or why it cannot.
    typealias Work = @Sendable (CannotRun?) -> Void

    private struct State {
        var threads: [Thread] = []
        /// How many of them wait for work, that which is queued for them not counted.
        var idle = 0
        var queue: [Work] = []
        var isClosed = false
    }

    private let host: SandboxHost
    private let state = Monitor(State())

    init(_ host: SandboxHost) {
        self.host = host
    }

    /// Has a thread do something; one is made where all are busy.
    ///
    /// - Throws: `Errno.wouldBlock` where there are too many threads already.
    func submit(_ work: @escaping Work) throws(Errno) {
        let isTaken = state.withLock(waking: .one) { state in
            guard state.idle > 0 else { return false }
            state.idle -= 1
            state.queue.append(work)
            return true
        }
        if isTaken { return }
        let thread = try Thread { [self] in
            var reason: CannotRun?
            do {
                try host.enter()
            } catch {
                reason = CannotRun(error)
            }
            work(reason)
            while let next = next() { next(reason) }
        }
        state.withLock(waking: .none) { $0.threads.append(thread) }
    }

    private func next() -> Work? {
        state.withLock(waking: .none) { $0.idle += 1 }
        return state.wait(waking: .none) { state -> Work?? in
            if !state.queue.isEmpty { return .some(state.queue.removeFirst()) }
            return state.isClosed ? .some(nil) : nil
        }
    }

    /// Ends the threads, and with them their mount trees. Blocks until they have; none may be busy.
    func close() {
        let threads = state.withLock { state in
            state.isClosed = true
            defer { state.threads = [] }
            return state.threads
        }
        for thread in threads { thread.join() }
    }
}
