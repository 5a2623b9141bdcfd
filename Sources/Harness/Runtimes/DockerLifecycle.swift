import Model
import Vocabulary

/// One container as Docker's daemon drives it.
///
/// The rules are those of moby (29): daemon/start.go, stop.go, kill.go, restart.go, pause.go, monitor.go, and daemon.go for the end of one
/// daemon and the start of the next; when it comes again is its restart manager's to say.
public struct DockerLifecycle<Manager: RestartMachine>: Lifecycle {
    private let policy: ContainerPolicy
    private var manager: Manager
    public private(set) var state = ContainerState.created
    /// The stop that is under way.
    private var stop: Stop?
    /// The request that is not answered yet.
    private var pending: Pending?
    /// A start has been asked for, and not come of it what will.
    private var isStarting = false
    /// The policy has asked for it.
    private var isStartByPolicy = false
    /// A restart was begun: it is started when it has been stopped.
    private var startsWhenStopped = false
    private var startedAt = MonotonicInstant(nanoseconds: 0)
    /// The status of its last life; nil: it was never started.
    private var lastCode: Int?

    private enum Stop: Hashable {
        /// For PID 1's end; nil: without limit.
        case waiting(until: MonotonicInstant?)
        case killed, killedDirectly
    }

    /// What is waited for, and what comes then.
    private enum Pending: Hashable {
        case start
        case stop, restart
        /// An end that is certain.
        case kill
        /// The old daemon stops it; the new one does.
        case daemonEnd(isKilled: Bool), daemonStart
    }

    /// - Parameter manager: decides what becomes of it when it has ended.
    public init(_ policy: ContainerPolicy, manager: Manager) {
        self.policy = policy
        self.manager = manager
    }

