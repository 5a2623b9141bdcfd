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
    /// A person has stopped it, or sent it a signal that counts as a stop; a start by hand takes that back (StoppedByUser).
    private var isStoppedByUser = false
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
        case .asked(let request): return answer(request)
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

    private mutating func answer(_ request: Request) -> [LifecycleCommand] {
        switch request {
        case .start:
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            return state.isRunning || state == .restarting ? [.done] : startByHand()
        case .stop(let grace), .restart(let grace):
            if state == .removed { return [.refuse(LifecycleRefusal.removed)] }
            // What is paused is in no state to be stopped (container_internal.go: stop).
            if state == .paused { return [.refuse("the container is paused")] }
            if let grace, grace < .zero { return [.refuse("podman takes no negative grace period")] }
            isStoppedByUser = true
            pending = if case .stop = request { .stop } else { .restart }
            return state.isRunning ? begin(grace) : callOff() + finishStop()
        case .kill(let signal):
            guard state.isRunning else { return [.refuse(LifecycleRefusal.notRunning)] }
            // Up to 4.3 only SIGKILL is a stop, not even the stop signal is; today every signal is one (container_api.go: Kill).
            if signal == .kill || policy.engineVersion ?? 4 >= 6 { isStoppedByUser = true }
            // One that is paused gets it when it is resumed; but for SIGKILL the OCI runtime thaws (runc).
            guard signal == .kill else { return [.send(signal), .done] }
            pending = .kill
            let thawing: [LifecycleCommand] = state == .paused ? [.thaw] : []
            state = .running
            return [.send(signal)] + thawing + [.wake(after: PodmanLifecycle.waitAfterKill)]
        case .prepareStop: return [.done]
        case .pause:
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
            if state == .paused { return [.refuse("the container is paused")] }
            return state.isRunning ? [.done] : [.refuse(LifecycleRefusal.notRunning)]
        case .recreate:
            // `podman rm -f` stops what runs, with its grace period.
            isStoppedByUser = true
            pending = .recreate
            let thawing: [LifecycleCommand] = state == .paused ? [.thaw] : []
            guard state.isRunning else { return callOff() + finishStop() }
            state = .running
            return thawing + begin(nil)
        case .replaceDaemon: return [.refuse("podman has no daemon")]
        }
    }

    // MARK: - Starting and stopping

    mutating func startByHand() -> [LifecycleCommand] {
        (isStoppedByUser, count, pending) = (false, 0, .start)
        return [.note(.startRequested)] + start(byPolicy: false)
    }

    /// The stop signal: SIGRTMIN+3 for what looks like systemd, where none is configured; with a grace period of zero only SIGKILL is sent.
    private mutating func begin(_ grace: Duration?) -> [LifecycleCommand] {
        let grace = grace ?? policy.grace ?? PodmanLifecycle.usualGrace / policy.speed
        let signal = policy.stopSignal ?? (policy.isSystemd ? .systemdHalt : .term)
        guard grace > .zero else { return [.note(.stopRequested(.kill, grace: grace))] + kill() }
        stop = .waiting
        return [.note(.stopRequested(signal, grace: grace)), .send(signal), .wake(after: grace)]
    }

    /// always and unless-stopped differ at boot only; there is neither delay nor back-off (shouldRestart).
    private mutating func ended(_ code: Int, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state.isRunning else { return [] }
        let wasStopping = stop != nil
        (state, stop) = (.exited, nil)
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
        return commands + (wasStopping ? finishStop() : finish(.kill))
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
