/// What a line may look like: words, values, optional parts and alternatives.
///
/// Written as it is documented: `stop signal SIGNAL [grace GRACE]`. Small letters are words, capitals are values (see
/// `Slot`), brackets are optional parts, parentheses hold alternatives. Which way a line goes is always decided by the
/// next word.
struct Pattern: Sendable {
    enum Part: Sendable {
        case word(String, Words.Index)
        case slot(Slot, capture: Int)
        case optional([Part], capture: Int)
        case alternatives([[Part]], capture: Int)
    }

    let text: String
    let parts: [Part]
    /// How many values a match has: one for each slot, optional part and set of alternatives, in the order of the text.
    let captureCount: Int

    /// A pattern whose words have no numbers yet.
    init(_ text: String) {
        self.init(text, numbers: [:])
    }

    private init(_ text: String, numbers: [String: Words.Index]) {
        var reader = Reader(
            rest: text.replacing("[", with: " [ ").replacing("]", with: " ] ").replacing("(", with: " ( ")
                .replacing(")", with: " ) ").split(separator: " ").map(String.init)[...], numbers: numbers)
        self.text = text
        parts = reader.parts()
        captureCount = reader.captureCount
        precondition(reader.rest.isEmpty, "a bracket too many in \(text)")
    }

    func numbered(_ words: Words) -> Pattern {
        var numbers: [String: Words.Index] = [:]
        for index in words.spellings.indices { numbers[words.spellings[index]] = Words.Index(index) }
        return Pattern(text, numbers: numbers)
    }

    private struct Reader {
        var rest: ArraySlice<String>
        let numbers: [String: Words.Index]
        var captureCount = 0

        mutating func parts() -> [Part] {
            var result: [Part] = []
            while let next = rest.first, !["]", ")", "|"].contains(next) {
                rest.removeFirst()
                switch next {
                case "[":
                    let capture = takeCapture()
                    result.append(.optional(parts(), capture: capture))
                    close("]")
                case "(":
                    let capture = takeCapture()
                    var branches = [parts()]
                    while rest.first == "|" {
                        rest.removeFirst()
                        branches.append(parts())
                    }
                    result.append(.alternatives(branches, capture: capture))
                    close(")")
                default:
                    if let slot = Slot(rawValue: next) {
                        result.append(.slot(slot, capture: takeCapture()))
                    } else {
                        precondition(next == next.lowercased(), "there is no value '\(next)'")
                        result.append(.word(next, numbers[next] ?? Words.none))
                    }
                }
            }
            return result
        }

        private mutating func takeCapture() -> Int {
            defer { captureCount += 1 }
            return captureCount
        }

        private mutating func close(_ bracket: String) {
            precondition(rest.popFirst() == bracket, "'\(bracket)' is missing in a pattern")
        }
    }

    /// Every word in it.
    var words: [String] { Pattern.words(parts) }

    private static func words(_ parts: [Part]) -> [String] {
        parts.flatMap { part -> [String] in
            switch part {
            case .word(let spelling, _): [spelling]
            case .slot: []
            case .optional(let inner, _): words(inner)
            case .alternatives(let branches, _): branches.flatMap(words)
            }
        }
    }

    /// Every kind of value in it.
    var slots: [Slot] { Pattern.slots(parts) }

    private static func slots(_ parts: [Part]) -> [Slot] {
        parts.flatMap { part -> [Slot] in
            switch part {
            case .word: []
            case .slot(let slot, _): [slot]
            case .optional(let inner, _): slots(inner)
            case .alternatives(let branches, _): branches.flatMap(slots)
            }
        }
    }
}

/// One kind of line: what it looks like, what it means, and what it does to what is being read.
final class Form<Subject>: Sendable {
    let pattern: Pattern
    /// One or two sentences.
    let meaning: String
    /// What is so without the line.
    let otherwise: String?
    /// A whole scenario that uses it, or "see `PATTERN`" where that of another form does; profiles have none.
    let example: String
    /// It may be in its block only once.
    let isOnce: Bool
    let apply: @Sendable (inout Subject, Captures) -> Void

    convenience init(
        _ pattern: String, _ meaning: String, otherwise: String? = nil, once: Bool = false,
        example: String, apply: @escaping @Sendable (inout Subject, Captures) -> Void
    ) {
        self.init(Pattern(pattern), meaning, otherwise, once, example, apply)
    }

    private init(
        _ pattern: Pattern, _ meaning: String, _ otherwise: String?, _ isOnce: Bool,
        _ example: String, _ apply: @escaping @Sendable (inout Subject, Captures) -> Void
    ) {
        self.pattern = pattern
        self.meaning = meaning
        self.otherwise = otherwise
        self.isOnce = isOnce
        self.example = example
        self.apply = apply
    }

    func numbered(_ words: Words) -> Form {
        Form(pattern.numbered(words), meaning, otherwise, isOnce, example, apply)
    }
}

/// The forms of one kind of block, found by a word of the line.
struct FormTable<Subject>: Sendable {
    let forms: [Form<Subject>]
    /// What a message calls a word that begins one of these: "a word of a scenario".
    let phrase: String
    /// Forms by the number of their first word.
    private var byFirstWord: [[Int]]
    /// Forms that begin with a value, by the number of the first word behind it.
    private var byVerb: [[Int]]

    init(_ forms: [Form<Subject>], phrase: String, words: Words) {
        self.forms = forms.map { $0.numbered(words) }
        self.phrase = phrase
        byFirstWord = Array(repeating: [], count: words.spellings.count)
        byVerb = byFirstWord
        for (index, form) in self.forms.enumerated() {
            if case .word(_, let word)? = form.pattern.parts.first {
                byFirstWord[Int(word)].append(index)
            } else if case .word(_, let word) = form.pattern.parts[1] {
                byVerb[Int(word)].append(index)
            } else if case .alternatives(let branches, _) = form.pattern.parts[1] {
                for case .word(_, let word)? in branches.map(\.first) { byVerb[Int(word)].append(index) }
            }
        }
    }

    func beginning(with word: Words.Index) -> [Int] { byFirstWord[Int(word)] }

    func saying(_ verb: Words.Index) -> [Int] { byVerb[Int(verb)] }

    /// The words that lines of this kind begin with, or go on with behind what they are about.
    func keys(_ words: Words) -> [String] {
        words.spellings.indices.filter { $0 != 0 && !(byFirstWord[$0].isEmpty && byVerb[$0].isEmpty) }
            .map { words.spellings[$0] }
    }

    var hasVerbs: Bool { byVerb.contains { !$0.isEmpty } }
}
