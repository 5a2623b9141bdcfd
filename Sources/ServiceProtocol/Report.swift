import Vocabulary

/// What a fake service says of itself: evidence, but its own word and not the kernel's.
public struct Report: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        /// The first message: this process is the service of this name.
        case hello(name: String)
        /// It is about to become a real program, of which nothing more will be heard.
        case executes(program: String)
        /// It does its work now.
        case ready
        /// A signal that it has a handler for; the sender by its number in the container, 0 = from outside.
        case caught(Signal, sender: Int32)
        /// Its orderly stop has begun.
        case stopping
        /// Its orderly stop is complete; it exits with this status.
        case finished(code: Int32)
        /// It has made this many processes and left them to the init, because it was told to.
        case orphaned(count: Int)
        /// An entrypoint has gone through a step of its initialisation.
        case ran(step: String)
        /// It has written its marker.
        case wroteMarker
        /// Its initialisation is complete.
        case initialised
        /// It was told to do something that it cannot do here: what, and why.
        case cannot(String)
    }

    /// When it was said, on the speaker's CLOCK_MONOTONIC, which is everybody's.
    public let instant: MonotonicInstant
    public let content: Content

    public init(_ content: Content, at instant: MonotonicInstant) {
        self.instant = instant
        self.content = content
    }

    /// One message: the time in nanoseconds, a word, its arguments.
    public var text: String {
        let words: String =
            switch content {
            case .hello(let name): "hello \(name)"
            case .executes(let program): "executes \(program)"
            case .ready: "ready"
            case .caught(let signal, let sender): "caught \(signal.rawValue) \(sender)"
            case .stopping: "stopping"
            case .finished(let code): "finished \(code)"
            case .orphaned(let count): "orphaned \(count)"
            case .ran(let step): "ran \(step)"
            case .wroteMarker: "wrote-marker"
            case .initialised: "initialised"
            case .cannot(let what): "cannot \(what)"
            }
        return "\(instant.nanoseconds) \(words)"
    }

    /// Reads a message; nil when it is not one. The other end may be anything that runs in the container.
    public init?(text: String) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, let nanoseconds = UInt64(words[0]) else { return nil }
        let argument = words.count > 2 ? String(words[2]) : ""
        let content: Content? =
            switch words[1] {
            case "hello" where !argument.isEmpty: .hello(name: argument)
            case "executes": .executes(program: argument)
            case "ready": .ready
            case "caught": Report.caught(argument)
            case "stopping": .stopping
            case "finished": Int32(argument).map(Content.finished)
            case "orphaned": Int(argument).map(Content.orphaned)
            case "ran" where !argument.isEmpty: .ran(step: argument)
            case "wrote-marker": .wroteMarker
            case "initialised": .initialised
            case "cannot" where !argument.isEmpty: .cannot(argument)
            default: nil
            }
        guard let content else { return nil }
        self.init(content, at: MonotonicInstant(nanoseconds: nanoseconds))
    }

    private static func caught(_ argument: String) -> Content? {
        let numbers = argument.split(separator: " ").compactMap { Int32($0) }
        guard numbers.count == 2, (1...64).contains(numbers[0]) else { return nil }
        return .caught(Signal(rawValue: numbers[0]), sender: numbers[1])
    }
}

/// What the harness tells a fake service to do, over the connection on which it reports.
public enum Order: Hashable, Sendable {
    /// To make processes and leave them to the init; each exits after a time.
    case orphan(count: Int, living: Duration)

    /// One message: a word, its arguments.
    public var text: String {
        switch self {
        case .orphan(let count, let time): "orphan \(count) \(time.inNanoseconds)"
        }
    }

    /// Reads a message; nil when it is not one.
    public init?(text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, words[0] == "orphan", let count = Int(words[1]), let nanoseconds = Int64(words[2])
        else { return nil }
        self = .orphan(count: count, living: .nanoseconds(nanoseconds))
    }
}
