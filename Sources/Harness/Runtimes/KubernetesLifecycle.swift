import Model
import Vocabulary

/// One container of a pod as the kubelet drives it, by way of containerd or CRI-O.
///
/// The rules are those of kubernetes (pkg/kubelet/kuberuntime: kuberuntime_container.go, kuberuntime_manager.go; pod_workers.go; the back-off of
/// client-go, util/flowcontrol) and of containerd (internal/cri/server/container_stop.go): read, not tried. A stop is the deletion of the
/// pod; what is started then is a pod of the same specification. Each start makes a new container: only volumes stay.
public struct KubernetesLifecycle: AnsweringLifecycle, Hashable {
    private let policy: ContainerPolicy
    public private(set) var state = ContainerState.created
    private var stop: Stop?
    var pending: PendingRequest?
    private var isStarting = false
    /// Its postStart hook runs: until that has ended the kubelet has not started it.
    private var isInStartHook = false
    /// Its liveness probe has failed meanwhile.
    private var hasFailedProbe = false
    /// A restart was begun: another pod follows the one that is being deleted.
    private var startsWhenStopped = false
    /// The pod is being deleted, or has been: nothing of it is started again.
    private var isDeleted = false
    private var startedAt = MonotonicInstant(nanoseconds: 0)
    private var count = 0
    /// Before the next restart but one; nil: the next comes at once.
    private var delay: Duration?

    private enum Stop: Hashable {
        /// The preStop hook runs, since then, and is given so much.
        case hook(since: MonotonicInstant, grace: Duration)
        /// The hook runs, or has ended, and the signal's turn has not come.
        case early, ready
        case waiting(until: MonotonicInstant)
        case killed
    }

    /// Of a pod that says nothing (the API's terminationGracePeriodSeconds).
    static let usualGrace = Duration.seconds(30)
    /// No SIGKILL comes sooner than this after the stop signal, even where a hook has used up the grace period (kuberuntime_manager.go:
    /// minimumGracePeriodInSeconds).
    static let leastGrace = Duration.seconds(2)
    /// The delay that doubles, after the first restart, which comes at once (kubelet.go: backOffPeriod, MaxContainerBackOff).
    static let firstDelay = Duration.seconds(10)
    /// No delay is longer.
    static let longestDelay = Duration.seconds(300)
    /// A life of more than this takes the delay back to the beginning (client-go: twice the longest delay).
    static let longLife = Duration.seconds(600)
    /// After SIGKILL, until the kubelet's request is over; it would make another one (kubelet: runtimeRequestTimeout).
    static let waitAfterKill = Duration.seconds(120)

    /// A pod that was accepted, and not started.
    public init(_ policy: ContainerPolicy) { self.policy = policy }

