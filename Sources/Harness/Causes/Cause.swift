import Journal
import Model
import Vocabulary

/// Something that PID 1, or what it starts, does wrong: proved by events, never by a name.
public struct Cause: Sendable {
    /// Stable; by it programs tell causes apart.
    public let id: String
    /// What to do about it, in half a sentence.
    public let remedy: String
    let find: @Sendable ([Observation], Habits) -> Found?

    /// What was found.
    struct Found {
        /// What is so, in one sentence.
        let sentence: String
        /// Of each run that shows it, by its place, the events that prove it.
        let proofs: [Int: [Event]]
    }

    init(_ id: String, remedy: String, find: @escaping @Sendable ([Observation], Habits) -> Found?) {
        (self.id, self.remedy, self.find) = (id, remedy, find)
    }

    /// A cause that shows in some runs together.
    init(_ id: String, remedy: String, _ find: @escaping @Sendable ([Observation]) -> Found?) {
        self.init(id, remedy: remedy) { observations, _ in find(observations) }
    }

    /// A cause that each run shows by itself.
    ///
    /// - Parameter proof: the events that show it in a run; nil or empty: it does not.
    init(
        _ id: String, _ sentence: String, remedy: String, proof: @escaping @Sendable (Observation) -> [Event]?
    ) {
        self.init(id, remedy: remedy) { observations, _ in
            var proofs: [Int: [Event]] = [:]
            for (place, observation) in observations.enumerated() {
                if let events = proof(observation), !events.isEmpty { proofs[place] = events }
            }
            return proofs.isEmpty ? nil : Found(sentence: sentence, proofs: proofs)
        }
    }

    /// The same, shown within one life.
    init(
        _ id: String, _ sentence: String, remedy: String,
        inLife proof: @escaping @Sendable (Life, Observation) -> [Event]?
    ) {
        self.init(id, sentence, remedy: remedy) { observation in
            observation.lives.lazy.compactMap { proof($0, observation) }.first { !$0.isEmpty }
        }
    }
}

/// A cause that was found, and the runs that it explains.
public struct FoundCause: Sendable {
    /// The entry of the table.
    public let cause: Cause
    /// What is so, in one sentence.
    public let sentence: String
    /// The places of the runs in the list that was looked at, in its order.
    public let runs: [Int]
    /// The events that prove it in each of them.
    public let proofs: [Int: [Event]]
}

extension Cause {
    /// The causes of failed runs of one init: as few as explain as many as possible. A run that none explains is in none of them.
    ///
    /// Without a trace nothing is known of signals and waits, and no cause is claimed.
    ///
    /// - Parameter habits: what the init does in those of its runs that passed.
    /// - Parameter table: what is looked for.
    public static func causes(
        of runs: [FailedRun], habits: Habits = Habits(), in table: [Cause] = all
    ) -> [FoundCause] {
        let observations = runs.map(Observation.init)
        guard runs.allSatisfy({ $0.journal.witness.seesSignals }) else { return [] }
        var candidates = table.compactMap { cause in cause.find(observations, habits).map { (cause: cause, found: $0) }
        }
        var open = Set(runs.indices)
        var result: [FoundCause] = []
        // The one that explains most of what is open; of equals, the one that comes first in the table.
        while let (place, own) = candidates.indices.map({ ($0, open.intersection(candidates[$0].found.proofs.keys)) })
            .max(by: { ($0.1.count, $1.0) < ($1.1.count, $0.0) }), !own.isEmpty
        {
            let (cause, found) = candidates.remove(at: place)
            open.subtract(own)
            result.append(
                FoundCause(
                    cause: cause, sentence: found.sentence, runs: own.sorted(),
                    proofs: found.proofs.filter { own.contains($0.key) }))
        }
        return result
    }

    /// Those that leave zombies. The events alone show them, with no scenario's expectations, so any container can be searched for them.
    public static let ofZombies: [Cause] = leavingZombies

    /// The table: where two causes explain the same runs, the one that comes first is named.
    public static let all: [Cause] =
        ofStarting + ofReaping + ofSignals + ofStopping + ofSurroundings + ofEnds + ofEntrypoints
}

/// What an init does as a rule, as far as it helps to tell what it does wrong.
public struct Habits: Sendable {
    /// Signals that PID 1 has passed on as they came.
    public private(set) var passedOn: Set<Signal> = []

    public init() {}

    public init(_ scenario: Scenario, _ journal: Journal) {
        guard journal.witness.seesSignals else { return }
        for life in Observation(FailedRun(scenario, journal, [])).lives where !life.handlesStopItself {
            // What has ended is told nothing; what is told then is what it has left.
            guard let child = life.mainChild else { continue }
            let told = life.sent(to: child)
            for came in life.received where told.contains(where: { $0.signal == came.signal && $0.at > came.at }) {
                passedOn.insert(came.signal)
            }
        }
    }

    /// Adds what other runs have shown.
    public mutating func formUnion(_ other: Habits) { passedOn.formUnion(other.passedOn) }
}
