import Journal
import Model

/// Is told of runs while they go on: what it writes down outlives a harness that is killed.
///
/// Called from the threads that run containers, which wait for it.
public protocol RunFollower: Sendable {
    /// A run begins.
    ///
    /// - Returns: its number, unique among those of this follower.
    func begin(_ run: BegunRun) -> Int

    /// What has been learned of a run that has begun, in the order in which it was learned.
    func learn(_ events: [Event], run: Int, container: String?)
}

/// A run whose verdict is not known yet.
public struct BegunRun: Sendable {
    let result: RunResult

    /// - Parameter result: the run as it begins; its verdict and its events do not count.
    public init(_ result: RunResult) { self.result = result }
}
