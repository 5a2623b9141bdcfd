/// What can be shown where a text goes to.
public struct TerminalStyle: Sendable {
    /// Colours add to what the words say, and never say it alone.
    public var isColoured: Bool
    /// In columns.
    public var width: Int
    /// Else plain ASCII.
    public var isUnicode: Bool

    public init(isColoured: Bool = false, width: Int = 100, isUnicode: Bool = true) {
        (self.isColoured, self.width, self.isUnicode) = (isColoured, max(40, width), isUnicode)
    }

    enum Colour: String {
        case red = "31"
        case green = "32"
        case magenta = "35"
        case dim = "2"
        case bold = "1"
    }

    func paint(_ text: String, _ colour: Colour) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// A text in letters that can be shown; what has no likeness in ASCII is a question mark.
    func shown(_ text: String) -> String {
        guard !isUnicode, text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var result = ""
        for character in text {
            if character.isASCII {
                result.append(character)
            } else {
                result += TerminalStyle.likenesses[character] ?? "?"
            }
        }
        return result
    }

    private static let likenesses: [Character: String] = [
        "µ": "u", "…": "...", "×": "x", "→": "->", "·": "-", "–": "-", "—": "-", "✓": "ok", "✗": "!!", "’": "'",
        "“": "\"",
        "”": "\"", "§": "section ",
    ]

    /// A paragraph as lines that fit, each after an indentation.
    public func wrapped(_ text: String, indent: Int, first: String? = nil) -> String {
        let room = max(20, width - indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > room {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(line) }
        let margin = String(repeating: " ", count: indent)
        return lines.enumerated().map { number, line in
            (number == 0 ? (first ?? margin) : margin) + line + "\n"
        }.joined()
    }

    /// A line that is no longer than the terminal is wide.
    func cut(_ line: String) -> String {
        line.count > width ? line.prefix(width - 1) + (isUnicode ? "…" : ">") : line
    }
}
