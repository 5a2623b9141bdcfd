import Harness
import Kernel

/// A program below Tests/Hostile that tries to get out, to deceive the harness, or to bring it to its knees.
///
/// Its first lines say what it tries, and what must come of it: `# tries: …`, `# must: …`, `# verdict: failed` (or `error`, or
/// `passed or error` where the trace may lose events; else the scenario must pass), and the scenario's lines after `# | `, in which `{me}` is the program.
public struct HostileProgram: Sendable, CustomStringConvertible {
    public let name: String
    public let tries: String
    public let must: String
    /// What the scenario may come to.
    public let verdicts: Set<String>
    private let lines: [String]

    /// It exits 0 when it was refused everything.
    private static let usualLines = ["command python3 {me}", "start", "expect exit 0 within 30s"]

    init(_ name: String, _ text: String) {
        self.name = name
        let head = text.split(separator: "\n").prefix { $0.hasPrefix("#") }
        func value(_ key: String) -> String? {
            head.first { $0.hasPrefix("# \(key): ") }.map { String($0.dropFirst(key.count + 4)) }
        }
        tries = value("tries") ?? ""
        must = value("must") ?? ""
        verdicts = Set((value("verdict") ?? "passed").split(separator: " ").map(String.init)).subtracting(["or"])
        let own = head.filter { $0.hasPrefix("# | ") }.map { String($0.dropFirst(4)) }
        lines = own.isEmpty ? HostileProgram.usualLines : own
    }

    public var description: String { name }

    private static let folder = Checkout.root + "/Tests/Hostile"

    /// All of them, by name.
    public static let all: [HostileProgram] = Files.names(in: folder)
        .filter { $0.hasSuffix(".py") && $0 != "hostile.py" }
        .map { HostileProgram(String($0.dropLast(3)), Files.text(of: "\(folder)/\($0)") ?? "") }

    /// The scenario that runs it.
    public func scenarios() throws -> [Scenario] {
        let path = "\(HostileProgram.folder)/\(name).py"
        return try TestSupport.scenarios(
            "scenario \"\(name)\"\n"
                + lines.map { "  " + $0.replacing("{me}", with: path) + "\n" }.joined())
    }

    /// docs/HOSTILE.md.
    public static var page: String {
        """
        # Hostile programs

        What runs in a container is hostile until proven otherwise. Each of these programs, below `Tests/Hostile`, is run by
        `make check`; it passes where what must come of it has come. The page is made by `make reference`.

        | program | it tries | so it must be |
        | --- | --- | --- |

        """ + all.map { "| \($0.name) | \($0.tries) | \($0.must) |\n" }.joined()
    }
}
