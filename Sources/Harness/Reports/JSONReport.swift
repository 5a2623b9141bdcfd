import Causes
import Expectations
import FoundationEssentials
import Journal
import Model
import Vocabulary

/// One document, schema `harness.run/1`.
public struct JSONReport: Reporter {
    public static let name = "json"
    public static let summary = "one document, harness.run/1"

    public init(_: ReportOptions = ReportOptions()) {}

    public func text(_ report: RunReport) throws -> String {
        let counts = report.counts
        let document = EncodedRun(
            summary: .init(
                passed: counts.passed, failed: counts.failed, not_applicable: counts.notApplicable,
                errors: counts.errors, known: counts.known,
                flaky: counts.flaky, duration_ms: milliseconds(report.duration), interrupted_of: report.plannedCount,
                missing_parts: report.missingParts.isEmpty ? nil : report.missingParts),
            witness: report.witness.description.printable,
            passed_though_known: report.unexpectedPasses.map { .init(init: $0.initName, row: $0.row) },
            skipped: report.skipped.map { .init(init: $0.name, reason: $0.reason) },
            causes: report.findings.flatMap { findings in
                findings.causes.map { EncodedCause(findings.subject, $0.found, $0.results) }
            },
            results: report.results.map(EncodedResult.init))
        return try encoded(document) + "\n"
    }
}

/// A document as every report writes it.
func encoded(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes, .sortedKeys]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
}

/// To the microsecond: what comes after it is not measured.
private func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    let microseconds = Double(seconds) * 1e6 + (Double(attoseconds) / 1e12).rounded()
    return microseconds / 1e3
}

// The wire format is apart from the model: these names are a promise.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct EncodedRun: Encodable {
    struct Summary: Encodable {
        let passed, failed, not_applicable, errors, known, flaky: Int
        let duration_ms: Double
        /// How many there were to be, where the run was interrupted.
        let interrupted_of: Int?
        /// Parts of the run that are not in it.
        let missing_parts: [Int]?
    }

    struct Skipped: Encodable {
        let `init`: String
        let reason: String
    }

    /// A row that an init is known to fail, and has passed.
    struct UnexpectedPass: Encodable {
        let `init`, row: String
    }

    var schema = "harness.run/1"
    let summary: Summary
    let witness: String
    let passed_though_known: [UnexpectedPass]
    let skipped: [Skipped]
    let causes: [EncodedCause]
    let results: [EncodedResult]
}

/// Why an init failed some scenarios.
private struct EncodedCause: Encodable {
    struct Place: Encodable {
        let scenario, file: String
        let line: Int
    }

    let `init`, cause, sentence, remedy: String
    /// The scenarios that it explains.
    let explains: [Place]

    init(_ subject: String, _ found: FoundCause, _ results: [RunResult]) {
        self.`init` = subject
        (cause, sentence, remedy) = (found.cause.id, found.sentence, found.cause.remedy)
        explains = results.map {
            Place(
                scenario: $0.scenario.title.bounded.printable, file: $0.scenario.place.file,
                line: $0.scenario.place.line)
        }
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
private struct EncodedResult: Encodable {
    struct EncodedFailure: Encodable {
        let file: String
        let line: Int
        let expected, observed: String
        let evidence: [String]
    }

    let `init`, scenario, file: String
    let line: Int
    let runtime: String
    let tags: [String]
    let verdict: String
    let reason: String?
    /// Why it is known to fail; absent where it is not.
    let known: String?
    let duration_ms: Double
    let failures: [EncodedFailure]
    /// Limits of the container that its processes have met; absent where there are none.
    let limits: [String]?

    init(_ result: RunResult) {
        self.`init` = result.initName.bounded.printable
        scenario = result.scenario.title.bounded.printable
        file = result.scenario.place.file
        line = result.scenario.place.line
        runtime = result.runtime.rawValue
        tags = result.scenario.tags
        duration_ms = milliseconds(result.duration)
        let met = result.limitsMet
        limits = met.isEmpty ? nil : met
        let (name, why) = result.verdict.nameAndReason
        (verdict, reason) = (name, why?.bounded.printable)
        if case .failed = result.verdict { known = result.known?.reason.printable } else { known = nil }
        switch result.verdict {
        case .passed, .notApplicable, .error: failures = []
        case .failed(let list), .flaky(let list):
            failures = zip(list, result.linesOfEvidence(list)).map { failure, evidence in
                EncodedFailure(
                    file: failure.place.file, line: failure.place.line, expected: failure.expected.bounded,
                    observed: failure.observed.bounded, evidence: evidence)
            }
        }
    }
}
