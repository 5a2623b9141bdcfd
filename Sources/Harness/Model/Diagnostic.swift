/// Something in a text that cannot be accepted, and where.
public struct Diagnostic: Error, Hashable, Sendable {
    /// Stable: the wording may change, this does not.
    public enum ID: String, CaseIterable, Hashable, Sendable {
        /// The bytes are no text.
        case notText = "not-text"
        /// A line is indented further in or out than anything that it could belong to.
        case badIndentation = "bad-indentation"
        /// A quotation, or a regular expression, does not end on its line.
        case unclosed = "unclosed"
        /// No line of this kind begins with this word.
        case unknownWord = "unknown-word"
        /// The line goes on with something else than it can.
        case unexpected = "unexpected"
        /// The line ends too early.
        case missing = "missing"
        /// What is in the place of a number, time, signal or name is none.
        case badValue = "bad-value"
        /// What there is, said behind something that happens.
        case setupAfterStep = "setup-after-step"
        /// The same thing is said twice.
        case duplicate = "duplicate"
        /// Two things that cannot both be.
        case conflict = "conflict"
        /// There is no service of this name.
        case unknownService = "unknown-service"
        /// There is no volume of this name.
        case unknownVolume = "unknown-volume"
        /// Services that come after each other.
        case cycle = "cycle"
        /// A step that cannot happen where it is.
        case impossible = "impossible"
        /// A question that nothing in the scenario could decide.
        case undecidable = "undecidable"
        /// A question that is answered before anything can have happened: its answer is the same for every init.
        case provesNothing = "proves-nothing"
        /// A signal that comes before PID 1 can have prepared for it.
        case tooEarly = "too-early"
        /// A scenario, block or profile that says too little to be run.
        case incomplete = "incomplete"
    }

    /// Whether it keeps a scenario from being run.
    public enum Severity: String, Hashable, Sendable {
        /// It is not run.
        case error
        /// It is run; what it shows is not what its writer thinks.
        case warning
    }

    /// Whether it keeps a scenario from being run.
    public var severity: Severity {
        switch id {
        case .provesNothing, .tooEarly: .warning
        default: .error
        }
    }

    /// What kind of fault it is.
    public let id: ID
    /// Where it is.
    public let place: SourcePlace
    /// How many bytes of the line it is about.
    public let length: Int
    /// One sentence, without a full stop.
    public let message: String
    /// The nearest known word, where there is one.
    public let suggestion: String?
    /// Other places that have to do with it.
    public let notes: [Note]

    /// Another place, and what it has to do with it.
    public struct Note: Hashable, Sendable {
        /// Where it is.
        public let place: SourcePlace
        /// One sentence, without a full stop.
        public let message: String

        public init(_ message: String, at place: SourcePlace) {
            self.message = message
            self.place = place
        }
    }

    public init(
        _ id: ID, _ message: String, at place: SourcePlace, length: Int = 1, suggestion: String? = nil,
        notes: [Note] = []
    ) {
        self.id = id
        self.message = message
        self.place = place
        self.length = length
        self.suggestion = suggestion
        self.notes = notes
    }
}
