import Model
import Runtimes
import Vocabulary

/// A container that is driven by a lifecycle in virtual time: does what it is told, and notes what must not be.
struct VirtualContainer<Machine: Lifecycle> {
    private(set) var machine: Machine
    private(set) var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private(set) var wakeAt: MonotonicInstant?
    private(set) var hasProcess = false
    private(set) var isFrozen = false
    private(set) var isRemoved = false
    private(set) var hasHook = false
    /// SIGKILL has reached PID 1.
    private(set) var isDying = false
    /// The lifecycle waits to be told what has come of a start.
    private(set) var isStarting = false
    /// A request that has no answer yet.
    private(set) var asked: Request?
    private(set) var refusal: String?
    /// How often the policy has started it since a person did, by what the lifecycle says.
    private(set) var count = 0
    /// What was done, and when, counted from the last request.
    private(set) var log: [String] = []
    /// What must not be.
    private(set) var violations: [String] = []
    private var logBegin = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private var isBeginning = false
    /// Signals cannot be sent.
    var isDeafToSending = false
    /// Whether a start succeeds at once; nil: it is told apart.
    var startSucceeds: Bool? = true

    init(_ machine: Machine) { self.machine = machine }

    // MARK: - What happens

    mutating func ask(_ request: Request) {
        asked = request
        refusal = nil
        (log, logBegin) = ([], now)
        tell(.asked(request))
    }

    /// A request whose caller does not wait: only a refusal answers it.
    mutating func begin(_ request: Request) {
        refusal = nil
        isBeginning = true
        tell(.begun(request))
        isBeginning = false
    }

    /// Time passes, and nothing else; what the lifecycle waits for comes when its time has come.
    mutating func pass(_ time: Duration) {
        let end = now.advanced(by: time)
        while let moment = wakeAt, moment <= end { wake() }
        now = end
    }

    /// The moment comes that the lifecycle waits for.
    mutating func wake() {
        guard let moment = wakeAt else { return }
        now = max(now, moment)
        wakeAt = nil
        tell(.due)
    }

    /// The client of what was begun is killed.
    mutating func dropClient() {
        isBeginning = true
        tell(.clientGone)
        isBeginning = false
    }

    mutating func end(_ status: ExitStatus = .exited(0)) {
        (hasProcess, isFrozen, hasHook, isDying) = (false, false, false, false)
        tell(.ended(status))
    }

    mutating func endHook(code: Int = 0) {
        hasHook = false
        tell(.hookEnded(code: code))
    }

    /// Its health check has failed too often.
    mutating func fail() { tell(.unhealthy) }

    mutating func comeOfStart(_ errno: Int32?) {
        isStarting = false
        hasProcess = errno == nil
        tell(errno.map(LifecycleInput.startFailed) ?? .started)
    }

    // MARK: - What is done

    private mutating func tell(_ input: LifecycleInput) {
        var inputs = [input]
        while !inputs.isEmpty {
            let commands = machine.handle(inputs.removeFirst(), at: now)
            if isRemoved, commands.contains(where: { !$0.isAnswer }), !commands.contains(.note(.recreated)) {
                violations.append("\(commands) for a container that is removed")
            }
            for command in commands { if let outcome = carryOut(command) { inputs.append(outcome) } }
            // What has been killed as it ran cannot be frozen any more.
            if isFrozen, !isDying, commands.contains(.send(.kill)) { violations.append("killed, and left frozen") }
            if !isFrozen, hasProcess, commands.contains(.send(.kill)) { isDying = true }
        }
    }

    private mutating func carryOut(_ command: LifecycleCommand) -> LifecycleInput? {
        let time = now.duration(since: logBegin).text
        switch command {
        case .start(let byPolicy, let onNewLayer):
            log.append("\(time) start\(byPolicy ? " by policy" : "")\(onNewLayer ? " on a new layer" : "")")
            if hasProcess || isStarting { violations.append("two lives at once") }
            if !byPolicy { count = 0 }
            guard let startSucceeds else {
                isStarting = true
                return nil
            }
            hasProcess = startSucceeds
            return startSucceeds ? .started : .startFailed(2)
        case .send(let signal):
            log.append("\(time) \(signal)")
            if !hasProcess { violations.append("\(signal) to what has ended") }
            return isDeafToSending ? .sendFailed(signal) : nil
        case .freeze:
            isFrozen = true
            log.append("\(time) freeze")
        case .thaw:
            isFrozen = false
            log.append("\(time) thaw")
        case .runHook:
            log.append("\(time) hook")
            if !hasProcess { violations.append("a hook in what has ended") }
            hasHook = true
        case .cancelHook:
            log.append("\(time) no hook")
            if !hasHook { violations.append("a hook is cancelled that does not run") }
            hasHook = false
        case .wake(let time): wakeAt = time.map { now.advanced(by: $0) }
        case .wakeAt(let moment): wakeAt = moment
        case .note(let note): self.note(note, time)
        case .remove:
            log.append("\(time) remove")
            (hasProcess, isFrozen, isStarting, isDying, hasHook) = (false, false, false, false, false)
        case .refuse(let reason) where isBeginning:
            refusal = reason
            log.append("\(time) refused: \(reason)")
        case .done, .refuse:
            if asked == nil { violations.append("an answer that nobody waits for") }
            asked = nil
            if case .refuse(let reason) = command {
                refusal = reason
                log.append("\(time) refused: \(reason)")
            } else {
                log.append("\(time) done")
            }
        }
        return nil
    }

    private mutating func note(_ note: LifecycleNote, _ time: String) {
        switch note {
        case .graceExpired: log.append("\(time) grace over")
        case .stopFinished: log.append("\(time) stopped")
        case .stopFailed: log.append("\(time) stop failed")
        case .restartScheduled(let delay, let count):
            log.append("\(time) again after \(delay.text)")
            if count != self.count + 1 {
                violations.append("the count of restarts goes from \(self.count) to \(count)")
            }
            self.count = count
        case .restartCancelled: log.append("\(time) called off")
        case .removed: isRemoved = true
        case .recreated: isRemoved = false
        case .daemonStarted: log.append("\(time) new daemon")
        case .startRequested, .stopRequested, .stopping, .daemonEnded: break
        }
    }
}

extension LifecycleCommand {
    /// Not what is done to a container, but what is said of a request.
    fileprivate var isAnswer: Bool {
        switch self {
        case .done, .refuse, .note, .wake(after: nil): true
        default: false
        }
    }
}

extension VirtualContainer: Equatable where Machine: Equatable {
    /// Whether the same can come of both.
    static func == (one: VirtualContainer, other: VirtualContainer) -> Bool {
        one.machine == other.machine && one.now == other.now && one.wakeAt == other.wakeAt
            && one.hasProcess == other.hasProcess && one.isFrozen == other.isFrozen && one.isRemoved == other.isRemoved
            && one.isStarting == other.isStarting && one.isDying == other.isDying && one.hasHook == other.hasHook
            && one.asked == other.asked
            && one.count == other.count
    }
}

extension VirtualContainer: Hashable where Machine: Hashable {
    func hash(into hasher: inout Hasher) {
        hasher.combine(machine)
        hasher.combine(now)
        hasher.combine(wakeAt)
        hasher.combine(hasProcess)
        hasher.combine(asked)
    }
}
