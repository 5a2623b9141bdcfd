import Kernel
import Vocabulary

/// Network namespaces that were made for one container and are as new: to make one and to take it away costs the kernel more than anything else in a
/// start.
final class NetworkPool: Sendable {
    private struct State {
        /// As new.
        var free: [NetworkNamespace] = []
        /// To be looked at.
        var used: [NetworkNamespace] = []
        /// One is being looked at.
        var isBusy = false
        var looker: Thread?
        var isClosed = false
        var made = 0
        var usedAgain = 0
    }

    private let state = Monitor(State())

    /// How many are kept.
    private static let limit = 256

    /// One that nobody is in.
    ///
    /// - Throws: `Errno`, where none is left and none can be made.
    func take() throws(Errno) -> NetworkNamespace {
        let free = state.withLock { state in
            let network = state.free.popLast()
            if network == nil { state.made += 1 } else { state.usedAgain += 1 }
            return network
        }
        if let free { return free }
        return try NetworkNamespace()
    }

    /// Nobody is in it any more: it is used again if it is as new. That is looked at by a thread of its own, which a container need not wait for.
    func giveBack(_ network: NetworkNamespace) {
        state.withLock { state in
            state.used.append(network)
            if state.looker == nil { state.looker = try? Thread { [self] in look() } }
        }
    }

    private func look() {
        while true {
            let network = state.wait { state -> NetworkNamespace?? in
                if let network = state.used.popLast() {
                    state.isBusy = true
                    return .some(network)
                }
                return state.isClosed ? .some(nil) : nil
            }
            guard let network else { return }
            // A socket that listened is freed an RCU grace period after its process.
            let isAsNew = network.isAsNew || hasCalmedDown(network)
            state.withLock { state in
                state.isBusy = false
                if isAsNew, state.free.count < NetworkPool.limit { state.free.append(network) }
            }
        }
    }

    private static let gracePeriod = Duration.milliseconds(30)

    private func hasCalmedDown(_ network: NetworkNamespace) -> Bool {
        var poller = Poller()
        try? poller.wait(until: .now.advanced(by: NetworkPool.gracePeriod))
        return network.isAsNew
    }

    /// Ends the thread. Blocks until it has.
    func close() {
        let looker = state.withLock { state in
            state.isClosed = true
            state.used = []
            return state.looker.take()
        }
        looker?.join()
        state.withLock { $0.free = [] }
    }

    /// Until all have been looked at.
    func wait() { state.wait { $0.used.isEmpty && !$0.isBusy ? () : nil } }

    /// How many were made, and how often one was used again.
    var statistics: (made: Int, usedAgain: Int) { state.withLock { ($0.made, $0.usedAgain) } }
}
