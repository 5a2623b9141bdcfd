import Expectations
import Model
import Vocabulary

/// A form that a report can have. Another one is a type, and a line in `Reporters.all`.
public protocol Reporter: Sendable {
    /// As `--format` and the option `--NAME FILE` call it.
    static var name: String { get }
    /// What it is for, in half a sentence.
    static var summary: String { get }
    /// It draws runs that passed: their events are kept to the end.
    static var needsJournals: Bool { get }
    /// It says which versions the inits have.
    static var needsVersions: Bool { get }
    /// Each thing that it says is about a line of a file.
    static var speaksOfLines: Bool { get }

    init(_ options: ReportOptions)

    /// - Throws: what JSONEncoder throws.
    func text(_ report: RunReport) throws -> String
}

extension Reporter {
    public static var needsJournals: Bool { false }
    public static var needsVersions: Bool { false }
    public static var speaksOfLines: Bool { false }
}

/// What a report is made with, besides the run.
public struct ReportOptions: Sendable {
    /// What the text goes to can show.
    public var style = TerminalStyle()
    /// How much is said.
    public var detail = HumanReport.Detail.normal
    /// The folder of the suite: reports call its files by their names alone. Nil: there is none.
    public var suite: String?
    /// The command that runs again what failed; nil: there is none.
    public var again: String?
    /// The inits' versions, by name.
    public var versions: [String: String] = [:]
    /// Inits that are right but for a few rows, with these.
    public var peers: [Peer] = []
    /// `2026-11-21`, UTC.
    public var date = ""
    /// The kernel, and the machine's kind.
    public var machine = ""
    /// This tool's version.
    public var version = ""
    /// Begins to compress the page's journal, as gzip does; what it returns waits for the end. Where it is nil, or answers nil, the
    /// journal stays as it is.
    public var compress: (@Sendable ([UInt8]) -> () -> [UInt8]?)?

    public init() {}
}

/// An init that fails a few rows, and is known to.
public struct Peer: Sendable {
    /// The name of its profile.
    public let name: String
    /// What it fails.
    public let rows: Set<String>

    /// A row that this many of them fail is a matter of design.
    fileprivate static let enough = 3
    /// More failures than these are no matter of design.
    private static let fewRows = 10

    /// Nil: it fails nothing, or too much to be an example.
    public init?(_ profile: InitProfile) {
        rows = Set(profile.knownFailures.flatMap(\.rows))
        name = profile.name
        if rows.isEmpty || rows.count > Peer.fewRows { return nil }
    }
}

extension [Peer] {
    /// "3 of 24 are known failures of at least 3 of catatonit, dumb-init, tini and 2 more inits: OR05, PG03, PG04"; nil: none is.
    func sentence(of bad: [RunResult]) -> String? {
        let shared = bad.filter { result in
            count { $0.name != result.initName && $0.rows.contains(result.scenario.row) } >= Peer.enough
        }
        if shared.isEmpty { return nil }
        let rows = Set(shared.map(\.scenario.row))
        let names = filter { !$0.rows.isDisjoint(with: rows) }.sorted {
            ($1.rows.intersection(rows).count, $0.name) < ($0.rows.intersection(rows).count, $1.name)
        }
        .map(\.name)
        let shown = names.prefix(3).joined(separator: ", ")
        let more = names.count > 3 ? " and \(names.count - 3) more init\(names.count == 4 ? "" : "s")" : ""
        // Not each of them fails each of the rows.
        return "\(shared.count) of \(bad.count) are known failures of at least \(Peer.enough) of \(shown)\(more): "
            + HumanReport.rows(shared)
    }
}

/// The forms that there are.
public enum Reporters {
    /// In the order in which help lists them.
    public static let all: [any Reporter.Type] = [
        HumanReport.self, JSONReport.self, JUnitReport.self, TAPReport.self, GitHubReport.self, SummaryReport.self,
        SARIFReport.self, CodeQualityReport.self, HTMLReport.self, SVGReport.self, PerfettoReport.self,
        MarkdownReport.self,
    ]

    /// Nil: there is none of this name.
    public static func named(_ name: String) -> (any Reporter.Type)? { all.first { $0.name == name } }
}

extension UnexpectedPass {
    /// "tini passes PG04, which it is known to fail: remove that entry"
    var sentence: String { "\(initName) passes \(row), which it is known to fail: remove that entry" }
}

extension RunResult {
    /// The init and the scenario: what tells it apart from the others of a run.
    var name: String { "\(subject): \(scenario.title.bounded.printable)" }

    /// What failed, a paragraph for each expectation, with its evidence; for reports that are read elsewhere.
    var details: String {
        let failures: [Failure]
        switch verdict {
        case .failed(let list), .flaky(let list): failures = list
        case .passed, .notApplicable, .error: return ""
        }
        let paragraphs = zip(failures, linesOfEvidence(failures)).map { failure, lines in
            ([
                "\(failure.place.file):\(failure.place.line)", "expected  \(failure.expected.bounded)",
                "observed  \(failure.observed.bounded)",
            ] + lines).joined(separator: "\n")
        }
        return (limitsMet.map { "limit     \($0)" } + paragraphs).joined(separator: "\n")
    }
}

/// A number that stays the same as long as what it is about does (FNV-1a, 64 bits, in hexadecimal).
func fingerprint(_ parts: String...) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in parts.joined(separator: "\u{0}").utf8 {
        hash ^= UInt64(byte)
        hash &*= 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

extension String {
    /// The same with some scalars of ASCII replaced. By scalars: one with a mark upon it is another character.
    func replacing(scalars: [Unicode.Scalar: String]) -> String {
        var table = [[UInt8]?](repeating: nil, count: 0x80)
        for (scalar, text) in scalars { table[Int(scalar.value)] = Array(text.utf8) }
        guard utf8.contains(where: { $0 < 0x80 && table[Int($0)] != nil }) else { return self }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count + 16)
        for byte in utf8 {
            if byte < 0x80, let text = table[Int(byte)] { bytes += text } else { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
