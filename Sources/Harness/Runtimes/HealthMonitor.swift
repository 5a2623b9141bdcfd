import Model
import Vocabulary

/// Finds out how a container is, by a command that is carried out in it again and again: Docker's health check, a kubelet's liveness probe.
///
/// A machine without clock or processes, as `Lifecycle` is.
public struct HealthMonitor: Hashable, Sendable {
    public enum Health: Hashable, Sendable {
        /// It is not known yet.
        case starting
        case healthy, unhealthy
    }

    /// What it wants done.
    public enum Command: Hashable, Sendable {
        /// Carry the command out; what takes longer than the limit is killed.
        case run([String], limit: Duration)
        /// Come back then; nil: never.
        case wake(after: Duration?)
        /// It is another than it was.
        case became(Health)
    }

    /// What a runtime does where a check says nothing.
    public struct Defaults: Hashable, Sendable {
        /// From the start to the first check.
        var firstDelay: Duration?
        var interval: Duration
        var limit: Duration
        var retries: Int
        /// In the start period, in place of the interval.
        var startInterval: Duration?

        /// moby, daemon/health.go: the first check comes after an interval.
        static let docker = Defaults(interval: .seconds(30), limit: .seconds(30), retries: 3)
        /// From 25 on checks come every 5 s in the start period (daemon/health.go: defaultStartInterval), also where the interval is shorter.
        static let docker25 = Defaults(
            interval: .seconds(30), limit: .seconds(30), retries: 3, startInterval: .seconds(5))
        /// The API's periodSeconds, timeoutSeconds and failureThreshold; the first probe comes without delay.
        static let kubernetes = Defaults(firstDelay: .zero, interval: .seconds(10), limit: .seconds(1), retries: 3)
    }

    private let command: [String]
    private let firstDelay: Duration
    private let startInterval: Duration?
    private let interval: Duration
    private let limit: Duration
    private let retries: Int
    private let startPeriod: Duration
    public private(set) var health = Health.starting
    private var failures = 0
    private var startedAt: MonotonicInstant?
    private var isRunning = false

    /// - Parameter defaults: what the check does not say.
    public init(_ check: HealthCheck, _ defaults: Defaults) {
        command = check.command
        interval = check.interval ?? defaults.interval
        startInterval = check.startPeriod == nil ? nil : defaults.startInterval
        firstDelay = defaults.firstDelay ?? startInterval ?? interval
        limit = check.limit ?? defaults.limit
        retries = check.retries ?? defaults.retries
        startPeriod = check.startPeriod ?? .zero
    }

    /// PID 1 runs.
    public mutating func started(at now: MonotonicInstant) -> [Command] {
        (health, failures, startedAt, isRunning) = (.starting, 0, now, false)
        return [.wake(after: firstDelay)]
    }

    /// PID 1 has ended.
    public mutating func ended() -> [Command] {
        (startedAt, isRunning) = (nil, false)
        return [.wake(after: nil)]
    }

    /// Its processes are frozen: nothing is looked at until they go on.
    public mutating func paused() -> [Command] {
        isRunning = false
        return [.wake(after: nil)]
    }

    /// They go on.
    public mutating func resumed() -> [Command] { startedAt == nil ? [] : [.wake(after: interval)] }

    /// The moment has come that was asked for.
    public mutating func due() -> [Command] {
        guard startedAt != nil, !isRunning else { return [] }
        isRunning = true
        return [.run(command, limit: limit)]
    }

    /// The command has ended with this status, or could not be carried out in time: 137.
    public mutating func checked(code: Int, at now: MonotonicInstant) -> [Command] {
        guard let startedAt, isRunning else { return [] }
        isRunning = false
        let before = health
        if code == 0 {
            (health, failures) = (.healthy, 0)
        } else if health != .starting || now.duration(since: startedAt) >= startPeriod {
            failures += 1
            if failures >= retries { health = .unhealthy }
        }
        let isStarting = health == .starting && now.duration(since: startedAt) < startPeriod
        return (health == before ? [] : [.became(health)])
            + [.wake(after: isStarting ? startInterval ?? interval : interval)]
    }
}
