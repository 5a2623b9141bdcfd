import Journal
import Model
import Vocabulary

/// What a run says about a scenario.
public enum Verdict: Hashable, Sendable {
    case passed
    case failed([Failure])
    /// It failed so, and passed when it was made again.
    case flaky([Failure])
    /// The init cannot do what the scenario is about.
    case notApplicable(reason: String)
    /// It could not be found out.
    case error(String)
}

extension Verdict {
    /// The same with further failures.
    public func adding(_ failures: [Failure]) -> Verdict {
        switch self {
        case .passed: failures.isEmpty ? self : .failed(failures)
        case .failed(let own): .failed(own + failures)
        case .flaky, .notApplicable, .error: self
        }
    }
}

extension [Failure] {
    /// Why the run ended before its last step; nil: it did not. A `wait for` that failed ends a run as well.
    package var interruption: Failure? {
        last { failure in
            switch failure.question {
            case .continuation, .waitFor: true
            case .expect, .moments: false
            }
        }
    }
}

/// One expectation that did not hold.
public struct Failure: Hashable, Sendable {
    /// What was asked for and did not come.
    public enum Question: Hashable, Sendable {
        case expect(Expectation)
        case waitFor(Expectation)
        /// The run could not go on: what the step is about was not there.
        case continuation
        /// The run at each of this number of moments of a sweep was to pass.
        case moments(Int)
    }

    public let place: SourcePlace
    public let question: Question
    /// What was so instead, in one sentence.
    public let observed: String
    /// The few events that prove it, in the order of time.
    public let evidence: [Evidence]

    public init(place: SourcePlace, _ question: Question, observed: String, evidence: [Evidence] = []) {
        self.place = place
        self.question = question
        self.observed = observed.printable
        self.evidence = evidence
    }

    /// The question as it is written in the scenario.
    public var expected: String { "\(question)".printable }
}

/// An event that proves something.
public struct Evidence: Hashable, Sendable {
    public let event: Event
    /// The name of the one of several containers in which it happened; nil: there is one.
    public let container: String?

    public init(_ event: Event, in container: String? = nil) {
        self.event = event
        self.container = container
    }
}

extension Failure.Question: CustomStringConvertible {
    public var description: String {
        switch self {
        case .expect(let expectation): "expect \(expectation)"
        case .waitFor(let expectation): "wait for \(expectation)"
        case .continuation: "to go on from here"
        case .moments(let count): "each of \(count) moments to pass"
        }
    }
}