    // MARK: - Inputs

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(let request): return answer(request, now)
        case .begun(let request): return begin(request, now)
        case .started:
            isStarting = false
            state = .running
            return finish(.start)
        case .startFailed(let errno): return startFailed(errno)
        case .ended(let status): return ended(status, now)
        case .due: return due(now)
        case .sendFailed:
            guard case .waiting(.some)? = stop else { return [] }
            stop = .waiting(until: now.advanced(by: DockerTimes.waitAfterFailedSignal))
            return [.wake(after: DockerTimes.waitAfterFailedSignal)]
        // It has no hooks, only tells of what is unhealthy, and goes on with a stop whose client is gone.
        case .hookEnded, .unhealthy, .clientGone: return []
        }
    }

    private mutating func answer(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start:
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            // What is there already is answered with 304 (daemon/start.go).
            return state.isRunning || state == .restarting ? [.done] : startByHand(now)
        case .stop(let grace):
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            manager.stopped()
            return stopped(grace, .stop, now)
        case .restart(let grace):
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            manager.stoppedToRestart()
            return stopped(grace, .restart, now)
        case .kill(let signal): return killed(signal)
        case .prepareStop: return [.done]
        case .pause, .resume: return frozen(request == .pause)
        case .exec:
            if state == .paused { return [.refuse("the container is paused")] }
            return state.isRunning ? [.done] : [.refuse(LifecycleRefusal.notRunning)]
        case .recreate:
            (state, stop, pending, isStarting, lastCode) = (.created, nil, nil, false, nil)
            startsWhenStopped = false
            return [.wake(after: nil), .remove, .note(.recreated), .done]
        case .replaceDaemon(let isKilled):
            pending = .daemonEnd(isKilled: isKilled)
            startsWhenStopped = false
            if !isKilled, !policy.isLiveRestored {
                manager.daemonEnds()
                if state.isRunning { return signal(within: nil, now) }
            }
            // A stop that was under way dies with the daemon that waits.
            let givingUp: [LifecycleCommand] = stop == nil ? [] : [.wake(after: nil)]
            stop = nil
            return givingUp + finish(.daemonEnd(isKilled: isKilled), now)
        }
    }

    // MARK: - Starting

    private mutating func startByHand(_ now: MonotonicInstant, answered: Bool = true) -> [LifecycleCommand] {
        manager.startedByHand()
        if answered { pending = .start }
        return [.note(.startRequested)] + start(byPolicy: false, now)
    }

    /// Its life counts from before it is started (daemon/start.go: StartedAt).
    private mutating func start(byPolicy: Bool, _ now: MonotonicInstant) -> [LifecycleCommand] {
        startedAt = now
        (isStarting, isStartByPolicy) = (true, byPolicy)
        return [.start(byPolicy: byPolicy, onNewLayer: false)]
    }

    private mutating func startFailed(_ errno: Int32) -> [LifecycleCommand] {
        isStarting = false
        // What a policy could not start keeps the status of its last life.
        if !isStartByPolicy { lastCode = DockerExit.code(ofStartFailure: errno) }
        if state != .created { state = .exited }
        return decided(manager.startFailed(), startedAt) + finish(.start)
    }

    // MARK: - Stopping

    /// A stop of what does not run is answered with 304, and calls off a restart that was to come (daemon/stop.go).
    private mutating func stopped(_ grace: Duration?, _ request: Pending, _ now: MonotonicInstant) -> [LifecycleCommand]
    {
        pending = request
        if state.isRunning { return signal(within: grace, now) }
        return (manager.isCancelled ? callOff() : []) + finishStop(now)
    }

    /// The daemon goes on with it, whether or not the client is there.
    private mutating func begin(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
        switch request {
        case .start: return state.isRunning || state == .restarting ? [] : startByHand(now, answered: false)
        case .stop(let grace):
            manager.stopped()
            return state.isRunning ? signal(within: grace, now) : callOff() + [.note(.stopFinished)]
        case .restart(let grace):
            manager.stoppedToRestart()
            guard state.isRunning else { return startByHand(now, answered: false) }
            startsWhenStopped = true
            return signal(within: grace, now)
        default: return []
        }
    }

    /// The stop signal is always sent, also with a grace period of zero; a paused container is thawed when it waits for it (daemon/kill.go).
    /// Each of several stops sends it, and waits for itself: the first whose time is over kills (daemon/stop.go takes no lock).
    private mutating func signal(within grace: Duration?, _ now: MonotonicInstant) -> [LifecycleCommand] {
        let grace = grace ?? policy.grace ?? DockerTimes.usualGrace / policy.speed
        let signal = policy.stopSignal ?? .term
        let wait = grace == .zero ? DockerTimes.waitWithoutGrace : grace
        let end = grace < .zero ? nil : now.advanced(by: wait)
        let sending = [.note(.stopRequested(signal, grace: grace)), .send(signal)] + thaw()
        switch stop {
        case nil: break
        case .waiting(let earlier)?:
            guard let end, earlier.map({ end < $0 }) ?? true else { return sending }
        case .killed?, .killedDirectly?: return sending
        }
        stop = .waiting(until: end)
        return sending + [.wake(after: grace < .zero ? nil : wait)]
    }

    private mutating func thaw() -> [LifecycleCommand] {
        guard state == .paused else { return [] }
        state = .running
        return [.thaw]
    }

    private mutating func callOff() -> [LifecycleCommand] {
        guard state == .restarting else { return [] }
        state = .exited
        return [.wake(after: nil), .note(.restartCancelled)]
    }

    /// Whether the stop under way has a deadline: a kill leaves that as it is.
    private var stopHasMoment: Bool { stop != nil && stop != .waiting(until: nil) }

    private mutating func due(_ now: MonotonicInstant) -> [LifecycleCommand] {
        switch stop {
        case .waiting(until: nil): return finish(.kill)
        case .waiting:
            stop = .killed
            return [.note(.graceExpired), .send(.kill)] + thaw() + [.wake(after: DockerTimes.waitAfterKill)]
        case .killed:
            stop = .killedDirectly
            return [.send(.kill), .wake(after: DockerTimes.waitAfterDirectKill)]
        case .killedDirectly:
            (stop, startsWhenStopped) = (nil, false)
            let total = (DockerTimes.waitAfterKill + DockerTimes.waitAfterDirectKill).text
            return [.note(.stopFailed(reason: "it did not end within \(total) of SIGKILL"))] + goOn(now)
        case nil:
            if state == .restarting, !isStarting { return start(byPolicy: true, now) }
            return finish(.kill)
        }
    }

    private mutating func ended(_ status: ExitStatus, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state.isRunning else { return [] }
        let code = DockerExit.code(of: status)
        lastCode = code
        state = .exited
        let wasStopping = stop != nil
        stop = nil
        let decision = manager.ended(code: code, after: now.duration(since: startedAt) * policy.speed)
        var commands = [.wake(after: nil)] + decided(decision, now)
        commands += wasStopping ? finishStop(now) : finish(.kill)
        // Unless the request that was answered has started it.
        if startsWhenStopped, !isStarting, state != .removed { commands += startByHand(now, answered: false) }
        startsWhenStopped = false
        return commands
    }

    private mutating func decided(_ decision: RestartDecision, _ end: MonotonicInstant) -> [LifecycleCommand] {
        switch decision {
        case .stay: return []
        case .remove:
            state = .removed
            return [.remove, .note(.removed)]
        case .restart(let whole):
            state = .restarting
            let delay = policy.speed == 1 ? whole : whole / policy.speed
            return [.note(.restartScheduled(after: delay, count: manager.count)), .wakeAt(end.advanced(by: delay))]
        }
    }

    // MARK: - Signals

    private mutating func killed(_ signal: Signal) -> [LifecycleCommand] {
        switch state {
        case .running, .paused:
            manager.killed(with: signal, stopSignal: policy.stopSignal)
            // Only what counts as a stop thaws.
            let thawing = manager.isCancelled ? thaw() : []
            // The caller waits only for what is certain.
            guard signal == .kill else { return [.send(signal)] + thawing + [.done] }
            pending = .kill
            let limit = DockerTimes.waitAfterKill + DockerTimes.waitAfterDirectKill
            return [.send(signal)] + thawing + (stopHasMoment ? [] : [.wake(after: limit)])
        case .restarting:
            // There is nobody to be signalled; whether the restart comes, the signal decides.
            manager.killed(with: signal, stopSignal: policy.stopSignal)
            return (manager.isCancelled ? callOff() : []) + [.done]
        case .created, .exited, .removed: return [.refuse(LifecycleRefusal.notRunning)]
        }
    }

    /// What is paused cannot be paused, and what is not cannot be resumed (daemon/pause.go, unpause.go).
    private mutating func frozen(_ freezes: Bool) -> [LifecycleCommand] {
        switch (state, freezes) {
        case (.running, true):
            state = .paused
            return [.freeze, .done]
        case (.paused, false): return thaw() + [.done]
        case (.paused, true): return [.refuse("the container is paused already")]
        case (.running, false): return [.refuse("the container is not paused")]
        default: return [.refuse(LifecycleRefusal.notRunning)]
        }
    }

    // MARK: - What comes then

    private mutating func finishStop(_ now: MonotonicInstant) -> [LifecycleCommand] {
        [.note(.stopFinished)] + goOn(now)
    }

    /// What comes after a stop, also after one that failed.
    private mutating func goOn(_ now: MonotonicInstant) -> [LifecycleCommand] {
        switch pending {
        case nil, .start?: return []
        case let request?: return finish(request, now)
        }
    }

    /// Answers a request, if it is the one that waits.
    private mutating func finish(_ request: Pending) -> [LifecycleCommand] {
        guard pending == request else { return [] }
        pending = nil
        return [.done]
    }

    private mutating func finish(_ request: Pending, _ now: MonotonicInstant) -> [LifecycleCommand] {
        pending = nil
        switch request {
        case .start, .stop, .kill: return [.done]
        case .restart: return state.isRunning || state == .removed ? [.done] : startByHand(now)
        case .daemonEnd(let isKilled):
            let handOver = callOff() + [.note(.daemonEnded(isKilled: isKilled)), .note(.daemonStarted)]
            guard state.isRunning else { return handOver + takeOver(now) }
            if policy.isLiveRestored {
                manager.daemonTakesOver()
                return handOver + [.done]
            }
            // A survivor is stopped as if by hand: `unless-stopped` stays down.
            manager.stopped()
            pending = .daemonStart
            return handOver + signal(within: nil, now)
        case .daemonStart: return takeOver(now)
        }
    }

    /// What a new daemon makes of what does not run (daemon/daemon.go: restore).
    private mutating func takeOver(_ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state != .removed, manager.daemonStarts(lastCode: lastCode) else { return [.done] }
        pending = .start
        return [.note(.startRequested)] + start(byPolicy: false, now)
    }
}

