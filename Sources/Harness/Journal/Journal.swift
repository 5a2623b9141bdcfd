import Vocabulary

/// Everything that is known of a run: events in the order of their time.
public struct Journal: Sendable {
    /// Sorted by time; events of the same time in the order in which they were learned.
    public private(set) var events: [Event] = []
    public let witness: Witness

    public init(witness: Witness) {
        self.witness = witness
    }

    /// Adds what has been learned. Sources deliver late, but never by much: the place is looked for from the end.
    public mutating func append(_ event: Event) {
        var index = events.count
        while index > 0, events[index - 1].instant > event.instant { index -= 1 }
        events.insert(event, at: index)
    }

    public mutating func append(contentsOf new: some Sequence<Event>) {
        for event in new { append(event) }
    }

    /// The journal as it stood up to and including a moment.
    public func until(_ instant: MonotonicInstant) -> Journal {
        var result = self
        result.events = Array(events.prefix { $0.instant <= instant })
        return result
    }
}

/// The source of kernel events, and what it cannot see.
public enum Witness: Hashable, Sendable {
    /// A private trace instance: every fork, exec, exit, wait and signal.
    case tracefs
    /// Process descriptors and /proc: ends, and what there was at the moments of looking. The reason is why not more.
    case procfs(reason: String)

    /// Whether it sees signals and their senders.
    public var seesSignals: Bool { self == .tracefs }
}

extension Witness: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tracefs: "tracefs (fork, exec, exit, wait, signals)"
        case .procfs(let reason): "pidfd and /proc (\(reason); sees no signals)"
        }
    }
}
