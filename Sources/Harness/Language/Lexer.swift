import Model

/// One word of a line, as a range of the text's bytes.
struct Token {
    enum Kind: UInt8 {
        case bare
        /// Some of it is in quotes: it is text, never a word of the language.
        case quoted
        /// Between slashes, behind `matches`.
        case regularExpression
    }

    var start: Int32
    var end: Int32
    var kind: Kind
    /// Which word of the language it is, or `Words.none`.
    var word: Words.Index
}

/// One line that says something.
struct Line {
    /// Counted from 1.
    var number: Int32
    /// Where the line begins, and where its first word does.
    var start: Int32
    var contentStart: Int32
    var firstToken: Int32
    var endOfTokens: Int32
    /// How many blocks it is in.
    var level: Int32
    /// It is a line of a file's text: it begins with `|`, and has no words.
    var isText: Bool
    /// Behind its last byte, line end not included.
    var end: Int32
}

/// A text cut into lines and words, the lines nested by their indentation.
struct LexedText {
    let bytes: [UInt8]
    let file: String
    let words: Words
    var lines: [Line] = []
    var tokens: [Token] = []
    var diagnostics: [Diagnostic] = []
    /// Lines end with CR LF: a CR before the LF is never text.
    var hasCarriageReturns = false

    /// Texts longer than this are refused: places are counted in 32 bits, and it is a scenario that is to be read.
    static let sizeLimit = 64 << 20
    /// Blocks in blocks.
    static let depthLimit = 16

    init(_ bytes: [UInt8], file: String, words: Words) {
        self.bytes = bytes
        self.file = file
        self.words = words
        guard bytes.count <= LexedText.sizeLimit else {
            refuse("this is no text of 64 MiB at most", at: SourcePlace(file: file, line: 1, column: 1))
            return
        }
        if let (place, isNUL) = LexedText.firstNonText(in: bytes, file: file) {
            refuse(isNUL ? "this is no text: here is a NUL" : "this is not UTF-8 text", at: place)
            return
        }
        lines.reserveCapacity(bytes.count / 24)
        tokens.reserveCapacity(bytes.count / 8)
        cut()
    }

    private mutating func refuse(_ message: String, at place: SourcePlace) {
        diagnostics.append(Diagnostic(.notText, message, at: place))
    }

    /// Where the bytes stop being text: at a NUL, or at what is no UTF-8.
    private static func firstNonText(in bytes: [UInt8], file: String) -> (place: SourcePlace, isNUL: Bool)? {
        let zero = bytes.firstIndex(of: 0)
        guard zero != nil || String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var index = 0
        while index < zero ?? bytes.count {
            let length = bytes[index] < 0x80 ? 1 : bytes[index] < 0xE0 ? 2 : bytes[index] < 0xF0 ? 3 : 4
            if length > 1 {
                let end = min(index + length, bytes.count)
                if end - index < length || String(validating: bytes[index..<end], as: UTF8.self) == nil { break }
            }
            index += length
        }
        let line = 1 + bytes[..<index].count { $0 == 0x0A }
        let start = bytes[..<index].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (SourcePlace(file: file, line: line, column: index - start + 1), index == zero)
    }

    // MARK: - Lines

