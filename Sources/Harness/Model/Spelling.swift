/// How values are spelled in the language, where they have no spelling of their own.
public enum Spelling {
    /// A text in quotes, on one line: in single ones where it has double quotes or backslashes in it, and can be.
    public static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x27 }
        if isPlain, text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C }) { return "'\(text)'" }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// A word of a command line: bare where it can be, in quotes where it would be read as something else.
    public static func word(_ text: String) -> String {
        let isBare =
            !text.isEmpty && !text.utf8.starts(with: [0x23])
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x27 && $0 != 0x7F }
        return isBare ? text : quoted(text)
    }

    /// Words of the language that may come before a command line.
    private static let wordsBeforeCommands = ["within", "every", "retries", "start"]

    /// A command line. What the line before it could take for its own word is in quotes.
    public static func command(_ words: [String]) -> String {
        words.enumerated().map { place, text in
            place == 0 && wordsBeforeCommands.contains(text) ? quoted(text) : word(text)
        }.joined(separator: " ")
    }

    /// `NAME=value`, the value in quotes where it needs them.
    public static func assignment(_ text: String) -> String {
        guard let equals = text.firstIndex(of: "=") else { return word(text) }
        let name = String(text[..<equals])
        let value = String(text[text.index(after: equals)...])
        return word(name) == name ? name + "=" + (value.isEmpty ? "" : word(value)) : word(text)
    }

    /// One of a list: as a word, but a comma would end it.
    public static func listed(_ text: String) -> String {
        text.utf8.contains(0x2C) ? quoted(text) : word(text)
    }

    /// Permissions as chmod(1) takes them: `644`, `1777`.
    public static func octal(_ mode: UInt16) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }

    /// A size as Docker takes it, in the largest unit that leaves nothing over: `64MiB`, `1000`.
    public static func size(_ bytes: Int) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes != 0 && bytes & (1 << shift - 1) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return String(bytes)
    }

    /// A regular expression between slashes.
    public static func regularExpression(_ pattern: String) -> String {
        var result = "/"
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            if scalar == "/", !isEscaped { result += "\\" }
            isEscaped = scalar == "\\" && !isEscaped
            result.unicodeScalars.append(scalar)
        }
        return result + "/"
    }
}
