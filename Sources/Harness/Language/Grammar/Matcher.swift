import Model
import Vocabulary

/// Holds lines against patterns.
///
/// A line that fits none is held against them a second time, to learn what would have been expected where it went wrong
/// in the one that it fits furthest.
struct Matcher {
    let text: LexedText
    let grammar: Grammar
    private(set) var line: Line
    /// The next token, as an index of all.
    var position = 0
    var captures = Captures()
    var complaint: Complaint?
    /// What was suggested for words that begin no line, by table and word: the same mistake may be made often.
    var suggestions: [String: String?] = [:]

    /// What would have been expected where a line went wrong.
    struct Complaint {
        var position: Int
        /// Where in the line, when it is not a whole token.
        var range: (start: Int32, end: Int32)?
        var words: [String] = []
        var values: [Slot] = []
        var couldEnd = false
        /// A sentence that says it better, and what it is about.
        var message: String?
        var id = Diagnostic.ID.badValue
        var suggestion: String?
    }

    init(_ text: LexedText, _ grammar: Grammar) {
        self.text = text
        self.grammar = grammar
        line = Line(
            number: 1, start: 0, contentStart: 0, firstToken: 0, endOfTokens: 0, level: 0, isText: false, end: 0)
    }

    var next: Token? { position < Int(line.endOfTokens) ? text.tokens[position] : nil }

    // MARK: - Lines

    /// Finds the form that a line has; its values are in `captures`.
    ///
    /// - Throws: a diagnostic that says what was expected, and what is there.
    mutating func match<Subject>(_ line: Line, _ table: FormTable<Subject>) throws(Diagnostic) -> Form<Subject> {
        self.line = line
        complaint = nil
        if let form = find(in: table, from: Int(line.firstToken), toEnd: true) { return form }
        let first = text.tokens[Int(line.firstToken)]
        if !table.hasVerbs, table.beginning(with: first.word).isEmpty { throw unknownWord(first, table) }
        complaint = Complaint(position: -1)
        _ = find(in: table, from: Int(line.firstToken), toEnd: true)
        throw diagnostic()
    }

    mutating func find<Subject>(
        in table: FormTable<Subject>, from start: Int, toEnd: Bool
    ) -> Form<Subject>? {
        guard start < Int(line.endOfTokens) else { return nil }
        for index in table.beginning(with: text.tokens[start].word) {
            if fits(table.forms[index], from: start, toEnd) { return table.forms[index] }
        }
        guard table.hasVerbs, let verb = endOfList(from: start) else { return nil }
        for index in table.saying(verb) where fits(table.forms[index], from: start, toEnd) {
            return table.forms[index]
        }
        return nil
    }

    mutating func fits<Subject>(_ form: Form<Subject>, from start: Int, _ toEnd: Bool) -> Bool {
        position = start
        captures.values.removeAll(keepingCapacity: true)
        for _ in 0..<form.pattern.captureCount { captures.values.append(.absent) }
        guard take(form.pattern.parts) else { return false }
        if !toEnd || position == Int(line.endOfTokens) { return true }
        expectEnd()
        return false
    }

    /// The word behind a list of names that begins here.
    func endOfList(from start: Int) -> Words.Index? {
        var index = start
        while index < Int(line.endOfTokens) {
            let endsWithComma = text.bytes[Int(text.tokens[index].end) - 1] == 0x2C
            index += 1
            guard index < Int(line.endOfTokens) else { return nil }
            let next = text.tokens[index]
            if !endsWithComma, text.bytes[Int(next.start)] != 0x2C { return next.word }
        }
        return nil
    }

    // MARK: - Parts

    mutating func take(_ parts: [Pattern.Part]) -> Bool {
        for part in parts where !take(part) { return false }
        return true
    }

    mutating func take(_ part: Pattern.Part) -> Bool {
        switch part {
        case .word(let spelling, let word):
            if let token = next, token.word == word {
                position += 1
                return true
            }
            expect { $0.words.append(spelling) }
            return false
        case .slot(let slot, let capture):
            guard let value = read(slot) else { return false }
            captures.values[capture] = value
            return true
        case .optional(let inner, let capture):
            guard begins(inner) else {
                expectBeginning(inner)
                return true
            }
            captures.values[capture] = .present
            return take(inner)
        case .alternatives(let branches, let capture):
            for (index, branch) in branches.enumerated() where begins(branch) {
                captures.values[capture] = .alternative(index)
                return take(branch)
            }
            for branch in branches { expectBeginning(branch) }
            return false
        }
    }

    /// Whether the next token can only belong to this.
    func begins(_ parts: [Pattern.Part]) -> Bool {
        guard let token = next, let first = parts.first else { return false }
        switch first {
        case .word(_, let word): return token.word == word
        case .slot(.number, _), .slot(.exitCode, _):
            return token.kind == .bare && (0x30...0x39).contains(text.bytes[Int(token.start)])
        // What no word of the language begins like: where it is an alternative, it is the last.
        case .slot: return true
        case .optional(let inner, _): return begins(inner)
        case .alternatives(let branches, _): return branches.contains(where: begins)
        }
    }

    mutating func expectBeginning(_ parts: [Pattern.Part]) {
        guard complaint != nil, let first = parts.first else { return }
        switch first {
        case .word(let spelling, _): expect { $0.words.append(spelling) }
        case .slot(let slot, _): expect { $0.values.append(slot) }
        case .optional(let inner, _): expectBeginning(inner)
        case .alternatives(let branches, _): for branch in branches { expectBeginning(branch) }
        }
    }
}
