import Kernel
import Synchronization

/// Network namespaces that were made for one container and are as new: to make one and to take it away costs the kernel more than anything else in a start.
final class NetworkPool: Sendable {
    private let free = Mutex<[NetworkNamespace]>([])
    private let counts = Mutex<(made: Int, usedAgain: Int)>((0, 0))

    /// How many are kept.
    private static let limit = 256

    /// One that nobody is in.
    ///
    /// - Throws: `Errno`, where none is left and none can be made.
    func take() throws(Errno) -> NetworkNamespace {
        if let network = free.withLock({ $0.popLast() }) {
            counts.withLock { $0.usedAgain += 1 }
            return network
        }
        let network = try NetworkNamespace()
        counts.withLock { $0.made += 1 }
        return network
    }

    /// Nobody is in it any more: it is used again if it is as new.
    func giveBack(_ network: NetworkNamespace) {
        guard network.isAsNew else { return }
        free.withLock { if $0.count < NetworkPool.limit { $0.append(network) } }
    }

    /// How many were made, and how often one was used again.
    var statistics: (made: Int, usedAgain: Int) { counts.withLock { $0 } }
}
