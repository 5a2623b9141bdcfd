import Harness

/// One thing that a runtime does wrong on purpose, and nothing else: what the scenarios about its rules must notice.
enum RuntimeDefect: String, CaseIterable, Sendable {
    case neverRestarts = "never-restarts"
    case takesZeroForAFailure = "takes-zero-for-a-failure"
    case restartsOnceTooOften = "restarts-once-too-often"
    case forgetsStops = "forgets-stops"
    case staysStopped = "stays-stopped"
    case takesEverySignalForAStop = "takes-every-signal-for-a-stop"
    case takesNoSignalForAStop = "takes-no-signal-for-a-stop"
    case neverWaitsLonger = "never-waits-longer"
    case keepsDelay = "keeps-delay"
    case keepsCount = "keeps-count"
    case triesAgain = "tries-again"
    case asksForHealth = "asks-for-health"
    case newDaemonStartsAll = "new-daemon-starts-all"
    case newDaemonStartsNothing = "new-daemon-starts-nothing"
    case daemonStopsByHand = "daemon-stops-by-hand"
    case neverRemoves = "never-removes"
    case removesWhatIsRestarted = "removes-what-is-restarted"
    case losesLayer = "loses-layer"
    case waitsForNoEnd = "waits-for-no-end"
    case stopsForItsClient = "stops-for-its-client"
    case beginsAnew = "begins-anew"

    var summary: String {
        switch self {
        case .neverRestarts: "has no restart policies"
        case .takesZeroForAFailure: "on-failure restarts after an exit with 0"
        case .restartsOnceTooOften: "on-failure:N restarts N + 1 times"
        case .forgetsStops: "a stop does not reach the restart policy"
        case .staysStopped: "a start by hand does not bring the policy back"
        case .takesEverySignalForAStop: "each signal by hand cancels the policy"
        case .takesNoSignalForAStop: "no signal by hand cancels the policy"
        case .neverWaitsLonger: "the back-off stays at 100 ms"
        case .keepsDelay: "a start by hand does not take the back-off to its beginning"
        case .keepsCount: "a start by hand does not take the count to 0"
        case .triesAgain: "a container that cannot be started is tried again and again"
        case .asksForHealth: "what has not run for 10 s is not restarted"
        case .newDaemonStartsAll: "a new daemon starts what has a policy, whatever has become of it"
        case .newDaemonStartsNothing: "a new daemon starts nothing"
        case .daemonStopsByHand: "the stop at the daemon's end counts as one by hand"
        case .neverRemoves: "auto-remove does nothing"
        case .removesWhatIsRestarted: "auto-remove does not know of restarts"
        case .losesLayer: "each start makes a new layer"
        case .waitsForNoEnd: "a stop is over when the signal is sent"
        case .stopsForItsClient: "a stop is given up when its client is gone"
        case .beginsAnew: "a second stop begins the grace period anew"
        }
    }

    /// Whether it can be told by when a restart comes.
    var isOfClock: Bool { [.neverWaitsLonger, .keepsDelay, .keepsCount].contains(self) }

    /// Docker's rules but for the defect.
    var rules: RuntimeRules {
        var rules = RuntimeRules.docker
        rules.makeLifecycle = { policy in
            let right = DockerLifecycle(
                policy, manager: WrongRestart(self, policy.restart, removesItself: policy.removesItself))
            return WrongLifecycle(defect: self, right: right)
        }
        return rules
    }
}

/// Docker's lifecycle but for a defect in what it wants done.
private struct WrongLifecycle: Lifecycle {
    let defect: RuntimeDefect
    var right: DockerLifecycle<WrongRestart>

    var state: ContainerState { right.state }

    mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        let commands = right.handle(input, at: now)
        switch (defect, input) {
        case (.stopsForItsClient, .clientGone): return [.wake(after: nil)]
        case (.beginsAnew, .asked(.stop(let grace?))) where !commands.contains(.done):
            return commands + [.wake(after: grace)]
        case (.losesLayer, _):
            return commands.map {
                if case .start(let byPolicy, _) = $0 { .start(byPolicy: byPolicy, onNewLayer: true) } else { $0 }
            }
        // A stop is over when the signal is sent: nothing comes of it but the answer.
        case (.waitsForNoEnd, .asked(.stop)) where right.state.isRunning:
            return commands.filter { if case .wake = $0 { false } else { true } } + [.note(.stopFinished), .done]
        default: return commands
        }
    }
}

/// Docker's restart manager but for a defect.
private struct WrongRestart: RestartMachine {
    private let defect: RuntimeDefect
    private let policy: RestartPolicy
    private var right: DockerRestart
    /// What a start by hand should have taken back.
    private var keptCount = 0
    private var keptDelay = Duration.zero

    init(_ defect: RuntimeDefect, _ policy: RestartPolicy, removesItself: Bool) {
        self.defect = defect
        self.policy = policy
        let limited: RestartPolicy =
            switch (defect, policy) {
            case (.neverRestarts, _): .no
            case (.restartsOnceTooOften, .onFailure(let limit?)): .onFailure(limit: limit + 1)
            default: policy
            }
        right = DockerRestart(limited, removesItself: removesItself && defect != .neverRemoves)
    }

    var count: Int { keptCount + right.count }
    var isCancelled: Bool { right.isCancelled }

    mutating func startedByHand() {
        if defect == .staysStopped, right.isCancelled { return }
        if defect == .keepsCount { keptCount = count }
        right.startedByHand()
    }

    mutating func stopped() { if defect != .forgetsStops { right.stopped() } }

    mutating func stoppedToRestart() {
        if defect == .removesWhatIsRestarted { stopped() } else if defect != .forgetsStops { right.stoppedToRestart() }
    }

    mutating func killed(with signal: Signal, stopSignal: Signal?) {
        switch defect {
        case .takesEverySignalForAStop: right.killed(with: signal, stopSignal: nil)
        case .takesNoSignalForAStop: return
        default: right.killed(with: signal, stopSignal: stopSignal)
        }
    }

    mutating func ended(code: Int, after life: Duration) -> RestartDecision {
        if defect == .asksForHealth, life < DockerRestart.longLife { return .stay }
        if defect == .keepsCount, case .onFailure(let limit?) = policy, count >= limit { return .stay }
        let decision = right.ended(code: defect == .takesZeroForAFailure ? max(code, 1) : code, after: life)
        guard case .restart(let delay) = decision else { return decision }
        switch defect {
        case .neverWaitsLonger: return .restart(after: DockerRestart.firstDelay)
        case .keepsDelay:
            keptDelay = max(delay, min(keptDelay * 2, DockerRestart.longestDelay))
            return .restart(after: keptDelay)
        default: return decision
        }
    }

    mutating func startFailed() -> RestartDecision {
        if defect == .triesAgain { return .restart(after: DockerRestart.firstDelay) }
        return right.startFailed()
    }

    mutating func daemonEnds() { if defect == .daemonStopsByHand { right.stopped() } else { right.daemonEnds() } }
    mutating func daemonTakesOver() { right.daemonTakesOver() }

    mutating func daemonStarts(lastCode: Int?) -> Bool {
        switch defect {
        case .newDaemonStartsAll:
            right.startedByHand()
            return policy != .no
        case .newDaemonStartsNothing: return false
        default: return right.daemonStarts(lastCode: lastCode)
        }
    }
}
