import Model
import Vocabulary

/// What would have been expected where a line went wrong.
extension Matcher {
    mutating func expect(_ body: (inout Complaint) -> Void) {
        guard var found = complaint, position >= found.position else { return }
        if position > found.position { found = Complaint(position: position) }
        body(&found)
        complaint = found
    }

    mutating func expectEnd() { expect { $0.couldEnd = true } }

    /// What is there is none of these.
    mutating func refuse(_ slot: Slot, _ start: Int32, _ end: Int32) {
        guard complaint != nil else { return }
        let said = text.unquoted(start, end)
        expect {
            $0.values.append(slot)
            $0.range = (start, end)
            switch slot {
            case .signal, .caughtSignal, .caughtSignals:
                let hasPrefix = said.uppercased().hasPrefix("SIG")
                let names = hasPrefix ? Signal.knownNames : Signal.knownNames.map { String($0.dropFirst(3)) }
                if Signal(said) == nil {
                    $0.message = "'\(shown(said))' is not a signal"
                    $0.suggestion = nearest(to: said, among: names)
                }
            case .newService where Party.reservedNames.contains(said):
                $0.message = "'\(said)' is not a service's name: the word has another meaning here"
            default: $0.suggestion = nearest(to: said, among: slot.choices)
            }
        }
    }

    func diagnostic() -> Diagnostic {
        guard let complaint, complaint.position >= 0 else {
            return Diagnostic(.unexpected, "this line cannot be read", at: text.place(line))
        }
        var expected: [String] = []
        for word in complaint.words where !expected.contains("'\(word)'") { expected.append("'\(word)'") }
        guard complaint.position < Int(line.endOfTokens) else {
            for slot in complaint.values where !expected.contains(slot.missingPhrase) {
                expected.append(slot.missingPhrase)
            }
            let what = Matcher.enumeration(expected)
            return Diagnostic(
                .missing, "\(what)\(expected.count == 1 && what.contains(", such as") ? "," : "") is missing here",
                at: text.place(line, text.tokens[Int(line.endOfTokens) - 1].end))
        }
        let token = text.tokens[complaint.position]
        let range = complaint.range ?? (token.start, token.end)
        let said = shown(text.unquoted(range.start, range.end))
        let length = Int(range.end - range.start)
        let place = text.place(line, range.start)
        for slot in complaint.values where !expected.contains(slot.phrase) { expected.append(slot.phrase) }
        let suggestion = nearest(to: said, among: complaint.words.filter { $0 != said })
        if let message = complaint.message, suggestion == nil {
            return Diagnostic(complaint.id, message, at: place, length: length, suggestion: complaint.suggestion)
        }
        if complaint.words.isEmpty, expected.count == 1, let slot = complaint.values.first {
            if [.text, .texts, .title].contains(slot) {
                return Diagnostic(.unexpected, "expected \(slot.phrase), found '\(said)'", at: place, length: length)
            }
            return Diagnostic(
                .badValue, "'\(said)' is not \(slot.phrase)", at: place, length: length,
                suggestion: complaint.suggestion)
        }
        if complaint.couldEnd {
            if expected.isEmpty, complaint.position > 0 {
                let before = text.tokens[complaint.position - 1]
                return Diagnostic(
                    .unexpected, "nothing is expected after '\(shown(text.text(before)))', found '\(said)'", at: place,
                    length: length)
            }
            expected.append("the end of the line")
        }
        return Diagnostic(
            .unexpected, "expected \(Matcher.enumeration(expected)), found '\(said)'", at: place, length: length,
            suggestion: suggestion)
    }

    mutating func unknownWord<Subject>(_ token: Token, _ table: FormTable<Subject>) -> Diagnostic {
        // With its quotes, which are what keeps it from being a word.
        let said = text.text(token.start, token.end)
        var suggestion: String?
        var message = "'\(shown(said))' is not \(table.phrase)"
        if token.kind == .bare {
            let key = "\(table.phrase) \(said)"
            if suggestions.count > 1000 { suggestions = [:] }
            suggestion = suggestions[key] ?? nearest(to: said, among: table.keys(grammar.words))
            suggestions[key] = .some(suggestion)
            if let home = grammar.home(of: token.word), home != table.phrase { message += ", but \(home)" }
        }
        return Diagnostic(
            .unknownWord, message, at: text.place(line, token.start), length: Int(token.end - token.start),
            suggestion: suggestion)
    }

    static func enumeration(_ items: [String]) -> String {
        items.count < 2 ? items.first ?? "" : items.dropLast().joined(separator: ", ") + " or " + items[items.count - 1]
    }
}
