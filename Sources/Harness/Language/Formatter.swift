import Model
import Vocabulary

/// The canonical form of a scenario file: the same lines in the same order, each spelled in one way, two spaces for each
/// block, comments where they were. What it says is not changed, and formatting it again changes nothing.
///
/// - Returns: the text, or nil where the file is not well-formed (`parseScenarios` says why).
public func formattedScenarios(_ bytes: [UInt8], file: String) -> String? {
    guard parseScenarios(bytes, file: file).isWellFormed else { return nil }
    return Formatter(bytes, file: file) { matcher, text, index, parent in
        let line = text.lines[index]
        let grammar = Grammar.shared
        if line.level == 0 { return matcher.canonical(line, grammar.files) }
        if let parent {
            if text.begins(parent, with: "service") { return matcher.canonical(line, grammar.behaviour) }
            if Member.Role.allCases.contains(where: { text.begins(parent, with: $0.firstWord) }) {
                return matcher.canonical(line, grammar.member)
            }
        }
        return matcher.canonical(line, grammar.scenario)
    }.format()
}

/// The same for a file of profiles.
public func formattedProfiles(_ bytes: [UInt8], file: String) -> String? {
    guard parseProfiles(bytes, file: file).isWellFormed else { return nil }
    return Formatter(bytes, file: file) { matcher, text, index, _ in
        let line = text.lines[index]
        return line.level == 0
            ? matcher.canonical(line, Grammar.shared.profiles) : matcher.canonical(line, Grammar.shared.profile)
    }.format()
}

extension Matcher {
    /// A line, known to have one of these forms, as it is written in canonical form.
    fileprivate mutating func canonical<Subject>(_ line: Line, _ table: FormTable<Subject>) -> String? {
        guard let form = try? match(line, table) else { return nil }
        return canonical(form.pattern, captures)
    }
}

extension Member.Role {
    fileprivate var firstWord: String { rawValue.split(separator: " ").first.map(String.init) ?? rawValue }
}

extension LexedText {
    fileprivate func begins(_ index: Int, with word: String) -> Bool {
        text(tokens[Int(lines[index].firstToken)]) == word
    }
}

/// Goes through a text line by line, blank lines and comments included.
private struct Formatter {
    private let text: LexedText
    private var matcher: Matcher
    private let spell: (inout Matcher, LexedText, Int, Int?) -> String?
    private var result = ""
    /// What has been written last, for the blank lines between.
    private var last = Piece.nothing
    private var lastLevel: Int32 = 0
    /// By its level, the last line of each level above the present one: the lines whose block it is in.
    private var parents: [Int] = []
    /// The first step of the present scenario comes after a blank line.
    private var isInSteps = false
    /// Comment lines that wait for the line they belong to, with the blank lines between.
    private var comments: [(text: String, isBehindBlank: Bool, isIndented: Bool)] = []

    private enum Piece {
        case nothing, comment, line
    }

    init(
        _ bytes: [UInt8], file: String, spell: @escaping (inout Matcher, LexedText, Int, Int?) -> String?
    ) {
        text = LexedText(bytes, file: file, words: Grammar.shared.words)
        matcher = Matcher(text, Grammar.shared)
        self.spell = spell
    }

    consuming func format() -> String? {
        var index = 0
        var isBehindBlank = false
        for (offset, raw) in rawLines().enumerated() {
            let number = offset + 1
            if index < text.lines.count, Int(text.lines[index].number) == number {
                guard write(lineAt: index, isBehindBlank) else { return nil }
                index += 1
                isBehindBlank = false
            } else if raw.isEmpty {
                isBehindBlank = true
            } else {
                let isIndented = raw.startIndex > text.byteOrderMarkLength && text.bytes[raw.startIndex - 1] != 0x0A
                comments.append((comment(raw), isBehindBlank, isIndented))
                isBehindBlank = false
            }
        }
        _ = writeTrailingComments(isBehindBlank: true, level: 0)
        if comments.first?.isBehindBlank == true, last != .nothing { result += "\n" }
        writeComments(level: 0)
        return result
    }

