import Model
import Vocabulary

/// A container that is only imagined, driven by a runtime's lifecycle in virtual time.
public struct Simulation {
    private var machine: any Lifecycle
    private let happenings: Happenings
    private let stopSignal: Signal
    private let postStart: [String]?
    private let codeOfEnd: @Sendable (ExitStatus) -> Int
    private let begin = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private var now: MonotonicInstant
    private var wakeAt: MonotonicInstant?
    private var hookEndsAt: MonotonicInstant?
    private var endsAt: (moment: MonotonicInstant, ending: ExitStatus)?
    private var isAlive = false
    private var frozenAt: MonotonicInstant?
    private var lifeCount = 0
    private var asks: ArraySlice<Happenings.Ask>
    private var isAnswered = true
    private var entries: [Schedule.Entry] = []

    /// More than these are a loop that nobody reads.
    private static let entryLimit = 2000

    /// What becomes of a container with this policy.
    ///
    public static func schedule(_ happenings: Happenings, _ policy: ContainerPolicy, by runtime: Runtime) -> Schedule {
        var simulation = Simulation(.of(runtime), happenings, policy)
        let isCut = simulation.run()
        return Schedule(runtime: runtime, entries: simulation.entries, isCut: isCut)
    }

    private init(_ rules: RuntimeRules, _ happenings: Happenings, _ policy: ContainerPolicy) {
        machine = rules.makeLifecycle(policy)
        codeOfEnd = rules.codeOfEnd
        self.happenings = happenings
        asks = happenings.asks[...]
        stopSignal = policy.stopSignal ?? .term
        postStart = policy.postStart
        now = begin
    }

    /// - Returns: whether more would have happened.
    private mutating func run() -> Bool {
        let end = begin.advanced(by: happenings.end ?? (happenings.asks.last?.at ?? .zero) + .seconds(3600))
        ask(.start, waits: false)
        while entries.count < Simulation.entryLimit {
            // What ends, ends before it is noticed; what is asked for comes last.
            let next = [
                endsAt.flatMap { frozenAt == nil ? $0.moment : nil }, hookEndsAt, wakeAt,
                isAnswered ? asks.first.map { max(now, begin.advanced(by: $0.at)) } : nil,
            ]
            guard let moment = next.compactMap(\.self).min() else { return false }
            if moment > end { return true }
            now = max(now, moment)
            if next[0] == moment, let ending = endsAt?.ending {
                self.end(ending)
            } else if next[1] == moment {
                hookEndsAt = nil
                note(.hook, "the hook ends")
                tell(.hookEnded(code: 0))
            } else if next[2] == moment {
                wakeAt = nil
                tell(.due)
            } else if let asked = asks.popFirst() {
                // What takes time is not waited for: the next request comes at the time that it names.
                ask(Simulation.request(asked.action), waits: !asked.action.takesTime)
            }
        }
        return true
    }

    private static func request(_ action: Happenings.Action) -> Request {
        switch action {
        case .start: .start
        case .stop(let grace): .stop(grace: grace)
        case .restart(let grace): .restart(grace: grace)
        case .kill(let signal): .kill(signal)
        case .pause: .pause
        case .resume: .resume
        case .recreate: .recreate
        case .daemonRestarts: .replaceDaemon(isKilled: false)
        case .daemonCrashes: .replaceDaemon(isKilled: true)
        }
    }

    private mutating func ask(_ request: Request, waits: Bool = true) {
        isAnswered = !waits
        let words =
            switch request {
            case .start: "start"
            case .stop(let grace): "stop" + (grace.map { ", grace \($0.text)" } ?? "")
            case .restart(let grace): "restart" + (grace.map { ", grace \($0.text)" } ?? "")
            case .kill(let signal): "kill \(signal)"
            case .prepareStop: "a stop will follow"
            case .pause: "pause"
            case .resume: "resume"
            case .exec: "exec"
            case .recreate: "a new container"
            case .replaceDaemon(let isKilled): isKilled ? "the daemon crashes" : "the daemon ends"
            }
        note(.asked, words)
        tell(waits ? .asked(request) : .begun(request))
    }

