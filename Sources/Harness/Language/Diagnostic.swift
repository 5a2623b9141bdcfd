import Model

/// Something in a text that cannot be accepted, and where.
public struct Diagnostic: Error, Hashable, Sendable {
    /// Stable: the wording may change, this does not.
    public enum ID: String, CaseIterable, Hashable, Sendable {
        case badIndentation = "bad-indentation"
        case unclosedString = "unclosed-string"
        case unknownWord = "unknown-word"
        case notYetSupported = "not-yet-supported"
        case missing = "missing"
        case unexpected = "unexpected"
        case badValue = "bad-value"
        case setupAfterStep = "setup-after-step"
        case duplicate = "duplicate"
        case unknownService = "unknown-service"
        case cycle = "cycle"
        case undecidable = "undecidable"
        case emptyScenario = "empty-scenario"
        case notText = "not-text"
    }

    public let id: ID
    public let place: SourcePlace
    /// How many bytes of the line it is about.
    public let length: Int
    public let message: String
    /// The nearest known word, where there is one.
    public var suggestion: String?
    /// Other places that have to do with it.
    public var notes: [Note] = []

    public struct Note: Hashable, Sendable {
        public let place: SourcePlace
        public let message: String

        public init(_ message: String, at place: SourcePlace) {
            self.message = message
            self.place = place
        }
    }

    init(
        _ id: ID, _ message: String, at place: SourcePlace, length: Int = 1, suggestion: String? = nil,
        notes: [Note] = []
    ) {
        self.id = id
        self.message = message
        self.place = place
        self.length = length
        self.suggestion = suggestion
        self.notes = notes
    }
}

extension Diagnostic {
    /// For people: place and message, the line with the place marked, the suggestion, the notes.
    public func rendered(source: String) -> String {
        rendered(lines: Diagnostic.lines(of: source))
    }

    /// The lines of a text, for several diagnostics of it.
    public static func lines(of source: String) -> [Substring] {
        source.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }

    public func rendered(lines: [Substring]) -> String {
        var result = "\(place): error: \(message)"
        if let suggestion { result += "; did you mean '\(suggestion)'?" }
        result += " [\(id.rawValue)]\n"
        if lines.indices.contains(place.line - 1) {
            let line = lines[place.line - 1]
            // What stands before the place, with tabs kept, so that the mark stands under it.
            let before = line.utf8.prefix(place.column - 1)
            let margin = String(decoding: before, as: UTF8.self).map { $0 == "\t" ? "\t" : " " }.joined()
            let number = String(place.line)
            result += " \(number) | \(line)\n"
            result += String(repeating: " ", count: number.count + 1) + " | \(margin)"
            result += "^" + String(repeating: "~", count: max(0, length - 1)) + "\n"
        }
        for note in notes { result += "\(note.place): note: \(note.message)\n" }
        return result
    }
}

/// The candidate nearest to a word, or nil when none is near enough to have been meant.
func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let limit = word.count <= 3 ? 1 : word.count <= 6 ? 2 : 3
    return candidates.map { (distance(word.lowercased(), $0.lowercased()), $0) }
        .filter { $0.0 <= limit }.min { $0 < $1 }?.1
}

/// The number of letters to insert, delete, replace or swap.
private func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8), right = Array(right.utf8)
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var rows = [Array(0...right.count)]
    for i in 1...left.count {
        var row = [i]
        for j in 1...right.count {
            let cost = left[i - 1] == right[j - 1] ? 0 : 1
            var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                best = min(best, rows[i - 2][j - 2] + 1)
            }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}
