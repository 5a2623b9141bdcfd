import Vocabulary

/// What `docker compose config` does to a file as people write it, as far as a container shows it: variables and short forms
/// (compose-spec: 12-interpolation.md, 05-services.md).
package enum ComposeFile {
    /// How much text may come of variables in a document: variables of variables may be as much as they like.
    final class Budget {
        private var left = 8 << 20

        /// - Throws: `ImportError`.
        func take(_ text: String) throws(ImportError) -> String {
            left -= text.utf8.count
            if left < 0 { throw ImportError("more than 8 MiB of text come of its variables") }
            return text
        }
    }

    private static let depthLimit = 20

    /// A text with its variables filled in: `$NAME`, `${NAME}`, `${NAME:-usual}`, `${NAME-usual}`, `${NAME:?why}`, `${NAME?why}`, `${NAME:+other}`,
    /// `${NAME+other}`; `$$` is a dollar.
    ///
    /// - Parameter variables: the value of a variable; nil: it is not set.
    /// - Throws: `ImportError`.
    static func interpolated(
        _ text: String, _ variables: (String) -> String?, budget: Budget = Budget(), depth: Int = 0
    ) throws(ImportError) -> String {
        guard text.contains("$") else { return text }
        if depth > depthLimit { throw ImportError("variables are nested more than \(depthLimit) deep") }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            switch rest.first {
            case "$":
                result.append("$")
                rest.removeFirst()
            case "{":
                guard let end = closing(rest) else { throw ImportError("'\(text)': a '}' is missing") }
                let expression = String(rest[rest.index(after: rest.startIndex)..<end])
                result += try budget.take(value(expression, variables, in: text, budget, depth))
                rest = rest[rest.index(after: end)...]
            case let first? where isName(first) && !first.isNumber:
                let name = rest.prefix(while: isName)
                result += try budget.take(variables(String(name)) ?? "")
                rest = rest.dropFirst(name.count)
            default: throw ImportError("'\(text)': '$' begins no variable; a dollar is written '$$'")
            }
        }
        return result + rest
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }

    /// Where the `}` is that belongs to the `{` at the beginning.
    private static func closing(_ text: Substring) -> Substring.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func value(
        _ expression: String, _ variables: (String) -> String?, in text: String, _ budget: Budget, _ depth: Int
    ) throws(ImportError) -> String {
        let name = expression.prefix(while: isName)
        guard !name.isEmpty else { throw ImportError("'\(text)': '${\(expression)}' names no variable") }
        var rest = expression.dropFirst(name.count)
        var own = variables(String(name))
        if rest.first == ":" {
            rest.removeFirst()
            // An empty one counts as none.
            if own == "" { own = nil }
        }
        let word = String(rest.dropFirst())
        switch rest.first {
        case nil: return own ?? ""
        case "-":
            if let own { return own }
            return try interpolated(word, variables, budget: budget, depth: depth + 1)
        case "+": return own == nil ? "" : try interpolated(word, variables, budget: budget, depth: depth + 1)
        case "?":
            guard let own else {
                throw ImportError("'\(text)': \(name) is not set\(word.isEmpty ? "" : ": \(word)")")
            }
            return own
        default: throw ImportError("'\(text)': '${\(expression)}' is no variable")
        }
    }

    /// The variables of a file `.env`: NAME=VALUE in a line each; a value may be in quotes, over several lines, and what is not in single quotes may name
    /// variables before it (compose-spec, env_file; github.com/compose-spec/compose-go/dotenv).
    ///
    /// - Parameter variables: those of the environment, which win.
    package static func variables(in text: String, besides variables: (String) -> String?) -> [String: String] {
        var result: [String: String] = [:]
        let budget = Budget()
        var rest = text.replacing("\r\n", with: "\n")[...]
        if rest.first == "\u{FEFF}" { rest.removeFirst() }
        func filled(_ value: String) -> String {
            (try? interpolated(value, { variables($0) ?? result[$0] }, budget: budget)) ?? value
        }
        while !rest.isEmpty {
            let line = rest.prefix { $0 != "\n" }
            let own = line.drop { $0.isWhitespace }.trimmingPrefix("export ")
            guard !own.hasPrefix("#"), let equals = own.firstIndex(of: "=") else {
                rest = rest.dropFirst(line.count + 1)
                continue
            }
            let name = String(own[..<equals].filter { !$0.isWhitespace })
            if name.isEmpty {
                rest = rest.dropFirst(line.count + 1)
                continue
            }
            rest = rest[own.index(after: equals)...].drop { $0 == " " || $0 == "\t" }
            if let quote = rest.first, quote == "'" || quote == "\"" {
                let inner = rest.dropFirst()
                let end = endOfQuotes(inner, quote)
                let value = String(inner[..<end])
                result[name] = quote == "'" ? value : filled(unescaped(value))
                rest = inner[end...].drop { $0 != "\n" }.dropFirst()
            } else {
                let value = rest.prefix { $0 != "\n" }
                rest = rest.dropFirst(value.count + 1)
                // Blanks at its beginning have been passed over.
                let plain =
                    value.hasPrefix("#") ? "" : value.firstRange(of: " #").map { value[..<$0.lowerBound] } ?? value
                result[name] = filled(String(String(plain.reversed().drop { $0.isWhitespace }).reversed()))
            }
        }
        return result
    }

    /// Where a value in quotes ends: a quote after a backslash is part of it.
    private static func endOfQuotes(_ text: Substring, _ quote: Character) -> Substring.Index {
        var isEscaped = false
        for index in text.indices {
            if text[index] == quote, !isEscaped || quote == "'" { return index }
            isEscaped = text[index] == "\\" && !isEscaped
        }
        return text.endIndex
    }

    private static func unescaped(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                let known: [Character: String] = ["n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\"]
                result += known[character] ?? "\\\(character)"
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return isEscaped ? result + "\\" : result
    }

    /// A command that is written as one text, in words: blanks part them, quotes hold them together, as mattn/go-shellwords does it for Compose.
    ///
    /// - Throws: `ImportError`: a quote is not closed.
    static func words(_ text: String) throws(ImportError) -> [String] {
        var result: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character.isWhitespace {
                if let done = word.take() { result.append(done) }
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { throw ImportError("'\(text)': a quote is not closed") }
        return result + (word.map { [$0] } ?? [])
    }

    /// A volume in its short form: `NAME:PATH[:OPTIONS]`, `./DIRECTORY:PATH[:OPTIONS]` or `PATH`.
    static func volume(_ text: String) -> (source: String?, target: String, isReadOnly: Bool) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return (nil, text, false) }
        return (parts[0], parts[1], parts.dropFirst(2).contains { $0.split(separator: ",").contains("ro") })
    }
}
