import Expectations
import FoundationEssentials
import Journal
import Model

/// The document of `harness run --format json`, schema `harness.run/1`.
public func jsonReport(_ report: RunReport) throws -> String {
    let counts = report.counts
    let document = EncodedRun(
        summary: .init(
            passed: counts.passed, failed: counts.failed, not_applicable: counts.notApplicable, errors: counts.errors,
            duration_ms: milliseconds(report.duration), interrupted_of: report.plannedCount),
        witness: report.witness.description,
        skipped: report.skipped.map { .init(init: $0.name, reason: $0.reason) },
        results: report.results.map(EncodedResult.init))
    return try encoded(document)
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
        let passed, failed, not_applicable, errors: Int
        let duration_ms: Double
        /// How many there were to be, where the run was interrupted.
        let interrupted_of: Int?
    }

    struct Skipped: Encodable {
        let `init`: String
        let reason: String
    }

    var schema = "harness.run/1"
    let summary: Summary
    let witness: String
    let skipped: [Skipped]
    let results: [EncodedResult]
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
    let duration_ms: Double
    let failures: [EncodedFailure]
    /// Limits of the container that its processes have met; absent where there are none.
    let limits: [String]?

    init(_ result: RunResult) {
        self.`init` = result.initName
        scenario = result.scenario.title
        file = result.scenario.place.file
        line = result.scenario.place.line
        runtime = result.runtime.rawValue
        tags = result.scenario.tags
        duration_ms = milliseconds(result.duration)
        limits = result.limitsMet.isEmpty ? nil : result.limitsMet
        switch result.verdict {
        case .passed: (verdict, reason, failures) = ("passed", nil, [])
        case .notApplicable(let why): (verdict, reason, failures) = ("not-applicable", why, [])
        case .error(let why): (verdict, reason, failures) = ("error", why, [])
        case .failed(let list):
            (verdict, reason) = ("failed", nil)
            failures = list.map {
                EncodedFailure(
                    file: $0.place.file, line: $0.place.line, expected: $0.expected, observed: $0.observed,
                    evidence: $0.evidence)
            }
        }
    }
}