    private mutating func cut() {
        var start = byteOrderMarkLength
        var number: Int32 = 1
        /// The indentation of each block that the present line may be in, outermost first.
        var blocks: [Range<Int>] = []
        if let end = bytes.firstIndex(of: 0x0A), end > 0 { hasCarriageReturns = bytes[end - 1] == 0x0D }
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            let next = end + 1
            let rawEnd = end
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
            var content = start
            while content < end, bytes[content] == 0x20 || bytes[content] == 0x09 { content += 1 }
            if content < end, bytes[content] != 0x23 {
                let isText = bytes[content] == 0x7C
                if isText && !hasCarriageReturns { end = rawEnd }
                addLine(number, start, content, end, isText: isText, &blocks)
            }
            start = next
            number += 1
        }
    }

    private mutating func addLine(
        _ number: Int32, _ start: Int, _ content: Int, _ end: Int, isText: Bool, _ blocks: inout [Range<Int>]
    ) {
        let firstToken = tokens.count
        if !isText { addTokens(from: content, to: end, lineStart: start, line: number) }
        lines.append(
            Line(
                number: number, start: Int32(start), contentStart: Int32(content), firstToken: Int32(firstToken),
                endOfTokens: Int32(tokens.count), level: level(of: start..<content, line: number, &blocks),
                isText: isText, end: Int32(end)))
    }

    /// How many blocks the indentation leads into.
    private mutating func level(of indentation: Range<Int>, line: Int32, _ blocks: inout [Range<Int>]) -> Int32 {
        var hasLeftBlock = false
        while let innermost = blocks.last {
            if innermost.count <= indentation.count, isEqual(innermost, indentation.prefix(innermost.count)) {
                if innermost.count == indentation.count { return Int32(blocks.count - 1) }
                break
            }
            blocks.removeLast()
            hasLeftBlock = true
        }
        if blocks.isEmpty {
            if !indentation.isEmpty { complain("there is no line above that it could belong to", indentation, line) }
        } else if hasLeftBlock {
            // Between two blocks, or with other white space than they have.
            complain("the indentation fits neither the line above nor a block around it", indentation, line)
        }
        // The margin is no block.
        if blocks.count > LexedText.depthLimit {
            complain("this is in more than \(LexedText.depthLimit) blocks", indentation, line)
            return Int32(blocks.count - 1)
        }
        blocks.append(indentation)
        return Int32(blocks.count - 1)
    }

    private mutating func complain(_ message: String, _ indentation: Range<Int>, _ line: Int32) {
        let place = SourcePlace(file: file, line: Int(line), column: indentation.count + 1)
        diagnostics.append(Diagnostic(.badIndentation, message, at: place))
    }

    private func isEqual(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        bytes[left].elementsEqual(bytes[right])
    }

    // MARK: - Words

    private mutating func addTokens(from content: Int, to end: Int, lineStart: Int, line: Int32) {
        let first = tokens.count
        var index = content
        while true {
            while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
            guard index < end, bytes[index] != 0x23 else { return }
            let start = index
            var kind = Token.Kind.bare
            if bytes[index] == 0x2F, isBehindMatches(first) {
                kind = .regularExpression
                index += 1
                while index < end, bytes[index] != 0x2F { index += bytes[index] == 0x5C ? 2 : 1 }
                guard index < end else { return complainUnclosed(start, end, lineStart, line, "regular expression") }
                index += 1
                // What goes on behind the slash is none.
                if index < end, bytes[index] != 0x20, bytes[index] != 0x09 { kind = .bare }
            }
            while index < end, bytes[index] != 0x20, bytes[index] != 0x09 {
                let byte = bytes[index]
                index += 1
                guard byte == 0x22 || byte == 0x27 else { continue }
                let quote = index - 1
                kind = .quoted
                while index < end, bytes[index] != byte {
                    let isEscape =
                        byte == 0x22 && bytes[index] == 0x5C && index + 1 < end
                        && LexedText.isEscaped(bytes[index + 1])
                    index += isEscape ? 2 : 1
                }
                guard index < end else { return complainUnclosed(quote, end, lineStart, line, "string") }
                index += 1
            }
            let word = kind == .bare ? words.index(of: bytes, start, index) : Words.none
            tokens.append(Token(start: Int32(start), end: Int32(index), kind: kind, word: word))
        }
    }

    /// Whether a `/` here begins a regular expression: behind `matches`, in what must be so.
    private func isBehindMatches(_ first: Int) -> Bool {
        tokens.count - first >= 2 && tokens[tokens.count - 1].word == words.matches
            && (tokens[first].word == words.expect || tokens[first].word == words.wait)
    }

    private mutating func complainUnclosed(
        _ start: Int, _ end: Int, _ lineStart: Int, _ line: Int32, _ what: String
    ) {
        let place = SourcePlace(file: file, line: Int(line), column: start - lineStart + 1)
        diagnostics.append(
            Diagnostic(.unclosed, "this \(what) does not end on its line", at: place, length: end - start))
        // What is left of the line says nothing for certain: it is not read.
        tokens.removeLast(tokens.count - Int(lines.last?.endOfTokens ?? 0))
    }

    static func isEscaped(_ byte: UInt8) -> Bool { escape(byte) != nil }

    /// What a backslash and this stand for in double quotes; any other backslash stands for itself.
    static func escape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case 0x22, 0x5C: byte
        default: nil
        }
    }

    // MARK: - Reading

    /// In bytes.
    var byteOrderMarkLength: Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

    func place(_ line: Line, _ offset: Int32) -> SourcePlace {
        SourcePlace(file: file, line: Int(line.number), column: Int(offset - line.start) + 1)
    }

    func place(_ line: Line) -> SourcePlace { place(line, line.contentStart) }

    /// What a word says: quotes taken off, escapes resolved.
    func text(_ token: Token) -> String {
        switch token.kind {
        case .bare: text(token.start, token.end)
        case .quoted: unquoted(token.start, token.end)
        case .regularExpression: text(token.start, token.end)
        }
    }

    /// The bytes as they are there.
    func text(_ start: Int32, _ end: Int32) -> String {
        String(decoding: bytes[Int(start)..<Int(end)], as: UTF8.self)
    }

    func unquoted(_ start: Int32, _ end: Int32) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(Int(end - start))
        var index = Int(start)
        var quote: UInt8?
        while index < Int(end) {
            let byte = bytes[index]
            index += 1
            if byte == quote {
                quote = nil
            } else if let inside = quote {
                if inside == 0x22, byte == 0x5C, index < Int(end), let escaped = LexedText.escape(bytes[index]) {
                    result.append(escaped)
                    index += 1
                } else {
                    result.append(byte)
                }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
