import Model
import Vocabulary

/// One container as systemd-nspawn runs it, as a service of the machine's systemd (`systemd-nspawn@NAME.service`).
///
/// A stop is `systemctl stop`: SIGTERM to systemd-nspawn, which sends the container's PID 1 its kill signal, and SIGKILL to all when the unit's
/// TimeoutStopSec is over. The rules are those of systemd (src/nspawn/nspawn.c, units/systemd-nspawn@.service.in), tried on 252; those of the unit were read.
public struct NspawnLifecycle: PlainLifecycle, Hashable {
    private let policy: ContainerPolicy
    public internal(set) var state = ContainerState.created
    var stop: PlainStop?
    var pending: PendingRequest?
    var isStarting = false
    var startsWhenStopped = false
    /// How often it has rebooted since a person started it.
    private var count = 0

    /// TimeoutStopSec of a unit that says nothing (systemd-system.conf(5): DefaultTimeoutStopSec).
    static let usualGrace = Duration.seconds(90)
    /// After SIGKILL, until the unit has failed: as long once more.
    static let waitAfterKill = usualGrace

    /// A machine that is not running.
    public init(_ policy: ContainerPolicy) { self.policy = policy }

    // MARK: - Inputs

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(let request): return answer(request, now)
        case .begun(let request): return begin(request, now)
        case .started:
            isStarting = false
            state = .running
            return finish(.start)
        case .startFailed:
            isStarting = false
            if state != .created { state = .exited }
            return finish(.start)
        case .ended(let status): return ended(status, now)
        case .due: return due()
        case .sendFailed, .hookEnded, .unhealthy, .clientGone: return []
        }
    }

    private mutating func answer(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start:
            // Its job comes after that of the stop.
            if stop != nil {
                (startsWhenStopped, pending) = (true, .start)
                return []
            }
            return state.isRunning || state == .restarting ? [.done] : startByHand(answered: true)
        case .stop(let grace), .restart(let grace):
            startsWhenStopped = false
            pending = if case .stop = request { .stop } else { .restart }
            return state.isRunning ? signal(within: grace, now) : callOff() + finishStop()
        case .kill(let signal):
            // `machinectl kill --kill-whom=leader`.
            guard state.isRunning else { return [.refuse(LifecycleRefusal.notRunning)] }
            guard signal == .kill else { return [.send(signal), .done] }
            pending = .kill
            return [.send(signal)] + (stopHasMoment ? [] : [.wake(after: NspawnLifecycle.waitAfterKill)])
        case .prepareStop: return [.done]
        case .pause, .resume: return [.refuse("nspawn does not pause machines")]
        case .exec: return state.isRunning ? [.done] : [.refuse(LifecycleRefusal.notRunning)]
        case .recreate:
            pending = .recreate
            return state.isRunning ? signal(within: nil, now) : callOff() + finishStop()
        case .replaceDaemon: return [.refuse("nspawn has no daemon")]
        }
    }

    /// With `systemctl --no-block`: the last of several jobs is what comes of the unit.
    private mutating func begin(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .start:
            if stop != nil { startsWhenStopped = true }
            return state.isRunning || state == .restarting ? [] : startByHand(answered: false)
        case .stop(let grace), .restart(let grace):
            startsWhenStopped = if case .restart = request { true } else { false }
            if state.isRunning { return signal(within: grace, now) }
            return callOff() + (startsWhenStopped ? goOnWithRestart() : [.note(.stopFinished)])
        default: return []
        }
    }

    // MARK: - Starting and stopping

    mutating func startByHand(answered: Bool) -> [LifecycleCommand] {
        count = 0
        if answered { pending = .start }
        return [.note(.startRequested)] + start(byPolicy: false)
    }

    /// With --boot, which it takes to run an init, SIGRTMIN+3; else what --kill-signal= says. Without either SIGTERM ends nspawn itself, and
    /// PID 1 is killed at once (verify_arguments, on_orderly_shutdown).
    private mutating func signal(within grace: Duration?, _ now: MonotonicInstant) -> [LifecycleCommand] {
        // A unit that is being stopped is waited for: it gets no further signal, and no other time.
        if stop != nil { return [] }
        // systemd takes a TimeoutStopSec of zero for none (systemd.service(5)).
        let grace = grace ?? policy.grace ?? NspawnLifecycle.usualGrace / policy.speed
        guard let signal = policy.stopSignal ?? (policy.isSystemd ? .systemdHalt : nil) else {
            return [.note(.stopRequested(.kill, grace: grace))] + kill()
        }
        stop = .waiting(until: grace > .zero ? now.advanced(by: grace) : nil)
        return [
            .note(.stopRequested(signal, grace: grace > .zero ? grace : .seconds(-1))), .send(signal),
            .wake(after: grace > .zero ? grace : nil),
        ]
    }

    /// What ends by reboot(2) comes again at once, unless it is being stopped (wait_for_container: SIGHUP).
    private mutating func ended(_ status: ExitStatus, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard state.isRunning else { return [] }
        let wasStopping = stop != nil
        (state, stop) = (.exited, nil)
        var commands: [LifecycleCommand] = [.wake(after: nil)]
        if case .signaled(.hup, _) = status, !wasStopping {
            state = .restarting
            count += 1
            commands += [.note(.restartScheduled(after: .zero, count: count)), .wakeAt(now)]
        }
        commands += wasStopping ? finishStop() : finish(.kill)
        return commands + goOnWithRestart()
    }

    /// What systemd-nspawn ends with: PID 1's status; 0 where it has halted, by reboot(2), which ends PID 1 by SIGINT; 133 where it reboots and the unit
    /// is to start it again; 1 where another signal has ended it.
    static func code(of status: ExitStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(.int, _): 0
        case .signaled(.hup, _): 133
        case .signaled: 1
        }
    }

    mutating func becomeNew() { count = 0 }
}