    /// Every line of the text without its indentation, white space at its end, and line end.
    private func rawLines() -> [ArraySlice<UInt8>] {
        let bytes = text.bytes.dropFirst(text.byteOrderMarkLength)
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            var line = line.drop { $0 == 0x20 || $0 == 0x09 }
            while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0D { line = line.dropLast() }
            return line
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private func comment(_ raw: ArraySlice<UInt8>) -> String { String(decoding: raw, as: UTF8.self) }

    private mutating func write(lineAt index: Int, _ isBehindBlank: Bool) -> Bool {
        let line = text.lines[index]
        if line.isText {
            writeComments(level: line.level)
            put("|" + text.text(line.contentStart + 1, line.end), level: line.level)
            last = .line
            lastLevel = line.level
            return true
        }
        parents.removeSubrange(min(parents.count, Int(line.level))...)
        guard var words = spell(&matcher, text, index, line.level > 1 ? parents.last : nil) else { return false }
        parents.append(index)
        var isBehindBlank = isBehindBlank
        if line.level == 0, last != .line, let index = comments.lastIndex(where: \.isIndented) {
            // No description, since it stood further in: at the margin a blank line says the same.
            if index + 1 < comments.count { comments[index + 1].isBehindBlank = true } else { isBehindBlank = true }
        }
        let hasTrailing = writeTrailingComments(isBehindBlank: isBehindBlank, level: line.level)
        let isScenario = line.level == 0
        if isScenario { isInSteps = false }
        let beginsSteps = line.level == 1 && !isInSteps && isStep(line)
        if beginsSteps { isInSteps = true }
        let behind = comments.first?.isBehindBlank ?? isBehindBlank
        let isFirstInBlock = index > 0 && text.lines[index - 1].level < line.level && !hasTrailing
        // Between scenarios, and between what there is and what happens, there is a blank line; at the head of a block
        // there is none; elsewhere it stays as it was.
        let wantsBlank = last != .nothing && (isScenario || (beginsSteps || behind) && !isFirstInBlock)
        if wantsBlank { result += "\n" }
        // A blank line between a comment and what follows keeps the comment from being its description.
        let separates = isScenario && !comments.isEmpty && isBehindBlank
        writeComments(level: line.level)
        if separates { result += "\n" }
        if let trailing = trailingComment(line) { words += "  " + trailing }
        put(words, level: line.level)
        last = .line
        lastLevel = line.level
        return true
    }

    private func isStep(_ line: Line) -> Bool {
        var matcher = matcher
        guard let form = try? matcher.match(line, Grammar.shared.scenario) else { return false }
        return Grammar.stepForms.contains { $0.pattern.text == form.pattern.text }
    }

    /// Comments right below a line and above a blank one belong to what is above; so do those that are
    /// further in than a scenario right above it. Whether there were any.
    private mutating func writeTrailingComments(isBehindBlank: Bool, level: Int32) -> Bool {
        guard last == .line else { return false }
        var count = comments.firstIndex(where: \.isBehindBlank) ?? (isBehindBlank ? comments.count : 0)
        if level == 0 { count = max(count, comments.lastIndex(where: \.isIndented).map { $0 + 1 } ?? 0) }
        for (index, comment) in comments.prefix(count).enumerated() {
            if comment.isBehindBlank, index > 0 || level == 0 { result += "\n" }
            put(comment.text, level: max(lastLevel, level))
        }
        comments.removeFirst(count)
        return count > 0
    }

    private mutating func writeComments(level: Int32) {
        for (index, comment) in comments.enumerated() {
            if comment.isBehindBlank, index > 0 { result += "\n" }
            put(comment.text, level: level)
            last = .comment
        }
        comments = []
    }

    private mutating func put(_ words: String, level: Int32) {
        for _ in 0..<level { result += "  " }
        result += words
        result += "\n"
    }

    /// A comment behind the words of a line.
    private func trailingComment(_ line: Line) -> String? {
        var start = Int(
            line.endOfTokens > line.firstToken ? text.tokens[Int(line.endOfTokens) - 1].end : line.contentStart)
        while start < Int(line.end), text.bytes[start] == 0x20 || text.bytes[start] == 0x09 { start += 1 }
        guard start < Int(line.end) else { return nil }
        var raw = text.bytes[start..<Int(line.end)]
        while let last = raw.last, last == 0x20 || last == 0x09 || last == 0x0D { raw = raw.dropLast() }
        return comment(raw)
    }
}
