import Causes
import Expectations
import FoundationEssentials
import Model
import Vocabulary

/// SARIF 2.1.0 (OASIS), for code scanning: a result for each expectation that did not hold, under the rule of its cause.
public struct SARIFReport: Reporter {
    public static let name = "sarif"
    public static let summary = "SARIF 2.1.0, for code scanning"
    public static let speaksOfLines = true
    private let options: ReportOptions

    public init(_ options: ReportOptions) { self.options = options }

    public func text(_ report: RunReport) throws -> String {
        var rules: [Rule] = []
        var results: [Result] = []
        func add(_ result: RunResult, rule: Rule) {
            if !rules.contains(where: { $0.id == rule.id }) { rules.append(rule) }
            switch result.verdict {
            case .failed, .flaky:
                for failure in result.failuresThatCount ?? [] {
                    results.append(
                        Result(
                            rule: rule.id, level: result.isOnlyWorthKnowing ? "warning" : "error",
                            "\(result.name): \(failure.expected): \(failure.observed)",
                            at: failure.place,
                            fingerprint(
                                result.subject, failure.place.file, result.scenario.title, failure.expected)))
                }
            case .error(let reason):
                results.append(
                    Result(
                        rule: rule.id, level: "warning", "\(result.name): \(reason)", at: result.scenario.place,
                        fingerprint(result.subject, result.scenario.title)))
            case .passed, .notApplicable: return
            }
        }
        for findings in report.findings {
            for (found, explained) in findings.causes {
                for result in explained {
                    add(result, rule: Rule(id: found.cause.id, found.sentence, help: found.cause.remedy))
                }
            }
            for result in findings.alone {
                let isError = if case .error = result.verdict { true } else { false }
                add(
                    result,
                    rule: isError
                        ? Rule(id: "error", "It could not be found out.", help: nil)
                        : Rule(id: "expectation", "An expectation did not hold.", help: nil))
            }
        }
        let driver = Driver(name: "harness", version: options.version.isEmpty ? nil : options.version, rules: rules)
        return try encoded(
            Document(
                runs: [
                    Run(
                        tool: Tool(driver: driver), results: results,
                        invocations: [Invocation(executionSuccessful: report.noteOfInterruption == nil)])
                ])) + "\n"
    }

    private struct Document: Encodable {
        let schema = "https://json.schemastore.org/sarif-2.1.0.json"
        let version = "2.1.0"
        let runs: [Run]

        enum CodingKeys: String, CodingKey {
            case schema = "$schema"
            case version, runs
        }
    }

    private struct Run: Encodable {
        let tool: Tool
        let results: [Result]
        let invocations: [Invocation]
    }

    private struct Invocation: Encodable {
        let executionSuccessful: Bool
    }

    private struct Tool: Encodable {
        let driver: Driver
    }

    private struct Driver: Encodable {
        let name: String
        let version: String?
        let rules: [Rule]
    }

    private struct Message: Encodable {
        let text: String
    }

    private struct Rule: Encodable {
        let id: String
        let shortDescription: Message
        let help: Message?

        init(id: String, _ description: String, help: String?) {
            self.id = id
            shortDescription = Message(text: description)
            self.help = help.map { Message(text: $0) }
        }
    }

    private struct Result: Encodable {
        struct Location: Encodable {
            let physicalLocation: Physical
        }

        struct Physical: Encodable {
            let artifactLocation: Artifact
            let region: Region
        }

        struct Artifact: Encodable {
            let uri: String
        }

        struct Region: Encodable {
            let startLine: Int
        }

        let ruleId, level: String
        let message: Message
        let locations: [Location]
        let partialFingerprints: [String: String]

        init(rule: String, level: String, _ message: String, at place: SourcePlace, _ fingerprint: String) {
            (ruleId, self.level) = (rule, level)
            self.message = Message(text: message.bounded.printable)
            let file = place.file.isEmpty ? "scenario" : place.file
            locations = [
                Location(
                    physicalLocation: Physical(
                        artifactLocation: Artifact(uri: SARIFReport.uri(file)),
                        region: Region(startLine: max(1, place.line))))
            ]
            partialFingerprints = ["harness/1": fingerprint]
        }
    }

    /// A relative reference, or a `file:` URI of an absolute path (RFC 3986).
    static func uri(_ path: String) -> String {
        var result = path.hasPrefix("/") ? "file://" : ""
        for byte in path.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~/".utf8.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}

/// GitLab's code quality report: a list of what was found.
public struct CodeQualityReport: Reporter {
    public static let name = "codequality"
    public static let summary = "GitLab's code quality report"
    public static let speaksOfLines = true

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) throws -> String {
        var issues: [Issue] = []
        for findings in report.findings {
            let explained = findings.causes.flatMap { cause in cause.results.map { (cause.found.cause.id, $0) } }
            for (check, result) in explained + findings.alone.map({ ("expectation", $0) }) {
                switch result.verdict {
                case .failed, .flaky:
                    for failure in result.failuresThatCount ?? [] {
                        issues.append(
                            Issue(
                                check, "\(result.name): \(failure.expected): \(failure.observed)",
                                result.isOnlyWorthKnowing ? "minor" : "major", failure.place,
                                fingerprint(
                                    result.subject, failure.place.file, result.scenario.title, failure.expected,
                                    "\(failure.place.line)")))
                    }
                case .error(let reason):
                    issues.append(
                        Issue(
                            "error", "\(result.name): \(reason)", "info", result.scenario.place,
                            fingerprint(result.subject, result.scenario.title)))
                case .passed, .notApplicable: continue
                }
            }
        }
        return try encoded(issues) + "\n"
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Issue: Encodable {
        struct Location: Encodable {
            struct Lines: Encodable {
                let begin: Int
            }

            let path: String
            let lines: Lines
        }

        let check_name, description, severity, fingerprint: String
        let location: Location

        init(_ check: String, _ description: String, _ severity: String, _ place: SourcePlace, _ fingerprint: String) {
            check_name = check
            self.description = description.bounded.printable
            (self.severity, self.fingerprint) = (severity, fingerprint)
            location = Location(path: place.file, lines: .init(begin: max(1, place.line)))
        }
    }
}
