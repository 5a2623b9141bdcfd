import Vocabulary

/// What happens to a container that is only imagined: how its program behaves, and what is asked of its runtime.
public struct Happenings: Hashable, Sendable {
    /// How lives end by themselves, one after the other; the last one may stand for all that follow. Where there is none left, a life has no
    /// end of its own.
    public var lives: [Life] = []
    /// What comes of the stop signal; nil: nothing.
    public var onStop: Reaction? = Reaction(ending: .exited(0), after: .zero)
    /// What comes of other signals, and of these as a stop signal.
    public var onSignal: [Signal: Reaction] = [:]
    /// How long a hook takes, after a start or before a stop.
    public var hookTakes: Duration = .zero
    /// In the order of their times.
    public var asks: [Ask] = []
    /// Where it is no longer looked; nil: when nothing more can happen, or an hour after the last that is asked for.
    public var end: Duration?

    /// A program that runs until it is told to stop, and then ends at once with 0.
    public init() {}

    /// How lives end by themselves.
    public struct Life: Hashable, Sendable {
        public var ending: ExitStatus
        /// From the life's start.
        public var after: Duration
        /// How many lives end so; nil: all that follow.
        public var times: Int?

        /// - Parameters:
        ///   - after: from the life's start.
        ///   - times: how many lives; nil: all that follow.
        public init(_ ending: ExitStatus, after: Duration, times: Int? = nil) {
            self.ending = ending
            self.after = after
            self.times = times
        }
    }

    /// What comes of a signal.
    public struct Reaction: Hashable, Sendable {
        public var ending: ExitStatus
        /// From the signal on.
        public var after: Duration

        /// An end, and when.
        public init(ending: ExitStatus, after: Duration) {
            self.ending = ending
            self.after = after
        }
    }

    /// Something that is asked of the runtime.
    public struct Ask: Hashable, Sendable {
        public var action: Action
        /// From the first start on.
        public var at: Duration

        /// Something, at a time.
        public init(_ action: Action, at: Duration) {
            self.action = action
            self.at = at
        }
    }

    /// What can be asked for.
    public enum Action: Hashable, Sendable {
        case start, pause, resume, recreate, daemonRestarts, daemonCrashes
        /// Nil: the container's own grace period.
        case stop(grace: Duration?)
        case restart(grace: Duration?)
        case kill(Signal)
    }

    /// How a life ends by itself, the first being 0; nil: it does not.
    public func life(_ number: Int) -> Life? {
        var rest = number
        for life in lives {
            guard let times = life.times, rest >= times else { return life }
            rest -= times
        }
        return nil
    }
}

/// What becomes of it by the rules of one runtime.
public struct Schedule: Hashable, Sendable {
    public var runtime: Runtime
    public var entries: [Entry]
    /// More would have happened.
    public var isCut: Bool

    /// One thing that is done or happens.
    public struct Entry: Hashable, Sendable {
        /// From the first start on.
        public var at: Duration
        public var kind: Kind
        /// In words.
        public var text: String

        /// One thing, and when.
        public init(at: Duration, _ kind: Kind, _ text: String) {
            self.at = at
            self.kind = kind
            self.text = text
        }
    }

    /// Who does it.
    public enum Kind: String, Hashable, Sendable {
        /// A person asks for it.
        case asked
        /// The runtime does it.
        case start, signal, hook, freeze, thaw, remove, wait, answer, refusal, note
        /// PID 1 ends.
        case end
    }

    /// What was done, in the order of time.
    public init(runtime: Runtime, entries: [Entry], isCut: Bool) {
        self.runtime = runtime
        self.entries = entries
        self.isCut = isCut
    }
}