    // MARK: - Inputs

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(let request): return answer(request, now)
        case .begun(let request): return begin(request, now)
        case .started:
            isStarting = false
            state = .running
            guard let hook = policy.postStart else { return finish(.start) }
            isInStartHook = true
            return [.runHook(hook)]
        case .startFailed:
            isStarting = false
            let answer = finish(.start)
            return schedule(after: .zero, KubernetesLifecycle.codeOfStartFailure, now) + answer
        case .ended(let status): return ended(DockerExit.code(of: status), now)
        case .due: return due(now)
        case .hookEnded(let code) where isInStartHook:
            isInStartHook = false
            // FailedPostStartHook: it is killed as by a stop, which the worker waits for, and the policy decides (kuberuntime_container.go:
            // startContainer).
            return code == 0 && !hasFailedProbe ? finish(.start) : beginStop(nil, now)
        // Whether a preStop hook has failed does not matter.
        case .hookEnded:
            if stop == .early { stop = .ready }
            guard case .hook(let since, let grace)? = stop else { return [] }
            return signal(grace - KubernetesLifecycle.wholeSeconds(now.duration(since: since)), now)
        case .unhealthy:
            // A liveness probe: it is stopped, and its policy starts it again; not before the worker is through with the hook.
            guard state == .running, stop == nil else { return [] }
            hasFailedProbe = isInStartHook
            if isInStartHook { return [] }
            return beginStop(nil, now)
        // containerd waits on: the end is an event of its own.
        case .sendFailed, .clientGone: return []
        }
    }

    /// A deletion that is not waited for.
    private mutating func begin(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start: return state.isRunning || state == .restarting ? [] : startByHand(now, answered: false)
        case .stop(let grace), .restart(let grace):
            if let grace, grace < .zero { return [.refuse(KubernetesLifecycle.negativeGrace)] }
            if case .restart = request { startsWhenStopped = true }
            return delete(grace, now)
        default: return []
        }
    }

    private static let negativeGrace = "kubernetes takes no negative grace period"

    private mutating func answer(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start: return state.isRunning || state == .restarting ? [.done] : startByHand(now)
        case .stop(let grace), .restart(let grace):
            if let grace, grace < .zero { return [.refuse(KubernetesLifecycle.negativeGrace)] }
            if case .stop = request { pending = .stop } else { pending = .restart }
            return delete(grace, now)
        case .recreate:
            pending = .recreate
            return delete(nil, now)
        // Past the kubelet, on its node: it sees a container that has ended.
        case .kill(let signal):
            guard state.isRunning else { return [.refuse(LifecycleRefusal.notRunning)] }
            guard signal == .kill else { return [.send(signal), .done] }
            pending = .kill
            // A deletion that is under way goes on beside it.
            if let stop, stop != .early, stop != .ready { return [.send(signal)] }
            return [.send(signal), .wake(after: KubernetesLifecycle.waitAfterKill)]
        case .prepareStop:
            isDeleted = true
            if state == .restarting {
                state = .exited
                return [.wake(after: nil), .note(.restartCancelled), .done]
            }
            guard state.isRunning, stop == nil else { return [.done] }
            let cancelling = callOffStart()
            stop = policy.preStop == nil ? .ready : .early
            return cancelling + (policy.preStop.map { [.runHook($0)] } ?? []) + [.done]
        case .pause, .resume: return [.refuse("kubernetes does not pause containers")]
        case .exec: return state.isRunning ? [.done] : [.refuse(LifecycleRefusal.notRunning)]
        // Containers go on without the kubelet.
        case .replaceDaemon(let isKilled):
            return [.note(.daemonEnded(isKilled: isKilled)), .note(.daemonStarted), .done]
        }
    }

    // MARK: - Starting

    /// What a start that failed is reported with (containerd: StartError).
    static let codeOfStartFailure = 128

    private mutating func startByHand(_ now: MonotonicInstant, answered: Bool = true) -> [LifecycleCommand] {
        (isDeleted, count, delay) = (false, 0, nil)
        if answered { pending = .start }
        return [.note(.startRequested)] + start(byPolicy: false, now)
    }

    private mutating func start(byPolicy: Bool, _ now: MonotonicInstant) -> [LifecycleCommand] {
        startedAt = now
        isStarting = true
        return [.start(byPolicy: byPolicy, onNewLayer: true)]
    }

    private mutating func callOffStart() -> [LifecycleCommand] {
        guard isInStartHook else { return [] }
        isInStartHook = false
        return [.cancelHook] + finish(.start)
    }

    // MARK: - Stopping

    private mutating func delete(_ grace: Duration?, _ now: MonotonicInstant) -> [LifecycleCommand] {
        isDeleted = true
        guard state.isRunning else {
            let callingOff: [LifecycleCommand] =
                state == .restarting ? [.wake(after: nil), .note(.restartCancelled)] : []
            if state == .restarting { state = .exited }
            return callingOff + finishStop(now)
        }
        return beginStop(grace, now)
    }

    private mutating func beginStop(_ grace: Duration?, _ now: MonotonicInstant) -> [LifecycleCommand] {
        // Less than a second is one (pod_workers.go: calculateEffectiveGracePeriod).
        let grace = max(grace ?? policy.grace ?? KubernetesLifecycle.usualGrace / policy.speed, .seconds(1))
        if isInStartHook {
            // A deletion cancels what the pod's worker is doing (pod_workers.go: cancelFn).
            return callOffStart() + beginStop(grace, now)
        }
        switch stop {
        // It is being stopped already: the signal is sent once, and the time can only become shorter.
        case .hook(let since, let before)?:
            stop = .hook(since: since, grace: min(before, now.duration(since: since) + grace))
            return [.wakeAt(min(since.advanced(by: before), now.advanced(by: grace)))]
        case .waiting(let end)?:
            let moment = min(end, now.advanced(by: max(grace, KubernetesLifecycle.leastGrace)))
            stop = .waiting(until: moment)
            return [.wakeAt(moment)]
        case .killed?: return [.wake(after: KubernetesLifecycle.waitAfterKill)]
        case .early?, .ready?, nil: break
        }
        let asked = LifecycleCommand.note(.stopRequested(stopSignal, grace: grace))
        guard let hook = policy.preStop, stop != .ready else { return [asked] + signal(grace, now) }
        let isRunning = stop == .early
        stop = .hook(since: now, grace: grace)
        if isRunning { return [asked, .wake(after: grace)] }
        // One that takes longer goes on, and the stop with it.
        return [asked, .wake(after: grace), .runHook(hook)]
    }

    /// As the engine understands it.
    private var stopSignal: Signal {
        let signal = policy.stopSignal ?? .term
        return signal.rawValue >= Signal.rtmin.rawValue && policy.engine?.losesRealTimeSignals == true ? .term : signal
    }

    /// The kubelet counts a hook's time in whole seconds (kuberuntime_container.go: executePreStopHook).
    private static func wholeSeconds(_ time: Duration) -> Duration { .seconds(time.components.seconds) }

    private mutating func signal(_ rest: Duration, _ now: MonotonicInstant) -> [LifecycleCommand] {
        let rest = max(rest, KubernetesLifecycle.leastGrace)
        stop = .waiting(until: now.advanced(by: rest))
        return [.send(stopSignal), .wake(after: rest)]
    }

    private mutating func due(_ now: MonotonicInstant) -> [LifecycleCommand] {
        switch stop {
        case .hook: return signal(.zero, now)
        case .early, .ready: return finish(.kill)
        case .waiting:
            stop = .killed
            return [.note(.graceExpired), .send(.kill), .wake(after: KubernetesLifecycle.waitAfterKill)]
        case .killed:
            stop = nil
            let time = KubernetesLifecycle.waitAfterKill.text
            return [.note(.stopFailed(reason: "it did not end within \(time) of SIGKILL"))] + answerStop(now)
        case nil: return state == .restarting && !isStarting ? start(byPolicy: true, now) : finish(.kill)
        }
    }

    private mutating func ended(_ code: Int, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state.isRunning else { return [] }
        let wasStopping = stop != nil
        // What its hook ends with does not matter any more.
        let started = finish(.start)
        (state, stop, isInStartHook, hasFailedProbe) = (.exited, nil, false, false)
        let again = schedule(after: now.duration(since: startedAt) * policy.speed, code, now)
        return [.wake(after: nil)] + started + again + (wasStopping ? finishStop(now) : []) + finish(.kill)
    }

    /// Always, OnFailure and Never; the number of restarts is not limited.
    private mutating func schedule(after life: Duration, _ code: Int, _ now: MonotonicInstant) -> [LifecycleCommand] {
        if state != .created || isDeleted { state = .exited }
        let isWanted =
            switch policy.restart {
            case .no: false
            case .always, .unlessStopped: true
            case .onFailure: code != 0
            }
        guard isWanted, !isDeleted else { return [] }
        if life > KubernetesLifecycle.longLife { delay = nil }
        let wait = delay ?? .zero
        delay = delay.map { min($0 * 2, KubernetesLifecycle.longestDelay) } ?? KubernetesLifecycle.firstDelay
        count += 1
        state = .restarting
        let sped = policy.speed == 1 ? wait : wait / policy.speed
        return [.note(.restartScheduled(after: sped, count: count)), .wakeAt(now.advanced(by: sped))]
    }

    // MARK: - Answers

    private mutating func finishStop(_ now: MonotonicInstant) -> [LifecycleCommand] {
        [.note(.stopFinished)] + answerStop(now)
    }

    private mutating func answerStop(_ now: MonotonicInstant) -> [LifecycleCommand] {
        defer { startsWhenStopped = false }
        let again = startsWhenStopped && !state.isRunning
        switch pending {
        case .restart where !state.isRunning: return startByHand(now)
        case .recreate:
            (state, pending, isStarting, isDeleted, count, delay) = (.created, nil, false, false, 0, nil)
            return [.remove, .note(.recreated), .done]
        case nil, .start: return finish(.start) + (again ? startByHand(now, answered: false) : [])
        case .stop, .restart, .kill:
            pending = nil
            return [.done] + (again ? startByHand(now, answered: false) : [])
        }
    }
}
