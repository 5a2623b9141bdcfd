import Vocabulary

/// What Docker does between "please stop" and "it is gone": a machine without clock or processes.
///
/// The rules are those of moby's daemon/stop.go and daemon/kill.go (29): the stop signal is always sent, also with a grace
/// period of zero; a negative grace period never ends; after it comes SIGKILL, ten seconds of
/// waiting, SIGKILL once more directly to the process, two seconds, and then an error.
public struct DockerStop: StopMachine {
    private enum State: Hashable, Sendable {
        case waiting, killed, killedDirectly, finished
    }

    /// After SIGKILL, until it is sent again directly to the process (daemon/kill.go).
    static let waitAfterKill = Duration.seconds(10)
    /// After the direct SIGKILL, until the daemon gives up (daemon/kill.go).
    static let waitAfterDirectKill = Duration.seconds(2)
    /// In place of the grace period, when the stop signal could not be sent (daemon/stop.go).
    static let waitAfterFailedSignal = Duration.seconds(2)

    private let signal: Signal
    private let grace: Duration
    private var state = State.waiting

    public init(signal: Signal, grace: Duration) {
        self.signal = signal
        self.grace = grace
    }

    public func begin(at now: MonotonicInstant) -> [StopAction] {
        [.send(signal), .setDeadline(grace < .zero ? .distantFuture : now.advanced(by: grace))]
    }

    public mutating func handle(_ input: StopInput, at now: MonotonicInstant) -> [StopAction] {
        switch (state, input) {
        case (.finished, _): return []
        case (_, .exited):
            state = .finished
            return [.finish]
        case (.waiting, .sendFailed) where grace < .zero: return []
        case (.waiting, .sendFailed): return [.setDeadline(now.advanced(by: DockerStop.waitAfterFailedSignal))]
        case (.waiting, .deadline):
            state = .killed
            return [.noteGraceExpired, .send(.kill), .setDeadline(now.advanced(by: DockerStop.waitAfterKill))]
        case (.killed, .deadline):
            state = .killedDirectly
            return [.send(.kill), .setDeadline(now.advanced(by: DockerStop.waitAfterDirectKill))]
        case (.killedDirectly, .deadline):
            state = .finished
            return [.fail("it did not end within 12 s of SIGKILL")]
        case (.killed, .sendFailed), (.killedDirectly, .sendFailed): return []
        }
    }
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

    /// What a failure to start is reported as (moby, daemon/errors.go): ENOENT 127, EACCES 126, anything else 128.
    public static func code(ofStartFailure errno: Int32) -> Int {
        switch errno {
        case 2: 127
        case 13: 126
        default: 128
        }
    }
}
