import Model
import Vocabulary

/// One container by the rules of one runtime: when PID 1 is started, which signals it is sent, when it is killed, whether it comes again.
///
/// A machine without clock or processes: it is told what is asked for and what has happened, and says what is to be done, in this order.
/// Its commands are carried out at once, and it is told what has come of them before anything else. A request that was asked for is answered by
/// one `done` or `refuse`, at once or later, and no other is asked for until then. One that was begun is answered only where it is refused:
/// others may come while it is under way.
public protocol Lifecycle: Sendable {
    /// How the container is, as the runtime says.
    var state: ContainerState { get }

    /// - Parameter now: when it has happened; never before the last time.
    mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand]
}

/// How a container is, as its runtime sees it.
public enum ContainerState: Hashable, Sendable {
    /// PID 1 has never run.
    case created
    case running
    case paused
    /// It has ended, and will be started again.
    case restarting
    case exited
    /// It is there no more.
    case removed

    /// Whether there is a PID 1.
    public var isRunning: Bool { self == .running || self == .paused }
}

/// What a lifecycle is told.
public enum LifecycleInput: Hashable, Sendable {
    case asked(Request)
    /// A start, a stop or a restart is asked for by a caller who does not wait for it.
    case begun(Request)
    /// The clients of what was begun are gone, before it was over.
    case clientGone
    /// PID 1 runs.
    case started
    /// It could not be started, for this errno.
    case startFailed(Int32)
    /// PID 1 has been waited for.
    case ended(ExitStatus)
    /// The moment that was asked for by `wake` has come.
    case due
    /// The hook that was to be run has ended with this status, or could not be started, 126 or 127.
    case hookEnded(code: Int)
    /// Its health check has failed too often.
    case unhealthy
    /// A signal that was to be sent could not be: the process is gone, or it may not be signalled.
    case sendFailed(Signal)
}

/// What a person, or another program, asks of a runtime.
public enum Request: Hashable, Sendable {
    case start
    /// The stop signal, and SIGKILL after the grace period; a negative one has no end. Nil: that of the container.
    case stop(grace: Duration?)
    case kill(Signal)
    /// A stop will follow: what comes before the stop signal is done now.
    case prepareStop
    case restart(grace: Duration?)
    case pause
    case resume
    /// A further process is to be started in it.
    case exec
    /// A new container in the place of this one, which is killed if it still runs.
    case recreate
    /// The engine ends, or is killed, and another one takes over.
    case replaceDaemon(isKilled: Bool)
}

/// What a lifecycle wants done.
public enum LifecycleCommand: Hashable, Sendable {
    /// Start PID 1; what comes of it is `started` or `startFailed`.
    ///
    /// - Parameters:
    ///   - byPolicy: nobody has asked for it: where it fails, the status of the last life stays.
    ///   - onNewLayer: what the container has written to its own layer is gone; otherwise it is there, if there was one.
    case start(byPolicy: Bool, onNewLayer: Bool)
    case send(Signal)
    case freeze
    case thaw
    /// Start a further process in the container; what comes of it is `hookEnded`. First cancels a hook that still runs.
    case runHook([String])
    /// Kill the hook that runs. Its status is ignored.
    case cancelHook
    /// Come back when that much has passed since the commands before it were carried out; in place of any moment before. Nil: never.
    case wake(after: Duration?)
    /// Come back then.
    case wakeAt(MonotonicInstant)
    case note(LifecycleNote)
    /// Take the container away, with its layer; a PID 1 that runs is killed.
    case remove
    /// What was asked for is done; the runtime would answer its caller now.
    case done
    /// What was asked for cannot be, for this reason.
    case refuse(String)
}

/// What a runtime would write into its log.
public enum LifecycleNote: Hashable, Sendable {
    case startRequested
    case stopRequested(Signal, grace: Duration)
    /// It is being stopped, and the runtime calls that a state of its own.
    case stopping
    case graceExpired
    case stopFinished
    /// PID 1 outlives what the runtime waits for.
    case stopFailed(reason: String)
    /// After this time, counted from the end; for the `count`th time.
    case restartScheduled(after: Duration, count: Int)
    case restartCancelled
    case removed
    case recreated
    case daemonEnded(isKilled: Bool)
    case daemonStarted
}

/// What a runtime knows of a container beforehand.
public struct ContainerPolicy: Hashable, Sendable {
    /// With which it is configured; nil: with none.
    public var stopSignal: Signal?
    /// From the stop signal to SIGKILL, where a request says nothing; nil: the runtime's own.
    public var grace: Duration?
    /// What is run inside when it has been started.
    public var postStart: [String]?
    /// What is run inside before the stop signal is sent.
    public var preStop: [String]?
    public var restart: RestartPolicy
    /// It is removed when it has ended.
    public var removesItself: Bool
    /// It goes on while the engine is away.
    public var isLiveRestored: Bool
    /// PID 1's program and its arguments.
    public var command: [String]
    /// The engine's major version, where its rules have changed; nil: that on which they were tried.
    public var engineVersion: Int?
    /// What a kubelet runs containers with; nil: containerd.
    public var engine: ContainerEngine?
    /// How many times faster than the runtime's its clocks run: those of restarts, and of a grace period of its own.
    public var speed: Double

    /// What Docker gives a container without options, but for the parameters.
    public init(
        stopSignal: Signal? = nil, grace: Duration? = nil, postStart: [String]? = nil, preStop: [String]? = nil,
        restart: RestartPolicy = .no,
        removesItself: Bool = false, isLiveRestored: Bool = false, command: [String] = [],
        engineVersion: Int? = nil, engine: ContainerEngine? = nil, speed: Double = 1
    ) {
        self.stopSignal = stopSignal
        self.grace = grace
        self.postStart = postStart
        self.preStop = preStop
        self.restart = restart
        self.removesItself = removesItself
        self.isLiveRestored = isLiveRestored
        self.command = command
        self.engineVersion = engineVersion
        self.engine = engine
        self.speed = speed
    }

    /// Whether Podman takes the program for systemd: /sbin/init and its kin, or what is called systemd; it looks through `/bin/sh -c`
    /// (pkg/specgen/generate/container_create.go).
    public var isSystemd: Bool {
        var words = command[...]
        if words.count > 2, words.starts(with: ["/bin/sh", "-c"]) {
            words = words.dropFirst(2)
        }
        guard let program = words.first else { return false }
        return ["/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"].contains(program)
            || program.split(separator: "/").last == "systemd"
    }
}
