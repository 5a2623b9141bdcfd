import FoundationEssentials
import Model

/// What is wrong with a file, beside the text of the file.
public struct FileDiagnostics: Sendable {
    public let file: String
    /// The lines of the file, without their ends.
    public let lines: [Substring]
    public let diagnostics: [Diagnostic]

    public init(file: String, source: String, diagnostics: [Diagnostic]) {
        self.file = file
        // A byte order mark is no column of the first line.
        let text = source.unicodeScalars.first == "\u{FEFF}" ? String(source.unicodeScalars.dropFirst()) : source
        lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        self.diagnostics = diagnostics
    }

    /// What is wrong with a file that has no lines to show: it is not there, or cannot be read.
    public init(file: String, problem: String) {
        self.file = file
        lines = []
        diagnostics = [Diagnostic(.notText, problem, at: SourcePlace(file: file, line: 1, column: 1))]
    }
}

extension FileDiagnostics {
    /// Whether it can be run.
    public var isWellFormed: Bool { !hasErrors }

    /// Whether something in it must be changed before it can be run.
    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// The number of diagnostics of one file that are shown to people.
    public static let limit = 100

    /// For people: each with its place and message, the line with the place marked, and the notes with theirs.
    public func humanText() -> String {
        var result = ""
        for diagnostic in diagnostics.prefix(FileDiagnostics.limit) { result += text(diagnostic) }
        if diagnostics.count > FileDiagnostics.limit {
            result += "\(file): … and \(diagnostics.count - FileDiagnostics.limit) more\n"
        }
        return result
    }

    /// The same, a line for each: for a run, which goes on.
    public func briefText() -> String {
        diagnostics.prefix(FileDiagnostics.limit).map(head).joined()
    }

    private func head(_ diagnostic: Diagnostic) -> String {
        var result = FileDiagnostics.printable(
            "\(diagnostic.place): \(diagnostic.severity.rawValue): \(diagnostic.message)")
        if let suggestion = diagnostic.suggestion { result += "; did you mean '\(suggestion)'?" }
        return result + " [\(diagnostic.id.rawValue)]\n"
    }

    private func text(_ diagnostic: Diagnostic) -> String {
        var result = head(diagnostic)
        result += excerpt(diagnostic.place, length: diagnostic.length)
        for note in diagnostic.notes {
            result += FileDiagnostics.printable("\(note.place): note: \(note.message)") + "\n"
            result += excerpt(note.place, length: 1)
        }
        return result
    }

    /// The line, and a mark under the place. Of a long line, what is around it.
    private func excerpt(_ place: SourcePlace, length: Int) -> String {
        guard lines.indices.contains(place.line - 1), place.file == file else { return "" }
        let line = Array(lines[place.line - 1].utf8)
        let column = min(place.column - 1, line.count)
        let start = FileDiagnostics.boundary(line, column > 100 ? column - 60 : 0)
        let end = FileDiagnostics.boundary(line, min(line.count, max(start + 160, column)))
        let number = String(place.line)
        let before = FileDiagnostics.printable(line[start..<column])
        let shown = (start > 0 ? "…" : "") + before + FileDiagnostics.printable(line[column..<max(column, end)])
        // Tabs are kept, so that the mark is under its place, however wide they are shown.
        let margin = (start > 0 ? " " : "") + String(before.map { $0 == "\t" ? "\t" : " " })
        let marked = line[column..<min(max(column, end), column + max(1, length))]
        let width = max(1, String(decoding: marked, as: UTF8.self).count)
        return " \(number) | \(shown)\(end < line.count ? "…" : "")\n"
            + String(repeating: " ", count: number.count + 1) + " | \(margin)^"
            + String(repeating: "~", count: width - 1) + "\n"
    }

    /// The nearest place at or before an offset at which a character begins.
    private static func boundary(_ line: [UInt8], _ offset: Int) -> Int {
        var offset = offset
        while offset > 0, offset < line.count, line[offset] & 0xC0 == 0x80 { offset -= 1 }
        return offset
    }

    /// A file may hold what a terminal would obey.
    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        printable(String(decoding: bytes, as: UTF8.self))
    }

    private static func printable(_ text: String) -> String {
        guard
            text.unicodeScalars.contains(where: { ($0.value < 0x20 && $0 != "\t") || (0x7F..<0xA0).contains($0.value) })
        else { return text }
        return String(
            text.unicodeScalars.map { scalar -> Character in
                (scalar.value < 0x20 && scalar != "\t") || (0x7F..<0xA0).contains(scalar.value)
                    ? "\u{FFFD}" : Character(scalar)
            })
    }

    // MARK: - For programs

    /// For a GitHub workflow: one command for each, which marks the line in a review.
    public func gitHubText() -> String {
        diagnostics.map { diagnostic in
            var message = diagnostic.message
            if let suggestion = diagnostic.suggestion { message += "; did you mean '\(suggestion)'?" }
            for note in diagnostic.notes { message += "\n\(note.place): \(note.message)" }
            let place = diagnostic.place
            return
                "::\(diagnostic.severity.rawValue) file=\(WorkflowCommand.property(place.file)),line=\(place.line),col=\(place.column),"
                + "title=\(WorkflowCommand.property(diagnostic.id.rawValue))::\(WorkflowCommand.data(message))\n"
        }.joined()
    }
}

/// What `harness lint --format json` prints.
public func jsonDiagnosticReport(_ files: [FileDiagnostics], fileCount: Int) throws -> String {
    let diagnostics = files.flatMap(\.diagnostics).map(EncodedDiagnostic.init)
    let document = EncodedLint(
        summary: EncodedLint.Summary(
            files: fileCount, errors: diagnostics.count { $0.severity == "error" },
            warnings: diagnostics.count { $0.severity == "warning" }), diagnostics: diagnostics)
    return try encoded(document)
}

private struct EncodedLint: Encodable {
    var schema = "harness.lint/1"
    let summary: Summary
    let diagnostics: [EncodedDiagnostic]

    struct Summary: Encodable {
        let files: Int
        let errors: Int
        let warnings: Int
    }
}

private struct EncodedDiagnostic: Encodable {
    let id: String
    let severity: String
    let file: String
    let line: Int
    let column: Int
    let length: Int
    let message: String
    let suggestion: String?
    let notes: [Note]

    struct Note: Encodable {
        let file: String
        let line: Int
        let column: Int
        let message: String
    }

    init(_ diagnostic: Diagnostic) {
        id = diagnostic.id.rawValue
        severity = diagnostic.severity.rawValue
        file = diagnostic.place.file
        line = diagnostic.place.line
        column = diagnostic.place.column
        length = diagnostic.length
        message = diagnostic.message
        suggestion = diagnostic.suggestion
        notes = diagnostic.notes.map {
            Note(file: $0.place.file, line: $0.place.line, column: $0.place.column, message: $0.message)
        }
    }
}
