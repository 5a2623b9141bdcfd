import Model
import Vocabulary

/// One container as Podman drives it.
///
/// The rules are those of podman (libpod/container_internal.go, container_api.go, oci_conmon_common.go, pkg/specgen/generate/container_create.go),
/// and were tried on 4.3.1 with runc 1.1. There is no daemon: what ends is started again by the clean-up process that conmon leaves, at once.
public struct PodmanLifecycle: PlainLifecycle, Hashable {
    private let policy: ContainerPolicy
    public internal(set) var state = ContainerState.created
    var stop: PlainStop?
    var pending: PendingRequest?
    var isStarting = false
    var startsWhenStopped = false
    /// A person has stopped it, or sent it a signal that counts as a stop; a start by hand takes that back (StoppedByUser).
    private var isStoppedByUser = false
    /// A stop or a restart was begun, and its client waits.
    private var isClientThere = false
    /// How often the policy has started it again since a person did.
    private var count = 0

    /// Of a container that says nothing (containers.conf: stop_timeout).
    static let usualGrace = Duration.seconds(10)
    /// After SIGKILL, until Podman gives up (libpod/oci_util.go: killContainerTimeout).
    static let waitAfterKill = Duration.seconds(5)

    /// A container that was made, and not started.
    public init(_ policy: ContainerPolicy) { self.policy = policy }

