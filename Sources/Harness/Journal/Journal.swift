import Vocabulary

/// Everything that is known of a run: events in the order of their time.
public struct Journal: Sendable {
    /// Sorted by time; events of the same time in the order in which they were learned.
    public private(set) var events: ArraySlice<Event> = []
    public let witness: Witness
    /// Where the clock of its reports begins, of one of several containers; nil: where PID 1 was started.
    public var origin: MonotonicInstant?
    /// Told of every event as it is learned, in the order in which it is learned: late ones are sorted in where they belong.
    public var onAppend: (@Sendable ([Event]) -> Void)?
    /// The first place that has changed since this was set to nil; nil: everything that was there is as it was.
    public var firstChange: Int?

    public init(witness: Witness) {
        self.witness = witness
    }

    /// Adds what has been learned.
    public mutating func append(_ event: Event) {
        append(contentsOf: CollectionOfOne(event))
    }

    /// Adds what has been learned. Sources deliver late: what is already there and later is sorted anew with it.
    public mutating func append(contentsOf new: some Collection<Event>) {
        guard let earliest = new.lazy.map(\.instant).min() else { return }
        onAppend?(Array(new))
        var start = events.count
        while start > 0, events[start - 1].instant > earliest { start -= 1 }
        if start == events.count {
            events.append(
                contentsOf: new.count == 1
                    ? Array(new)
                    : new.enumerated().sorted {
                        ($0.element.instant, $0.offset) < ($1.element.instant, $1.offset)
                    }.map(\.element))
            return
        }
        firstChange = min(firstChange ?? start, start)
        let late = (events[start...] + Array(new)).enumerated().sorted {
            ($0.element.instant, $0.offset) < ($1.element.instant, $1.offset)
        }
        events.replaceSubrange(start..., with: late.lazy.map(\.element))
    }

    /// The journal as it stood up to and including a moment. It shares what it has with this one.
    public func until(_ instant: MonotonicInstant) -> Journal {
        var result = self
        result.events = events[..<count(until: instant)]
        return result
    }

    /// How many events there are up to and including a moment.
    public func count(until instant: MonotonicInstant) -> Int {
        var (low, high) = (0, events.count)
        while low < high {
            let middle = (low + high) / 2
            if events[middle].instant <= instant { low = middle + 1 } else { high = middle }
        }
        return low
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
