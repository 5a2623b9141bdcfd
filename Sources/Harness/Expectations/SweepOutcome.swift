import Model
import Vocabulary

/// What came of a sweep: of each moment at which PID 1 was killed.
public struct SweepOutcome: Hashable, Sendable {
    /// When PID 1 was killed.
    public enum Moment: Hashable, Sendable {
        /// This long after its first start.
        case time(Duration)
        /// Right after this event of the container; `what` it was, nil: PID 1 had done nothing yet.
        case event(Int, what: String?)
    }

    /// One of its runs.
    public struct Kill: Hashable, Sendable {
        /// When PID 1 was killed in this run.
        public let moment: Moment
        /// PID 1 had ended before.
        public let cameTooLate: Bool
        /// Each step of the entrypoint that ran, in the order in which they first did, and how often.
        public let steps: [StepCount]
        /// An expectation of the scenario failed in this run.
        public let hasFailed: Bool
        /// The last line that was printed in a run that failed; nil: none was, or it passed.
        public let lastWords: String?

        public init(
            _ moment: Moment, cameTooLate: Bool, steps: [StepCount], hasFailed: Bool, lastWords: String? = nil
        ) {
            self.lastWords = lastWords
            self.moment = moment
            self.cameTooLate = cameTooLate
            self.steps = steps
            self.hasFailed = hasFailed
        }
    }

    /// A step of an entrypoint, and how often it ran.
    public struct StepCount: Hashable, Sendable {
        /// As the entrypoint names it.
        public let name: String
        /// Runs of this step, 1 or more.
        public let count: Int

        public init(_ name: String, _ count: Int) {
            self.name = name
            self.count = count
        }
    }

    /// One of its runs that failed, made again.
    public struct Reproduction: Hashable, Sendable {
        /// The scenario that kills PID 1 at that one moment.
        public let scenario: Scenario
        /// In how many of the trials it failed.
        public let failures: Int
        /// How often it was run, 1 or more.
        public let trials: Int

        public init(_ scenario: Scenario, failures: Int, trials: Int) {
            self.scenario = scenario
            self.failures = failures
            self.trials = trials
        }
    }

    /// The place of the step.
    public let place: SourcePlace
    /// In the order of the moments.
    public let kills: [Kill]
    /// The numbers of events that the next one always followed too soon, in this many attempts.
    public let missed: [Int]
    /// How often each moment was tried before it counts as missed.
    public let attempts: Int
    /// Nil: none failed.
    public let reproduction: Reproduction?

    public init(place: SourcePlace, kills: [Kill], missed: [Int], attempts: Int, reproduction: Reproduction?) {
        self.place = place
        self.kills = kills
        self.missed = missed
        self.attempts = attempts
        self.reproduction = reproduction
    }
}

extension SweepOutcome.Moment: CustomStringConvertible {
    public var description: String {
        switch self {
        case .time(let time): time.text
        case .event(let number, let what): "event \(number)" + (what.map { " (\($0))" } ?? "")
        }
    }
}