extension DockerLifecycle: Equatable where Manager: Equatable {}
extension DockerLifecycle: Hashable where Manager: Hashable {}

extension DockerLifecycle<DockerRestart> {
    /// With Docker's own restart manager.
    public init(_ policy: ContainerPolicy) {
        self.init(policy, manager: DockerRestart(policy.restart, removesItself: policy.removesItself))
    }
}

/// Why runtimes refuse.
enum LifecycleRefusal {
    static let removed = "the container has removed itself"
    static let notRunning = "the container is not running"
}

/// How long Docker waits for what.
enum DockerTimes {
    /// Of a container and a daemon that say nothing (daemon/config: DefaultStopTimeout).
    static let usualGrace = Duration.seconds(10)
    /// After SIGKILL, until it is sent again directly to the process (daemon/kill.go).
    static let waitAfterKill = Duration.seconds(10)
    /// After the direct SIGKILL, until the daemon gives up (daemon/kill.go).
    static let waitAfterDirectKill = Duration.seconds(2)
    /// From the stop signal to SIGKILL with a grace period of zero. Both are sent, and what is in between is no rule but the engine's
    /// own speed: 7 to 13 ms on Docker 20.10, 10 ms in the median, so that a program that obeys at once ends by itself.
    static let waitWithoutGrace = Duration.milliseconds(10)
    /// In place of the grace period, when the stop signal could not be sent (daemon/stop.go).
    static let waitAfterFailedSignal = Duration.seconds(2)
}

/// How Docker reports the end of PID 1.
public enum DockerExit {
    /// 0 to 255: the status of exit, or 128 + the number of the signal (containerd, pkg/sys/reaper).
    public static func code(of status: ExitStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal, _): 128 + Int(signal.rawValue)
        }
    }

    /// What a container that was not even started is reported with (moby, daemon/errors.go): ENOENT 127, EACCES 126, anything
    /// else 128.
    public static func code(ofStartFailure errno: Int32) -> Int {
        switch errno {
        case 2: 127
        case 13: 126
        default: 128
        }
    }
}
