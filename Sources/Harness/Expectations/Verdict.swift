import Model
import Vocabulary

/// What a run says about a scenario.
public enum Verdict: Hashable, Sendable {
    case passed
    case failed([Failure])
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
        case .notApplicable, .error: self
        }
    }
}

/// One expectation that did not hold.
public struct Failure: Hashable, Sendable {
    public let place: SourcePlace
    /// As it is written in the scenario.
    public let expected: String
    /// What was so instead, in one sentence.
    public let observed: String
    /// The few lines of the journal that prove it, in the order of time.
    public let evidence: [String]

    public init(place: SourcePlace, expected: String, observed: String, evidence: [String]) {
        self.place = place
        self.expected = expected.printable
        self.observed = observed.printable
        self.evidence = evidence.map(\.printable)
    }
}
