import Vocabulary

/// One line of what happens, or of what must be so.
public struct Step: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        case start
        /// As the runtime stops a container; nil: the grace period of the scenario.
        case stop(grace: Duration?)
        /// Requests that the steps after them do not wait for.
        case beginStart
        case beginStop(grace: Duration?)
        case beginRestart(grace: Duration?)
        /// The clients of those are killed.
        case dropClient
        /// As `docker kill`: a signal to PID 1, from outside.
        case kill(Signal)
        /// Right after this many events of the container, counted from its last start as a sweep counts them.
        case atEvent(Int, Disturbance)
        /// A stop and a start, this many times.
        case restart(times: Int, grace: Duration?)
        /// A new container in the place of the old one, with the same volumes.
        case recreate
        case removeVolume(String)
        /// The runtime's daemon ends, by itself or killed, and another one begins.
        case daemonRestarts
        case daemonCrashes
        case pause
        case resume
        /// A signal to one process, from outside the container.
        case signal(Signal, to: Party)
        /// SIGKILL to a service, from outside.
        case crash(service: String)
        /// A service that runs makes orphans, each of which exits after this time.
        case orphan(count: Int, from: String, living: Duration)
        /// As `docker exec`: a further process in the container, waited for; killed when it takes longer.
        case exec([String], within: Duration?)
        /// Letters for PID 1's terminal or its open standard input; `^C` is what Ctrl-C sends.
        case type(String)
        /// The end of PID 1's open standard input.
        case closeInput
        case wait(Duration)
        /// Until it holds, or negated: until it does not hold any more.
        case waitFor(Condition, isNegated: Bool = false, within: Duration)
        case repeated(times: Int, [Step])
        /// The steps in the block, in this one of several containers.
        case within(container: String, [Step])
        /// Every container is stopped and removed; volumes stay.
        case down
        /// The steps from a new container on, once for each moment of the sweep.
        case sweep(SweepPlan, [Step])
        case expect(Expectation)
    }

    public var action: Action
    @Incidental public var place: SourcePlace

    public init(_ action: Action, place: SourcePlace) {
        self.action = action
        self.place = place
    }
}

/// A sender or a receiver of signals.
public enum Party: Hashable, Sendable, CustomStringConvertible {
    /// PID 1 of the container.
    case initProcess
    /// What drives the container from outside.
    case runtime
    /// A service, or one of its children (`app.1`).
    case service(String)

    /// Words that cannot be a service's name, because they mean something else.
    public static let reservedNames = ["init", "runtime", "nobody", "no"]

    public init(name: String) {
        switch name {
        case "init": self = .initProcess
        case "runtime": self = .runtime
        default: self = .service(name)
        }
    }

    public var description: String {
        switch self {
        case .initProcess: "init"
        case .runtime: "runtime"
        case .service(let name): name
        }
    }
}

extension Step.Action {
    /// The steps of its block; nil: it has none.
    public var block: [Step]? {
        switch self {
        case .repeated(_, let steps), .sweep(_, let steps), .within(_, let steps): steps
        default: nil
        }
    }
}

extension Step {
    /// What it asks, if it is a question.
    public var condition: Condition? {
        switch action {
        case .expect(let expectation): expectation.condition
        case .waitFor(let condition, _, _): condition
        default: nil
        }
    }
}

/// A journal speaks of steps by their places in a list in which those of a block come after the step that has it.
extension Step {
    /// How many steps it is, with those of its block, which are left out where there is no repetition.
    package var flattenedCount: Int {
        flattenedBlock.reduce(1) { $0 + $1.flattenedCount }
    }

    fileprivate var flattened: [Step] { [self] + flattenedBlock.flatMap(\.flattened) }

    /// The steps of its block that are carried out in the run itself: those of a sweep are runs of their own.
    private var flattenedBlock: [Step] {
        switch action {
        case .repeated(let times, let inner): times > 0 ? inner : []
        case .within(_, let inner): inner
        default: []
        }
    }
}

extension Scenario {
    /// The same with the steps of each block after it, once.
    package var flattened: Scenario {
        var result = self
        result.steps = steps.flatMap(\.flattened)
        return result
    }
}
