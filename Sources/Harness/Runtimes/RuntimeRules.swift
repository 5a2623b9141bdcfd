import Model
import Vocabulary

/// The rules by which one runtime stops a container and starts it again: machines without clock or processes.
public struct RuntimeRules: Sendable {
    /// How a container is stopped, by its stop signal and its grace period.
    public var makeStop: @Sendable (_ signal: Signal, _ grace: Duration) -> any StopMachine
    /// What becomes of a container that has ended.
    public var makeRestart: @Sendable (RestartPolicy, _ removesItself: Bool) -> any RestartMachine
    /// A container that is started again finds its own layer as it left it; otherwise every life has a new one.
    public var keepsLayer = true

    /// Docker's.
    public static let docker = RuntimeRules(
        makeStop: { DockerStop(signal: $0, grace: $1) }, makeRestart: { DockerRestart($0, removesItself: $1) })
}

/// What happens between "please stop" and "it is gone".
public protocol StopMachine: Sendable {
    /// The first actions; called once, before any `handle`.
    mutating func begin(at now: MonotonicInstant) -> [StopAction]
    /// What to do about what has happened. Nothing happens any more after `finish` or `fail`.
    mutating func handle(_ input: StopInput, at now: MonotonicInstant) -> [StopAction]
}

/// What a stop is told.
public enum StopInput: Hashable, Sendable {
    /// The container's PID 1 has been waited for.
    case exited
    /// The moment that was asked for by `setDeadline` has come.
    case deadline
    /// The signal that was to be sent could not be: the process is gone, or it may not be signalled.
    case sendFailed
}

/// What a stop asks for.
public enum StopAction: Hashable, Sendable {
    case send(Signal)
    /// Wake me then; it replaces the deadline before. `distantFuture`: never.
    case setDeadline(MonotonicInstant)
    case noteGraceExpired
    case finish
    case fail(String)
}

/// Decides what becomes of a container that has ended.
public protocol RestartMachine: Sendable {
    /// How often the policy has started it again since somebody did.
    var count: Int { get }
    /// The next end is the last; a restart that was to come does not.
    var isCancelled: Bool { get }

    /// Somebody starts it.
    mutating func startedByHand()
    /// Somebody stops it. Also a restart that was about to come is called off.
    mutating func stopped()
    /// Somebody stops it, to start it again at once.
    mutating func stoppedToRestart()
    /// Somebody has sent it a signal, as `docker kill` does.
    ///
    /// - Parameter stopSignal: the one that the container is configured with; nil: none.
    mutating func killed(with signal: Signal, stopSignal: Signal?)
    /// It has ended, after a life of this length, with this status.
    mutating func ended(code: Int, after life: Duration) -> RestartDecision
    /// A start has failed.
    mutating func startFailed() -> RestartDecision
    /// The daemon is told to end, and stops its containers.
    mutating func daemonEnds()
    /// A new daemon takes over a container that runs.
    mutating func daemonTakesOver()
    /// A new daemon takes over a container that does not run. True: it starts it.
    ///
    /// - Parameter lastCode: the status of its last life; nil: it was never started.
    mutating func daemonStarts(lastCode: Int?) -> Bool
}

/// What becomes of a container that has ended.
public enum RestartDecision: Hashable, Sendable {
    case restart(after: Duration)
    case stay
    case remove
}
