import Kernel
import Synchronization
import Vocabulary

/// How sweeps are carried out.
public struct SweepOptions: Sendable {
    /// How many moments a sweep has at most: of more these are taken, at equal distances.
    public var limit = 1000
    /// Called as runs of a sweep end, from the threads that carry it out.
    public var onProgress: @Sendable (SweepProgress) -> Void = { _ in }

    public init() {}

    /// - Returns: to be called as each of the runs ends.
    func progress(of title: String, _ total: Int) -> @Sendable () -> Void {
        let began = MonotonicInstant.now
        let done = Mutex(0)
        return { [onProgress] in
            let count = done.withLock { count in
                count += 1
                return count
            }
            let left = MonotonicInstant.now.duration(since: began) * (total - count) / count
            onProgress(SweepProgress(title: title, done: count, total: total, left: left))
        }
    }
}

/// How far a sweep is.
public struct SweepProgress: Sendable {
    /// The scenario's.
    public let title: String
    /// Runs that are over.
    public let done: Int
    /// Runs in all; those at events that were missed are made again.
    public let total: Int
    /// How long the rest takes, if it goes on as it has.
    public let left: Duration
}
