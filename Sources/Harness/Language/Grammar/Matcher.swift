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
    private var position = 0
    private(set) var captures = Captures()
    private var complaint: Complaint?
    /// What was suggested for words that begin no line, by table and word: the same mistake may be made often.
    private var suggestions: [String: String?] = [:]

    /// What would have been expected where a line went wrong.
    private struct Complaint {
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

    private var next: Token? { position < Int(line.endOfTokens) ? text.tokens[position] : nil }

    // MARK: - Lines

    /// Finds the form that a line has; its values are in `captures`.
    ///
    /// - Throws: a diagnostic that says what was expected, and what stands there.
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

    private mutating func find<Subject>(
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

    private mutating func fits<Subject>(_ form: Form<Subject>, from start: Int, _ toEnd: Bool) -> Bool {
        position = start
        captures.values.removeAll(keepingCapacity: true)
        for _ in 0..<form.pattern.captureCount { captures.values.append(.absent) }
        guard take(form.pattern.parts) else { return false }
        if !toEnd || position == Int(line.endOfTokens) { return true }
        expectEnd()
        return false
    }

    /// The word behind a list of names that begins here.
    private func endOfList(from start: Int) -> Words.Index? {
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

    private mutating func take(_ parts: [Pattern.Part]) -> Bool {
        for part in parts where !take(part) { return false }
        return true
    }

    private mutating func take(_ part: Pattern.Part) -> Bool {
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
    private func begins(_ parts: [Pattern.Part]) -> Bool {
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

    private mutating func expectBeginning(_ parts: [Pattern.Part]) {
        guard complaint != nil, let first = parts.first else { return }
        switch first {
        case .word(let spelling, _): expect { $0.words.append(spelling) }
        case .slot(let slot, _): expect { $0.values.append(slot) }
        case .optional(let inner, _): expectBeginning(inner)
        case .alternatives(let branches, _): for branch in branches { expectBeginning(branch) }
        }
    }

    // MARK: - Values

    private mutating func read(_ slot: Slot) -> Value? {
        switch slot {
        case .condition, .question: return question(slot)
        case .command: return rest(slot)
        case .tags, .names, .abilities, .parties, .services, .texts, .times: return list(slot, needsCommas: true)
        case .paths, .caughtSignals: return list(slot, needsCommas: false)
        default:
            guard let token = next else {
                expect { $0.values.append(slot) }
                return nil
            }
            return single(slot, token)
        }
    }

    private mutating func single(_ slot: Slot, _ token: Token) -> Value? {
        let value: Value?
        switch slot {
        case .time, .grace: value = duration(token.start, token.end, slot).map(Value.duration)
        case .exitCode: value = number(token, in: 0...255).map(Value.number)
        case .number: value = number(token, in: 0...100_000).map(Value.number)
        case .count: value = number(token, in: 1...10_000).map(Value.number)
        case .children: value = number(token, in: 1...200).map(Value.number)
        case .title, .text: value = token.kind == .quoted ? .text(text.text(token)) : nil
        case .regularExpression: return regularExpression(token)
        case .name, .word, .path, .directory, .hostname, .assignment: value = self.value(text.text(token), slot)
        default: value = token.kind == .bare ? self.value(text.text(token), slot) : nil
        }
        if let value {
            position += 1
            return value
        }
        refuse(slot, token.start, token.end)
        return nil
    }

    /// A value that is made of its text alone.
    private func value(_ text: String, _ slot: Slot) -> Value? {
        switch slot {
        case .signal: Signal(text).map(Value.signal)
        case .caughtSignal: Signal(text).flatMap { $0.canBeCaught ? .signal($0) : nil }
        case .newService, .service: isName(text) ? .text(text) : nil
        case .volume: isVolumeName(text) ? .text(text) : nil
        case .party: isParty(text) ? .text(text) : nil
        case .name, .word, .directory: text.isEmpty ? nil : .text(text)
        case .runtime: Runtime(rawValue: text).map { .text($0.rawValue) }
        case .restartPolicy: RestartPolicy(text).map(Value.restartPolicy)
        case .cgroupAccess: ContainerSettings.CgroupAccess(rawValue: text).map { .text($0.rawValue) }
        case .state: Condition.State(rawValue: text).map { .text($0.rawValue) }
        case .dataState: Condition.DataState(rawValue: text).map { .text($0.rawValue) }
        case .path: isPath(text) ? .text(text) : nil
        case .owner: Owner(text).map(Value.owner)
        case .mode: mode(text).map(Value.number)
        case .size: size(text).map(Value.number)
        case .hostname: (1...64).contains(text.utf8.count) ? .text(text) : nil
        case .assignment: (text.utf8.firstIndex(of: 0x3D) ?? text.startIndex) > text.startIndex ? .text(text) : nil
        default: nil
        }
    }

    private func number(_ token: Token, in range: ClosedRange<Int>) -> Int? {
        guard token.kind == .bare, token.end - token.start <= 9 else { return nil }
        var value = 0
        for index in Int(token.start)..<Int(token.end) {
            let digit = Int(text.bytes[index]) - 0x30
            guard (0...9).contains(digit) else { return nil }
            value = value * 10 + digit
        }
        return range.contains(value) ? value : nil
    }

    private func duration(_ start: Int32, _ end: Int32, _ slot: Slot) -> Duration? {
        guard let time = Duration(utf8: text.bytes[Int(start)..<Int(end)]) else { return nil }
        return slot == .grace || time >= .zero ? time : nil
    }

    private func isName(_ text: String) -> Bool {
        !text.isEmpty && !Party.reservedNames.contains(text)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }

    /// As Docker takes it (moby, daemon/names).
    private func isVolumeName(_ text: String) -> Bool {
        text.first != "." && text.first != "-" && text.first != "_" && !text.isEmpty && text.utf8.count <= 255
            && text.replacing(".", with: "").utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }

    /// A service, one of its children, `init` or `runtime`.
    private func isParty(_ text: String) -> Bool {
        if text == "init" || text == "runtime" { return true }
        guard let dot = text.utf8.firstIndex(of: 0x2E) else { return isName(text) }
        let child = text[text.index(after: dot)...]
        return isName(String(text[..<dot])) && Int(child).map { $0 > 0 } ?? false && child.first != "+"
    }

    private func isPath(_ text: String) -> Bool {
        text.utf8.first == 0x2F && text.utf8.count > 1 && !text.split(separator: "/").contains("..")
            && text.contains { $0 != "/" }
    }

    private func mode(_ text: String) -> Int? {
        guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }) else {
            return nil
        }
        return Int(text, radix: 8)
    }

    private func size(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shift: Int
        switch text.dropFirst(digits.count).lowercased() {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        default: return nil
        }
        guard let number = Int(digits), number < 1 << 32, number > 0 else { return nil }
        return number << shift
    }

    private mutating func regularExpression(_ token: Token) -> Value? {
        let written = text.text(token)
        guard token.kind == .regularExpression, written.utf8.last == 0x2F, written.utf8.count > 2 else {
            refuse(.regularExpression, token.start, token.end)
            return nil
        }
        let pattern = String(written.dropFirst().dropLast()).replacing("\\/", with: "/")
        if let problem = problem(ofRegularExpression: pattern) {
            expect {
                $0.values.append(.regularExpression)
                $0.message = "this is no regular expression: \(problem)"
            }
            return nil
        }
        position += 1
        return .text(pattern)
    }

    private mutating func rest(_ slot: Slot) -> Value? {
        guard next != nil else {
            expect { $0.values.append(slot) }
            return nil
        }
        var words: [String] = []
        words.reserveCapacity(Int(line.endOfTokens) - position)
        while let token = next {
            words.append(text.text(token))
            position += 1
        }
        return .texts(words)
    }

    // MARK: - Lists

    private mutating func list(_ slot: Slot, needsCommas: Bool) -> Value? {
        var result = ListValue(slot)
        var expectsElement = true
        while let token = next {
            if !expectsElement, needsCommas, text.bytes[Int(token.start)] != 0x2C { break }
            var start = token.start
            while start < token.end {
                let end = endOfElement(from: start, in: token)
                if end == start {
                    // A comma with nothing before it.
                    if expectsElement {
                        expect {
                            $0.values.append(slot)
                            $0.range = (start, start + 1)
                            $0.message = "\(slot.phrase) is missing before this ','"
                            $0.id = .missing
                        }
                        return nil
                    }
                } else if append(start, end, token, &result) {
                    expectsElement = false
                } else {
                    refuse(result.elementSlot, start, end)
                    return nil
                }
                if end < token.end { expectsElement = true }
                start = end + 1
            }
            position += 1
        }
        if expectsElement {
            expect { $0.values.append(slot) }
            return nil
        }
        return result.value
    }

    /// Up to the next comma that is not in quotes.
    private func endOfElement(from start: Int32, in token: Token) -> Int32 {
        var index = Int(start)
        var quote: UInt8?
        while index < Int(token.end) {
            let byte = text.bytes[index]
            if let inside = quote {
                if byte == inside { quote = nil }
                if inside == 0x22, byte == 0x5C, index + 1 < Int(token.end), LexedText.isEscaped(text.bytes[index + 1])
                {
                    index += 1
                }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else if byte == 0x2C {
                break
            }
            index += 1
        }
        return Int32(min(index, Int(token.end)))
    }

    /// The elements of a list, each as what its slot holds.
    private struct ListValue {
        let slot: Slot
        var texts: [String] = []
        var durations: [Duration] = []
        var signals: [Signal] = []

        init(_ slot: Slot) { self.slot = slot }

        var elementSlot: Slot {
            switch slot {
            case .texts: .text
            case .times: .time
            case .caughtSignals: .caughtSignal
            case .parties: .party
            case .services: .service
            case .paths: .path
            default: slot
            }
        }

        var value: Value {
            switch slot {
            case .times: .durations(durations)
            case .caughtSignals: .signals(signals)
            default: .texts(texts)
            }
        }
    }

    private func append(_ start: Int32, _ end: Int32, _ token: Token, _ list: inout ListValue) -> Bool {
        if list.slot == .times {
            guard let time = duration(start, end, .time) else { return false }
            list.durations.append(time)
            return true
        }
        let isQuoted = token.kind == .quoted && (text.bytes[Int(start)] == 0x22 || text.bytes[Int(start)] == 0x27)
        let element = token.kind == .quoted ? text.unquoted(start, end) : text.text(start, end)
        switch list.elementSlot {
        case .text:
            if !isQuoted { return false }
        case .abilities:
            if Ability(rawValue: element) == nil { return false }
        case .names, .tags:
            if element.isEmpty { return false }
        case let slot:
            switch value(element, slot) {
            case .signal(let signal)?:
                list.signals.append(signal)
                return true
            case nil: return false
            default: break
            }
        }
        list.texts.append(element)
        return true
    }

    // MARK: - Conditions

    private mutating func question(_ slot: Slot) -> Value? {
        var isNegated = false
        if slot == .question, let token = next, token.word == grammar.no, !beginsOwnNo(position) {
            isNegated = true
            position += 1
            if let second = next, second.word == grammar.no || second.word == grammar.nobody {
                let said = text.text(second)
                expect {
                    $0.values.append(.condition)
                    $0.id = .unexpected
                    $0.message = "'no \(said)' turns the answer round twice"
                }
                return nil
            }
        }
        let outer = captures
        defer { captures = outer }
        let start = position
        guard let form = find(in: grammar.conditions, from: start, toEnd: false) else {
            if complaint != nil { explainNoCondition(at: start) }
            return nil
        }
        var condition: Condition?
        form.apply(&condition, captures)
        return condition.map { .condition($0, isNegated: isNegated) }
    }

    /// `no zombies` and `no processes left` are conditions of their own.
    private func beginsOwnNo(_ position: Int) -> Bool {
        guard position + 1 < Int(line.endOfTokens) else { return false }
        let word = text.tokens[position + 1].word
        return word != Words.none && (word == grammar.zombies || word == grammar.processes)
    }

    /// Nothing that begins so is a condition: what stands behind the names decides, or else the first word.
    private mutating func explainNoCondition(at start: Int) {
        guard (complaint?.position ?? -1) <= start, let first = start < Int(line.endOfTokens) ? text.tokens[start] : nil
        else {
            if (complaint?.position ?? -1) <= start { expect { $0.values.append(.condition) } }
            return
        }
        let verb = endOfList(from: start)
        let isKnownVerb = verb.map { !grammar.conditions.saying($0).isEmpty } ?? false
        var place = start
        if verb != nil, isKnownVerb || grammar.conditions.beginning(with: first.word).isEmpty {
            place = start + 1
            while text.bytes[Int(text.tokens[place - 1].end) - 1] == 0x2C
                || text.bytes[Int(text.tokens[place].start)] == 0x2C
            {
                place += 1
            }
        }
        let said = shown(text.text(text.tokens[place]))
        let suggestion = nearest(to: said, among: grammar.conditions.keys(grammar.words).filter { $0 != said })
        if isKnownVerb, place > start + 1 {
            position = place
            return expect {
                $0.values = [.condition]
                $0.message = "'\(said)' is said of one service"
            }
        }
        if isKnownVerb { return }
        if verb == nil, suggestion == nil, grammar.conditions.beginning(with: first.word).isEmpty {
            position = Int(line.endOfTokens)
            return expect { $0.values = [.condition] }
        }
        position = place
        expect {
            $0.values = [.condition]
            $0.words = []
            $0.id = .unknownWord
            $0.message = "'\(said)' is not a condition"
            $0.suggestion = suggestion
        }
    }

    // MARK: - What was expected

    private mutating func expect(_ body: (inout Complaint) -> Void) {
        guard var found = complaint, position >= found.position else { return }
        if position > found.position { found = Complaint(position: position) }
        body(&found)
        complaint = found
    }

    private mutating func expectEnd() { expect { $0.couldEnd = true } }

    /// What stands there is none of these.
    private mutating func refuse(_ slot: Slot, _ start: Int32, _ end: Int32) {
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
                $0.message = "'\(said)' is not a service's name: the word means somebody else"
            default: $0.suggestion = nearest(to: said, among: slot.choices)
            }
        }
    }

    private func diagnostic() -> Diagnostic {
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

    private mutating func unknownWord<Subject>(_ token: Token, _ table: FormTable<Subject>) -> Diagnostic {
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

    private static func enumeration(_ items: [String]) -> String {
        items.count < 2 ? items.first ?? "" : items.dropLast().joined(separator: ", ") + " or " + items[items.count - 1]
    }

    // MARK: - Spelling

    /// The line as the formatter writes it.
    func canonical(_ pattern: Pattern, _ captures: Captures) -> String {
        Matcher.canonical(pattern.parts, captures).joined(separator: " ")
    }

    private static func canonical(_ parts: [Pattern.Part], _ captures: Captures) -> [String] {
        parts.flatMap { part -> [String] in
            switch part {
            case .word(let spelling, _): [spelling]
            case .slot(let slot, let capture): [spelling(captures[capture], slot)]
            case .optional(let inner, let capture): captures.isPresent(capture) ? canonical(inner, captures) : []
            case .alternatives(let branches, let capture):
                captures.alternative(capture).map { canonical(branches[$0], captures) } ?? []
            }
        }
    }

    private static func spelling(_ value: Value, _ slot: Slot) -> String {
        switch value {
        case .absent, .present, .alternative: ""
        case .number(let number):
            slot == .mode ? Spelling.octal(UInt16(number)) : slot == .size ? Spelling.size(number) : String(number)
        case .duration(let time): time.text
        case .durations(let times): times.map(\.text).joined(separator: ", ")
        case .signal(let signal): signal.description
        case .signals(let signals): signals.map(\.description).joined(separator: ", ")
        case .text(let text):
            switch slot {
            case .title, .text: Spelling.quoted(text)
            case .regularExpression: Spelling.regularExpression(text)
            case .assignment: Spelling.assignment(text)
            default: Spelling.word(text)
            }
        case .texts(let texts):
            switch slot {
            case .texts: texts.map(Spelling.quoted).joined(separator: ", ")
            case .command: texts.map(Spelling.word).joined(separator: " ")
            default: texts.map(Spelling.listed).joined(separator: ", ")
            }
        case .owner(let owner): owner.description
        case .restartPolicy(let policy): policy.description
        case .condition(let condition, let isNegated): (isNegated ? "no " : "") + condition.description
        }
    }
}

extension Signal {
    /// SIGKILL and SIGSTOP: no program has a say in them (signal(7)).
    fileprivate var canBeCaught: Bool { self != .kill && self != .stop }
}
