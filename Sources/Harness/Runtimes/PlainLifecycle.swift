import Model
import Vocabulary

/// The request that a lifecycle has not answered yet.
enum PendingRequest: Hashable {
    case start, stop, restart, kill, recreate
}

/// Answers one request at a time.
protocol AnsweringLifecycle: Lifecycle {
    var pending: PendingRequest? { get set }
}

extension AnsweringLifecycle {
    /// Answers a request, if it is the one that waits.
    mutating func finish(_ request: PendingRequest) -> [LifecycleCommand] {
        guard pending == request else { return [] }
        pending = nil
        return [.done]
    }
}

/// A stop that is under way.
enum PlainStop: Hashable {
    /// The stop signal has been sent, and PID 1 is waited for until then; nil: without limit.
    case waiting(until: MonotonicInstant?)
    /// SIGKILL has been.
    case killed
}

/// Stops with a signal and, after the grace period, SIGKILL, and starts again in the same layer: what Podman and systemd-nspawn share.
protocol PlainLifecycle: AnsweringLifecycle {
    var state: ContainerState { get set }
    var stop: PlainStop? { get set }
    /// A start has been asked for, and not come of it what will.
    var isStarting: Bool { get set }
    /// A restart was begun: it is started when it has been stopped.
    var startsWhenStopped: Bool { get set }
    /// From SIGKILL until the runtime gives up.
    static var waitAfterKill: Duration { get }

    /// A person starts it, and waits for it or does not: counts begin anew.
    mutating func startByHand(answered: Bool) -> [LifecycleCommand]
    /// A new container, which was never started, takes its place.
    mutating func becomeNew()
}

extension PlainLifecycle {
    mutating func start(byPolicy: Bool) -> [LifecycleCommand] {
        isStarting = true
        return [.start(byPolicy: byPolicy, onNewLayer: false)]
    }

    mutating func kill() -> [LifecycleCommand] {
        stop = .killed
        return [.send(.kill), .wake(after: Self.waitAfterKill)]
    }

    /// Whether the stop under way has a deadline: a kill leaves that as it is.
    var stopHasMoment: Bool { stop != nil && stop != .waiting(until: nil) }

    mutating func due() -> [LifecycleCommand] {
        switch stop {
        case .waiting(until: nil): return finish(.kill)
        case .waiting: return [.note(.graceExpired)] + kill()
        case .killed:
            (stop, startsWhenStopped) = (nil, false)
            return [.note(.stopFailed(reason: "it did not end within \(Self.waitAfterKill.text) of SIGKILL"))]
                + answerStop()
        case nil: return state == .restarting && !isStarting ? start(byPolicy: true) : finish(.kill)
        }
    }

    /// A restart that was to come does not.
    mutating func callOff() -> [LifecycleCommand] {
        guard state == .restarting else { return [] }
        state = .exited
        return [.wake(after: nil), .note(.restartCancelled)]
    }

    mutating func finishStop() -> [LifecycleCommand] { [.note(.stopFinished)] + answerStop() }

    /// Starts it if a restart was begun, unless a request that was answered already has.
    mutating func goOnWithRestart() -> [LifecycleCommand] {
        defer { startsWhenStopped = false }
        return startsWhenStopped && !isStarting && state != .removed ? startByHand(answered: false) : []
    }

    /// What comes after a stop, also after one that failed.
    private mutating func answerStop() -> [LifecycleCommand] {
        switch pending {
        case .restart where state == .removed:
            pending = nil
            return [.refuse(LifecycleRefusal.removed)]
        case .restart where !state.isRunning: return startByHand(answered: true)
        case .recreate:
            becomeNew()
            (state, pending, isStarting, startsWhenStopped) = (.created, nil, false, false)
            return [.remove, .note(.recreated), .done]
        // It is answered when the start that comes now is.
        case .start where startsWhenStopped: return []
        case nil: return []
        case .start, .stop, .kill, .restart:
            pending = nil
            return [.done]
        }
    }
}
