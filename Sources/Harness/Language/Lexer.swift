import Model

/// One word of a line: bare, or with quotes taken off.
struct Token: Hashable {
    var text: String
    /// Some of it stood in quotes: it is text, never a word of the language.
    var isQuoted: Bool
    /// In bytes, from 1.
    let column: Int
    /// In bytes, as written.
    var length: Int
}

/// One line that says something, with what is indented under it.
struct Line {
    let number: Int
    let column: Int
    let tokens: [Token]
    /// The comment lines right above it.
    let comment: String
    var block: [Line] = []
}

/// Cuts a text into lines and words, and nests the lines by their indentation.
struct Lexer {
    private let file: String
    private(set) var diagnostics: [Diagnostic] = []

    init(file: String) {
        self.file = file
    }

    /// The lines that stand at the margin, each with its block.
    mutating func lines(of bytes: [UInt8]) -> [Line] {
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            diagnostics.append(
                Diagnostic(.notText, "this is not UTF-8 text", at: SourcePlace(file: file, line: 1, column: 1)))
            return []
        }
        var flat: [(indentation: [UInt8], line: Line)] = []
        var comments: [String] = []
        for (index, raw) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = raw.last == 0x0D ? raw.dropLast() : raw
            let indentation = Array(text.prefix { $0 == 0x20 || $0 == 0x09 })
            let content = Array(text.dropFirst(indentation.count))
            guard let first = content.first else {
                comments = []
                continue
            }
            if first == 0x23 {
                let comment = content.drop { $0 == 0x23 }
                comments.append(String(decoding: comment.first == 0x20 ? comment.dropFirst() : comment, as: UTF8.self))
                continue
            }
            let tokens = tokens(of: content, line: index + 1, offset: indentation.count)
            let line = Line(
                number: index + 1, column: indentation.count + 1, tokens: tokens,
                comment: comments.joined(separator: "\n"))
            comments = []
            if !tokens.isEmpty { flat.append((indentation, line)) }
        }
        return nest(flat)
    }

    // MARK: - Words

    private mutating func tokens(of content: [UInt8], line: Int, offset: Int) -> [Token] {
        var result: [Token] = []
        var index = 0
        while index < content.count {
            let byte = content[index]
            if byte == 0x20 || byte == 0x09 {
                index += 1
                continue
            }
            if byte == 0x23 { break }
            let start = index
            var text: [UInt8] = []
            var isQuoted = false
            while index < content.count, content[index] != 0x20, content[index] != 0x09 {
                let byte = content[index]
                guard byte == 0x22 || byte == 0x27 else {
                    text.append(byte)
                    index += 1
                    continue
                }
                isQuoted = true
                guard let (inner, next) = quoted(content, from: index) else {
                    let place = SourcePlace(file: file, line: line, column: offset + index + 1)
                    diagnostics.append(
                        Diagnostic(
                            .unclosedString, "this string has no closing quote on its line", at: place,
                            length: content.count - index))
                    return []
                }
                text += inner
                index = next
            }
            result.append(
                Token(
                    text: String(decoding: text, as: UTF8.self), isQuoted: isQuoted, column: offset + start + 1,
                    length: index - start))
        }
        return result
    }

    /// The text between quotes, and the index behind the closing one. In double quotes `\n`, `\t`, `\"` and `\\` are
    /// escapes; any other backslash stands for itself, as does everything in single quotes.
    private func quoted(_ content: [UInt8], from start: Int) -> (text: [UInt8], next: Int)? {
        let quote = content[start]
        var text: [UInt8] = []
        var index = start + 1
        while index < content.count {
            let byte = content[index]
            if byte == quote { return (text, index + 1) }
            if byte == 0x5C, quote == 0x22, index + 1 < content.count, let escaped = Lexer.escapes[content[index + 1]] {
                text.append(escaped)
                index += 2
            } else {
                text.append(byte)
                index += 1
            }
        }
        return nil
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, 0x22: 0x22, 0x5C: 0x5C,
    ]

    // MARK: - Blocks

    private mutating func nest(_ flat: [(indentation: [UInt8], line: Line)]) -> [Line] {
        var index = 0
        var result: [Line] = []
        while index < flat.count {
            if !flat[index].indentation.isEmpty { report(flat[index], "nothing stands above that it could belong to") }
            result.append(block(flat, &index, under: flat[index].indentation))
        }
        return result
    }

    private mutating func block(
        _ flat: [(indentation: [UInt8], line: Line)], _ index: inout Int, under indentation: [UInt8]
    ) -> Line {
        var line = flat[index].line
        index += 1
        guard index < flat.count else { return line }
        let inner = flat[index].indentation
        guard inner.count > indentation.count, inner.starts(with: indentation) else { return line }
        while index < flat.count {
            let next = flat[index].indentation
            if next == inner {
                line.block.append(block(flat, &index, under: inner))
            } else if next.count > inner.count || !indentation.starts(with: next) {
                report(flat[index], "the indentation fits neither the line above nor a block around it")
                line.block.append(block(flat, &index, under: next))
            } else {
                break
            }
        }
        return line
    }

    private mutating func report(_ entry: (indentation: [UInt8], line: Line), _ message: String) {
        let place = SourcePlace(file: file, line: entry.line.number, column: entry.line.column)
        diagnostics.append(Diagnostic(.badIndentation, message, at: place))
    }
}