    // MARK: - Inputs

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(let request): return answer(request, now)
        case .begun(let request): return begin(request, now)
        case .clientGone: return clientGone()
        case .started:
            isStarting = false
            state = .running
            return finish(.start)
        case .startFailed:
            isStarting = false
            if state != .created { state = .exited }
            return (policy.removesItself ? remove() : []) + finish(.start)
        case .ended(let status): return ended(DockerExit.code(of: status), now)
        case .due: return due()
        // What cannot be signalled is gone (kill(pid, 0): ESRCH); its end is told next.
        case .sendFailed, .hookEnded, .unhealthy: return []
        }
    }

    private mutating func answer(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start:
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            if stop != nil { return [.refuse(PodmanLifecycle.stopping)] }
            return state.isRunning || state == .restarting ? [.done] : startByHand(answered: true)
        case .stop(let grace), .restart(let grace):
            if let refusal = refusal(of: request, within: grace) { return [refusal] }
            isStoppedByUser = true
            pending = if case .stop = request { .stop } else { .restart }
            return state.isRunning ? signal(within: grace, now) : callOff() + finishStop()
        case .kill(let signal):
            guard state.isRunning else { return [.refuse(LifecycleRefusal.notRunning)] }
            // Up to 4.3 only SIGKILL is a stop, not even the stop signal is; today every signal is one (container_api.go: Kill).
            if signal == .kill || policy.engineVersion ?? 4 >= 6 { isStoppedByUser = true }
            // One that is paused gets it when it is resumed; but for SIGKILL the OCI runtime thaws (runc).
            guard signal == .kill else { return [.send(signal), .done] }
            pending = .kill
            let thawing: [LifecycleCommand] = state == .paused ? [.thaw] : []
            state = .running
            return [.send(signal)] + thawing + (stopHasMoment ? [] : [.wake(after: PodmanLifecycle.waitAfterKill)])
        case .prepareStop: return [.done]
        case .pause:
            if stop != nil { return [.refuse(PodmanLifecycle.stopping)] }
            guard state == .running else {
                return [.refuse(state == .paused ? "the container is paused already" : LifecycleRefusal.notRunning)]
            }
            state = .paused
            return [.freeze, .done]
        case .resume:
            guard state == .paused else {
                return [.refuse(state == .running ? "the container is not paused" : LifecycleRefusal.notRunning)]
            }
            state = .running
            return [.thaw, .done]
        case .exec:
            if stop != nil { return [.refuse(PodmanLifecycle.stopping)] }
            if state == .paused { return [.refuse("the container is paused")] }
            return state.isRunning ? [.done] : [.refuse(LifecycleRefusal.notRunning)]
        case .recreate:
            // `podman rm -f` stops what runs, with its grace period.
            isStoppedByUser = true
            pending = .recreate
            let thawing: [LifecycleCommand] = state == .paused ? [.thaw] : []
            guard state.isRunning else { return callOff() + finishStop() }
            state = .running
            return thawing + signal(within: nil, now)
        case .replaceDaemon: return [.refuse("podman has no daemon")]
        }
    }

    /// Why a stop or a restart cannot be.
    private func refusal(of request: Request, within grace: Duration?) -> LifecycleCommand? {
        if case .restart = request, stop != nil { return .refuse(PodmanLifecycle.stopping) }
        if state == .removed { return .refuse(LifecycleRefusal.removed) }
        // What is paused is in no state to be stopped (container_internal.go: stop).
        if state == .paused { return .refuse("the container is paused") }
        if let grace, grace < .zero { return .refuse("podman takes no negative grace period") }
        return nil
    }

    /// What is being stopped is killed, stopped again or removed, and nothing else (container_api.go: the states in which each may be).
    private static let stopping = "the container is being stopped"

    /// The client does the stop: without it nothing kills the container.
    private mutating func clientGone() -> [LifecycleCommand] {
        guard isClientThere else { return [] }
        (isClientThere, startsWhenStopped) = (false, false)
        guard case .waiting? = stop, pending == nil else { return [] }
        stop = .waiting(until: nil)
        return [.wake(after: nil)]
    }

    /// By a client in the background.
    private mutating func begin(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start:
            let commands = answer(.start, now)
            if pending == .start { pending = nil }
            return commands.filter { $0 != .done }
        case .stop(let grace), .restart(let grace):
            if let refusal = refusal(of: request, within: grace) { return [refusal] }
            isStoppedByUser = true
            isClientThere = true
            if case .restart = request { startsWhenStopped = true }
            if state.isRunning { return signal(within: grace, now) }
            return callOff() + (startsWhenStopped ? goOnWithRestart() : [.note(.stopFinished)])
        default: return []
        }
    }

    // MARK: - Starting and stopping

    mutating func startByHand(answered: Bool) -> [LifecycleCommand] {
        (isStoppedByUser, count) = (false, 0)
        if answered { pending = .start }
        return [.note(.startRequested)] + start(byPolicy: false)
    }

    /// The stop signal: SIGRTMIN+3 for what looks like systemd, where none is configured; with a grace period of zero only SIGKILL is sent.
    /// Each of several stops sends its own, and waits for itself: the container is not locked meanwhile (container_internal.go: stop).
    private mutating func signal(within grace: Duration?, _ now: MonotonicInstant) -> [LifecycleCommand] {
        let grace = grace ?? policy.grace ?? PodmanLifecycle.usualGrace / policy.speed
        let signal = policy.stopSignal ?? (policy.isSystemd ? .systemdHalt : .term)
        guard grace > .zero else { return [.note(.stopRequested(.kill, grace: grace))] + kill() }
        let sending: [LifecycleCommand] = [.note(.stopRequested(signal, grace: grace)), .send(signal)]
        let end = now.advanced(by: grace)
        switch stop {
        case nil: break
        case .waiting(let earlier)?: guard earlier.map({ end < $0 }) ?? true else { return sending }
        case .killed?: return sending
        }
        defer { stop = .waiting(until: end) }
        return sending + (stop == nil ? [.note(.stopping)] : []) + [.wake(after: grace)]
    }

    /// always and unless-stopped differ at boot only; there is neither delay nor back-off (shouldRestart).
    private mutating func ended(_ code: Int, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state.isRunning else { return [] }
        let wasStopping = stop != nil
        (state, stop, isClientThere) = (.exited, nil, false)
        let isWanted =
            switch policy.restart {
            case .no: false
            case .always, .unlessStopped: true
            case .onFailure(let limit): code != 0 && limit.map { count < $0 } ?? true
            }
        var commands: [LifecycleCommand] = [.wake(after: nil)]
        if isWanted, !isStoppedByUser {
            state = .restarting
            count += 1
            commands += [.note(.restartScheduled(after: .zero, count: count)), .wakeAt(now)]
        } else if policy.removesItself {
            // Also when it is to be restarted: the clean-up process is the first to come.
            commands += remove()
        }
        commands += wasStopping ? finishStop() : finish(.kill)
        return commands + goOnWithRestart()
    }

    private mutating func remove() -> [LifecycleCommand] {
        state = .removed
        return [.remove, .note(.removed)]
    }

    mutating func becomeNew() { count = 0 }
}

extension Signal {
    /// What asks systemd to halt (systemd(1)).
    static let systemdHalt = Signal(rawValue: 37)
}
