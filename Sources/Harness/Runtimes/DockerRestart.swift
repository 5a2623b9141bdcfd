import Model
import Vocabulary

/// When Docker starts a container again that has ended: a machine without clock or processes.
///
/// The rules are those of moby (29): the delays of daemon/internal/restartmanager/restartmanager.go, the count of
/// daemon/monitor.go, what a stop or a kill by hand changes of daemon/kill.go and daemon/start.go.
public struct DockerRestart: Sendable {
    /// Before the first restart, and after a life that was long enough.
    public static let firstDelay = Duration.milliseconds(100)
    /// No delay is longer.
    public static let longestDelay = Duration.seconds(60)
    /// A life of this length takes the delay back to the first; the count stays.
    public static let longLife = Duration.seconds(10)

    public enum Decision: Hashable, Sendable {
        case restart(after: Duration)
        case stay
    }

    private let policy: RestartPolicy
    /// How often the policy has started it again since somebody did.
    public private(set) var count = 0
    /// The delay before the last restart; zero: there was none.
    private var delay: Duration = .zero
    /// Somebody has stopped it, or sent it any signal (HasBeenManuallyStopped).
    private var isStoppedByHand = false
    /// The manager has been told that the next end is the last (ExitOnNext); a restart that was to come does not.
    public private(set) var isCancelled = false

    public init(_ policy: RestartPolicy) {
        self.policy = policy
    }

    /// Somebody starts it: everything begins anew (daemon/start.go, resetRestartManager).
    public mutating func startedByHand() { self = DockerRestart(policy) }

    /// Somebody stops it. Also a restart that was about to come is called off.
    public mutating func stopped() {
        isStoppedByHand = true
        isCancelled = true
    }

    /// Somebody has sent it a signal, as `docker kill` does.
    ///
    /// - Parameter stopSignal: the one that the container is configured with; nil: none, then every signal counts as a stop.
    public mutating func killed(with signal: Signal, stopSignal: Signal?) {
        if stopSignal == nil || signal == .kill || signal == stopSignal { isCancelled = true }
        isStoppedByHand = true
    }

    /// It has ended, after a life of this length, with this status.
    public mutating func ended(code: Int, after life: Duration) -> Decision {
        if life >= DockerRestart.longLife { delay = .zero }
        let wants =
            switch policy {
            case .no: false
            case .always: true
            case .unlessStopped: !isStoppedByHand
            case .onFailure(let limit): code != 0 && limit.map { count < $0 } ?? true
            }
        guard wants, !isCancelled else { return .stay }
        delay = delay == .zero ? DockerRestart.firstDelay : min(delay * 2, DockerRestart.longestDelay)
        count += 1
        return .restart(after: delay)
    }

    /// A start that the policy has made has failed: there is no further one (daemon/monitor.go).
    public mutating func startFailed() { isCancelled = true }
}
