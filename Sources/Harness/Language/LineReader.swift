import Model
import Vocabulary

/// Reads one line word by word. Whatever does not fit is thrown as a diagnostic with its place.
struct LineReader {
    let file: String
    let line: Line
    private var index = 0

    init(_ line: Line, file: String) {
        self.line = line
        self.file = file
    }

    var place: SourcePlace { SourcePlace(file: file, line: line.number, column: line.column) }

    var isAtEnd: Bool { index == line.tokens.count }

    var next: Token? { isAtEnd ? nil : line.tokens[index] }

    func place(of token: Token) -> SourcePlace {
        SourcePlace(file: file, line: line.number, column: token.column)
    }

    /// The place behind the last word: where what is missing ought to stand.
    private var endPlace: SourcePlace {
        let last = line.tokens[line.tokens.count - 1]
        return SourcePlace(file: file, line: line.number, column: last.column + last.length)
    }

    func missing(_ what: String) -> Diagnostic {
        Diagnostic(.missing, "\(what) is missing here", at: endPlace)
    }

    func bad(_ token: Token, _ what: String, suggestion: String? = nil) -> Diagnostic {
        Diagnostic(
            .badValue, "'\(token.text)' is not \(what)", at: place(of: token), length: token.length,
            suggestion: suggestion)
    }

    func unknown(_ token: Token, among words: some Sequence<String>, as what: String) -> Diagnostic {
        Diagnostic(
            .unknownWord, "'\(token.text)' is not \(what)", at: place(of: token), length: token.length,
            suggestion: nearest(to: token.text, among: words))
    }

    // MARK: - Words

    mutating func token(_ what: String) throws(Diagnostic) -> Token {
        guard let token = next else { throw missing(what) }
        index += 1
        return token
    }

    /// Takes these words if they come next.
    mutating func take(_ words: String...) -> Bool {
        guard index + words.count <= line.tokens.count else { return false }
        for (offset, word) in words.enumerated() {
            let token = line.tokens[index + offset]
            if token.isQuoted || token.text != word { return false }
        }
        index += words.count
        return true
    }

    mutating func require(_ words: String...) throws(Diagnostic) {
        for word in words {
            let token = try token("'\(word)'")
            if token.isQuoted || token.text != word {
                throw Diagnostic(
                    .unexpected, "expected '\(word)', found '\(token.text)'", at: place(of: token),
                    length: token.length,
                    suggestion: nearest(to: token.text, among: [word]))
            }
        }
    }

    func requireEnd() throws(Diagnostic) {
        if let token = next {
            throw Diagnostic(
                .unexpected,
                "nothing is expected after '\(line.tokens[max(0, index - 1)].text)', found '\(token.text)'",
                at: place(of: token), length: token.length)
        }
    }

    func requireNoBlock() throws(Diagnostic) {
        if let inner = line.block.first {
            throw Diagnostic(
                .badIndentation, "'\(line.tokens[0].text)' has no block, but this line is indented under it",
                at: SourcePlace(file: file, line: inner.number, column: inner.column))
        }
    }

    // MARK: - Values

    mutating func duration() throws(Diagnostic) -> Duration {
        let token = try token("a duration, such as 250ms or 10s,")
        guard let duration = Duration(text: token.text) else { throw bad(token, "a duration, such as 250ms or 10s") }
        return duration
    }

    mutating func positiveDuration() throws(Diagnostic) -> Duration {
        let start = next
        let duration = try duration()
        if duration < .zero, let start { throw bad(start, "a time that can pass") }
        return duration
    }

    mutating func signal() throws(Diagnostic) -> Signal {
        try signal(try token("a signal"))
    }

    private func signal(_ token: Token) throws(Diagnostic) -> Signal {
        guard let signal = Signal(token.text) else {
            let candidates =
                token.text.uppercased().hasPrefix("SIG")
                ? Signal.knownNames : Signal.knownNames.map { String($0.dropFirst(3)) }
            throw bad(token, "a signal", suggestion: nearest(to: token.text, among: candidates))
        }
        return signal
    }

    mutating func number(in range: ClosedRange<Int>) throws(Diagnostic) -> Int {
        let token = try token("a number")
        guard let number = Int(token.text), token.text.first != "+", range.contains(number) else {
            throw bad(token, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func string(_ what: String) throws(Diagnostic) -> String {
        let token = try token(what)
        guard token.isQuoted else {
            throw Diagnostic(
                .unexpected, "\(what) stands in quotes", at: place(of: token), length: token.length)
        }
        return token.text
    }

    /// `A, B C` gives A and B: words up to the first that no comma follows.
    mutating func list(_ what: String) throws(Diagnostic) -> [Token] {
        var result: [Token] = []
        while true {
            var token = try token(what)
            let endsWithComma = !token.isQuoted && token.text.hasSuffix(",")
            if endsWithComma { token.text.removeLast() }
            for (offset, part) in token.isQuoted ? [(0, token.text)] : parts(of: token.text) {
                if part.isEmpty { throw missing(what) }
                result.append(
                    Token(text: part, isQuoted: token.isQuoted, column: token.column + offset, length: part.utf8.count))
            }
            // A comma may also stand alone, or behind a closing quote.
            if endsWithComma { continue }
            if token.isQuoted, token.text.hasSuffix(","), line.tokens.indices.contains(index) {
                result[result.count - 1].text.removeLast()
                continue
            }
            if take(",") { continue }
            return result
        }
    }

    private func parts(of text: String) -> [(Int, String)] {
        var offset = 0
        return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            defer { offset += part.utf8.count + 1 }
            return (offset, String(part))
        }
    }

    mutating func signals() throws(Diagnostic) -> [Signal] {
        var result: [Signal] = []
        for token in try list("a signal") { result.append(try signal(token)) }
        return result
    }

    mutating func strings(_ what: String) throws(Diagnostic) -> [String] {
        var result: [String] = []
        for token in try list(what) {
            guard token.isQuoted else {
                throw Diagnostic(.unexpected, "\(what) stands in quotes", at: place(of: token), length: token.length)
            }
            result.append(token.text)
        }
        return result
    }

    /// Everything that is left: a command line.
    mutating func rest(_ what: String) throws(Diagnostic) -> [String] {
        guard !isAtEnd else { throw missing(what) }
        defer { index = line.tokens.count }
        return line.tokens[index...].map(\.text)
    }
}
