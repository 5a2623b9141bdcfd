import Model
import Vocabulary

/// What came of a sweep: of each moment at which the container was disturbed.
public struct SweepOutcome: Hashable, Sendable {
    /// When it was disturbed.
    public enum Moment: Hashable, Sendable {
        /// This long after its start.
        case time(Duration)
        /// Right after this event of the container; `what` it was, nil: PID 1 had done nothing yet.
        case event(Int, what: String?)
    }

    /// One of its runs.
    public struct Run: Hashable, Sendable {
        /// When the container was disturbed in this run.
        public let moment: Moment
        /// PID 1 had ended before, or what the disturbance was about did not run.
        public let cameTooLate: Bool
        /// Each step of the entrypoint that ran, in the order in which they first did, and how often.
        public let steps: [StepCount]
        /// The run did not pass.
        public let hasFailed: Bool
        /// What failed in it first; nil: it passed, or was recorded without it.
        public let failure: Failure?
        /// The last line that was printed in a run that failed; nil: none was, or it passed.
        public let lastWords: String?

        public init(
            _ moment: Moment, cameTooLate: Bool, steps: [StepCount], hasFailed: Bool, failure: Failure? = nil,
            lastWords: String? = nil
        ) {
            self.moment = moment
            self.cameTooLate = cameTooLate
            self.steps = steps
            self.hasFailed = hasFailed
            self.failure = failure
            self.lastWords = lastWords
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
        /// The scenario that disturbs the container at that one moment.
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

    /// Some of very many moments, at equal distances.
    public struct Sample: Hashable, Sendable {
        /// How many were taken, 1 or more.
        public let taken: Int
        /// How many there are.
        public let total: Int

        public init(taken: Int, of total: Int) {
            self.taken = taken
            self.total = total
        }
    }

    /// The place of the step.
    public let place: SourcePlace
    /// What was done, and when.
    public let plan: SweepPlan
    /// In the order of the moments.
    public let runs: [Run]
    /// The numbers of events that the next one always followed too soon, in this many attempts.
    public let missed: [Int]
    /// How often each moment was tried before it counts as missed.
    public let attempts: Int
    /// Nil: every moment was taken.
    public let sample: Sample?
    /// Nil: none failed.
    public let reproduction: Reproduction?

    public init(
        place: SourcePlace, plan: SweepPlan, runs: [Run], missed: [Int], attempts: Int, sample: Sample? = nil,
        reproduction: Reproduction?
    ) {
        self.place = place
        self.plan = plan
        self.runs = runs
        self.missed = missed
        self.attempts = attempts
        self.sample = sample
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