    private mutating func end(_ status: ExitStatus) {
        (isAlive, endsAt, hookEndsAt, frozenAt) = (false, nil, nil, nil)
        switch status {
        case .exited(let code): note(.end, "PID 1 exits \(code)")
        case .signaled(let signal, _): note(.end, "PID 1 dies of \(signal): \(codeOfEnd(status))")
        }
        tell(.ended(status))
    }

    // MARK: - Commands

    private mutating func tell(_ input: LifecycleInput) {
        var inputs = [input]
        while !inputs.isEmpty {
            for command in machine.handle(inputs.removeFirst(), at: now) {
                if let outcome = carryOut(command) { inputs.append(outcome) }
            }
        }
    }

    private mutating func carryOut(_ command: LifecycleCommand) -> LifecycleInput? {
        switch command {
        case .start(let byPolicy, let onNewLayer):
            let life = happenings.life(lifeCount)
            endsAt = life.map { (now.advanced(by: $0.after), $0.ending) }
            note(
                .start,
                "start \(lifeCount + 1)" + (byPolicy ? ", by the policy" : "")
                    + (onNewLayer && lifeCount > 0 ? ", a new container" : ""))
            (isAlive, frozenAt) = (true, nil)
            lifeCount += 1
            return .started
        case .send(let signal):
            note(.signal, "\(signal)")
            guard isAlive else { return .sendFailed(signal) }
            // What is frozen hears of it when it is thawed, which adds the time that it was frozen.
            let heard = frozenAt ?? now
            if signal == .kill {
                endsAt = (heard, .signaled(.kill, dumpedCore: false))
            } else if let reaction = happenings.onSignal[signal] ?? (isStopSignal(signal) ? happenings.onStop : nil) {
                let moment = heard.advanced(by: reaction.after)
                if endsAt.map({ moment < $0.moment }) ?? true { endsAt = (moment, reaction.ending) }
            }
        case .freeze:
            frozenAt = now
            note(.freeze, "frozen")
        case .thaw:
            // While it is frozen its own time does not pass.
            if let frozenAt, let end = endsAt {
                endsAt?.moment = max(now, end.moment.advanced(by: now.duration(since: frozenAt)))
            }
            frozenAt = nil
            note(.thaw, "thawed")
        case .runHook(let command):
            hookEndsAt = now.advanced(by: happenings.hookTakes)
            note(.hook, command == postStart ? "the postStart hook" : "the preStop hook")
        case .cancelHook:
            hookEndsAt = nil
            note(.hook, "the hook is cancelled")
        case .wake(let time): wakeAt = time.map { now.advanced(by: $0) }
        case .wakeAt(let moment): wakeAt = moment
        case .note(let note): self.note(note)
        case .remove:
            (isAlive, endsAt, hookEndsAt, frozenAt) = (false, nil, nil, nil)
            note(.remove, "the container is removed")
        case .done: isAnswered = true
        case .refuse(let reason):
            isAnswered = true
            note(.refusal, "refused: \(reason)")
        }
        return nil
    }

    /// Podman sends another one to systemd than is configured.
    private func isStopSignal(_ signal: Signal) -> Bool { signal == stopSignal || signal == .systemdHalt }

    private mutating func note(_ note: LifecycleNote) {
        switch note {
        case .graceExpired: self.note(.note, "the grace period is over")
        case .stopFailed(let reason): self.note(.note, reason)
        case .restartScheduled(let delay, let count): self.note(.wait, "restart \(count) in \(delay.text)")
        case .restartCancelled: self.note(.note, "no restart comes")
        case .stopFinished: self.note(.answer, "stopped")
        case .daemonStarted: self.note(.note, "a new daemon")
        case .startRequested, .stopRequested, .stopping, .removed, .recreated, .daemonEnded: break
        }
    }

    private mutating func note(_ kind: Schedule.Kind, _ text: String) {
        entries.append(Schedule.Entry(at: now.duration(since: begin), kind, text))
    }
}

extension Happenings.Action {
    /// A stop, and a start, which may have a hook.
    fileprivate var takesTime: Bool {
        switch self {
        case .start, .stop, .restart: true
        default: false
        }
    }
}
