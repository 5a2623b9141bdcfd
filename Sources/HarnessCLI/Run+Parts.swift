import Glibc
import Harness
import Synchronization

/// `FILE:LINE,LINE`: the scenarios of a file at some of its lines.
struct LinesOfFile {
    private let name: String
    let lines: [Int]

    /// Nil where a text is none.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let numbers = text[text.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false).map {
            Int($0)
        }
        guard !numbers.isEmpty, numbers.allSatisfy({ $0.map { $0 > 0 } ?? false }) else { return nil }
        name = String(text[..<colon])
        lines = numbers.compactMap(\.self)
    }

    /// The file; one of the suite may be called by its name alone, as reports call it.
    func file(in suite: String?) -> String {
        if access(name, F_OK) == 0 { return name }
        let wanted = name.hasSuffix(".scenario") ? name : name + ".scenario"
        if access(wanted, F_OK) == 0 { return wanted }
        let files = suite.map { SourceFile.files(at: $0) } ?? []
        return files.first { $0.hasSuffix("/" + wanted) } ?? name
    }
}

extension Scenario {
    /// Whether its title contains one of the texts, in upper or lower case, and it has a tag of each list.
    func matches(filters: [String], tags wanted: [[String]]) -> Bool {
        let title = title.lowercased()
        return (filters.isEmpty || filters.contains { title.contains($0.lowercased()) })
            && wanted.allSatisfy { list in list.contains { tags.contains($0) } }
    }

    /// Whether a text is its row or a tag of it, or in its title.
    func isNamed(_ text: String) -> Bool {
        row == text || tags.contains(text) || title.lowercased().contains(text.lowercased())
    }
}

/// What may fail and is no news.
struct Accepted: Sendable {
    /// By the name of the init.
    var known: [String: [KnownFailure]] = [:]
    var baseline: Baseline?
    /// Inits that the run can be measured by.
    var peers: [Peer] = []

    func covers(_ result: RunResult) -> Bool {
        baseline?.covers(result) == true || knownFailure(of: result) != nil
    }

    /// What is said of a result that failed; nil: nothing, or it has not.
    func knownFailure(of result: RunResult) -> KnownFailure? {
        guard case .failed = result.verdict else { return nil }
        return known[result.initName]?.first { $0.rows.contains(result.scenario.row) }
    }

    /// Marks what it covers.
    func mark(_ report: inout RunReport, isWhole: Bool) {
        report.note(known: known, isWhole: isWhole)
        if let baseline { report.compare(with: baseline) }
    }
}

extension RunOptions {
    /// Whether every scenario of each row is run: only then a row that passes says something.
    var isWholeSuite: Bool {
        filters.isEmpty && exclusions.isEmpty && tags.isEmpty && !isOfLastFailures && shard == nil
            && changedFiles.isEmpty && paths.allSatisfy { LinesOfFile($0) == nil } && runtimes == [nil]
            && !stopsAtFirstFailure
    }
}

/// The reports of a run, and where each goes to.
struct Outputs {
    struct Output {
        let reporter: any Reporter.Type
        /// A file's, or "standard output".
        let name: String
        let descriptor: Int32
        /// It is that of `--format`.
        let isMain: Bool
    }

    let all: [Output]

    /// - Throws: `BadUsage` where a file cannot be made.
    init(_ options: RunOptions) throws(BadUsage) {
        var all: [Output] = []
        func add(_ format: String, _ path: String?, isMain: Bool) throws(BadUsage) {
            guard let reporter = Reporters.named(format) else {
                throw BadUsage(message: "there is no report '\(format)'")
            }
            guard let path else {
                return all.append(
                    Output(reporter: reporter, name: "standard output", descriptor: STDOUT_FILENO, isMain: isMain))
            }
            all.append(
                Output(reporter: reporter, name: path, descriptor: try OutputFile.open(path), isMain: isMain))
        }
        for (format, path) in options.reports { try add(format, path, isMain: false) }
        try add(options.format, options.output, isMain: true)
        self.all = all
    }

    var needVersions: Bool { all.contains { $0.reporter.needsVersions } }
    var needJournals: Bool { all.contains { $0.reporter.needsJournals } }
}

/// What failed in the last run, of the user that runs it, and in which folder that was.
struct LastFailures {
    private let path: String?
    private var folder = ""
    private var failed: Set<String> = []

    init() {
        path = DurationHistory.usualPath.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) + "/failed" }
        guard let path, let bytes = try? SourceFile.bytes(of: path) else { return }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        folder = lines.first ?? ""
        failed = Set(lines.dropFirst())
    }

    var isOfThisFolder: Bool { !failed.isEmpty && folder == LastFailures.here }

    func contains(_ initName: String, _ scenario: Scenario) -> Bool {
        failed.contains(LastFailures.key(initName, scenario))
    }

    /// - Returns: whether it could be kept: else `--failed` knows of nothing.
    func save(_ results: [RunResult]) -> Bool {
        guard let path else { return false }
        let lines = [LastFailures.here] + Set(results.map { LastFailures.key($0.initName, $0.scenario) }).sorted()
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if file < 0 { return false }
        defer { close(file) }
        return CommandLineTool.write(lines.joined(separator: "\n") + "\n", to: file)
    }

    private static func key(_ initName: String, _ scenario: Scenario) -> String {
        "\(initName)\t\(scenario.place.file)\t\(scenario.title)".replacing("\n", with: " ")
    }

    private static var here: String {
        guard let current = getcwd(nil, 0) else { return "" }
        defer { free(current) }
        return String(cString: current)
    }
}

/// Ends a run before its end, where that was asked for.
final class Ending: Sendable {
    private let session: Session
    private let stopsAtFirstFailure: Bool
    private let flakinessIsBad: Bool
    private let why = Mutex<String?>(nil)

    init(_ session: Session, _ options: RunOptions) {
        (self.session, stopsAtFirstFailure, flakinessIsBad) = (
            session, options.stopsAtFirstFailure, options.isFlakinessBad
        )
        if let timeout = options.timeout {
            session.after(timeout) { [self] in end("the time is over (--timeout \(timeout.text))") }
        }
    }

    /// Nil: nothing but the end of the work, or an interrupt, has ended it.
    var reason: String? { why.withLock { $0 } }

    func note(_ result: RunResult, isKnown: Bool) {
        guard stopsAtFirstFailure, !isKnown else { return }
        var result = result
        result.isFlakinessBad = flakinessIsBad
        if result.isBad { end("something has failed (--fail-fast)") }
    }

    private func end(_ reason: String) {
        let isFirst = why.withLock { why in
            defer { why = why ?? reason }
            return why == nil
        }
        if isFirst { session.cancel() }
    }
}
