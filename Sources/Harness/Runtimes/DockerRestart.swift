import Model
import Vocabulary

/// When Docker starts a container again that has ended: a machine without clock or processes.
///
/// The rules are those of moby (29): the delays of daemon/internal/restartmanager/restartmanager.go, the count of
/// daemon/monitor.go, what a stop or a kill by hand changes of daemon/kill.go and daemon/start.go.
public struct DockerRestart: RestartMachine, Hashable {
    /// Before the first restart, and after a life that was long enough.
    public static let firstDelay = Duration.milliseconds(100)
    /// No delay is longer.
    public static let longestDelay = Duration.seconds(60)
    /// A life of this length takes the delay back to the first; the count stays.
    public static let longLife = Duration.seconds(10)

    private let policy: RestartPolicy
    /// As `docker run --rm`.
    private let removesItself: Bool
    public private(set) var count = 0
    /// The delay before the last restart; zero: there was none.
    private var delay: Duration = .zero
    /// It was stopped by hand, or sent any signal by hand (HasBeenManuallyStopped).
    private var isStoppedByHand = false
    /// It is being restarted by hand (HasBeenManuallyRestarted).
    private var isRestartedByHand = false
    /// The manager has been told so (ExitOnNext).
    public private(set) var isCancelled = false

    public init(_ policy: RestartPolicy, removesItself: Bool = false) {
        self.policy = policy
        self.removesItself = removesItself
    }

    /// Everything begins anew (daemon/start.go, resetRestartManager).
    public mutating func startedByHand() { self = DockerRestart(policy, removesItself: removesItself) }

    public mutating func stopped() {
        isStoppedByHand = true
        isCancelled = true
    }

    /// It is not removed in between (daemon/restart.go).
    public mutating func stoppedToRestart() {
        stopped()
        isRestartedByHand = true
    }

    /// Where no stop signal is configured every signal counts as a stop (daemon/kill.go).
    public mutating func killed(with signal: Signal, stopSignal: Signal?) {
        if stopSignal == nil || signal == .kill || signal == stopSignal { isCancelled = true }
        isStoppedByHand = true
    }

    public mutating func ended(code: Int, after life: Duration) -> RestartDecision {
        if life >= DockerRestart.longLife { delay = .zero }
        guard isWanted(after: code), !isCancelled else { return removesItself && !isRestartedByHand ? .remove : .stay }
        delay = delay == .zero ? DockerRestart.firstDelay : min(delay * 2, DockerRestart.longestDelay)
        count += 1
        return .restart(after: delay)
    }

    /// What the policy says, whether or not it was cancelled.
    private func isWanted(after code: Int) -> Bool {
        switch policy {
        case .no: false
        case .always: true
        case .unlessStopped: !isStoppedByHand
        case .onFailure(let limit): code != 0 && limit.map { count < $0 } ?? true
        }
    }

    /// There is no further one (daemon/monitor.go).
    public mutating func startFailed() -> RestartDecision {
        isCancelled = true
        return removesItself ? .remove : .stay
    }

    /// It is no stop by hand (daemon/kill.go).
    public mutating func daemonEnds() { isCancelled = true }

    /// Its managers are new, with the old count: who cancelled the former ones is forgotten, who stopped the container is
    /// not (daemon/daemon.go, restore).
    public mutating func daemonTakesOver() {
        isCancelled = false
        delay = .zero
    }

    /// The policy is asked at once; what it has started begins anew (daemon/daemon.go, restore).
    public mutating func daemonStarts(lastCode: Int?) -> Bool {
        daemonTakesOver()
        guard let lastCode, isWanted(after: lastCode) else { return false }
        startedByHand()
        return true
    }
}
