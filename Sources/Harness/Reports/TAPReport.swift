import Expectations
import Model
import Vocabulary

/// TAP version 14, with a YAML block for each failure.
public struct TAPReport: Reporter {
    public static let name = "tap"
    public static let summary = "TAP 14, for prove and its kin"

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) -> String {
        let passes = report.unexpectedPasses
        var text = "TAP version 14\n1..\(report.results.count + passes.count)\n"
        for (number, result) in report.results.enumerated() {
            let title = TAPReport.escaped(result.name.printable)
            switch result.verdict {
            case .passed: text += "ok \(number + 1) - \(title)\n"
            case .notApplicable(let reason):
                text += "ok \(number + 1) - \(title) # SKIP \(TAPReport.escaped(reason.printable))\n"
            case .flaky(let failures):
                text += "\(result.isBad ? "not ok" : "ok") \(number + 1) - \(title)\n"
                text += block(
                    result, severity: "flaky", message: failures.first.map { "\($0.expected): \($0.observed)" } ?? "",
                    details: result.details)
            case .failed(let failures):
                let directive =
                    result.known.map { " # TODO known failure: \(TAPReport.escaped($0.reason.printable))" } ?? ""
                text += "not ok \(number + 1) - \(title)\(directive)\n"
                text += block(
                    result, severity: "fail", message: failures.first.map { "\($0.expected): \($0.observed)" } ?? "",
                    details: result.details)
            case .error(let reason):
                text +=
                    "not ok \(number + 1) - \(title)\n" + block(result, severity: "error", message: reason, details: "")
            }
        }
        for (number, pass) in passes.enumerated() {
            text += "not ok \(report.results.count + number + 1) - \(TAPReport.escaped(pass.sentence.printable))\n"
        }
        if let note = report.noteOfInterruption { text += "Bail out! \(note)\n" }
        return text
    }

    private func block(_ result: RunResult, severity: String, message: String, details: String) -> String {
        let place = result.scenario.place
        var lines = [
            "---", "message: \(TAPReport.quoted(message.bounded))", "severity: \(severity)",
            "duration_ms: \(result.duration.inMilliseconds)", "at:", "  file: \(TAPReport.quoted(place.file))",
            "  line: \(place.line)",
        ]
        if !details.isEmpty {
            lines.append("details: |")
            lines += details.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
        }
        return (lines + ["..."]).map { "  \($0)\n" }.joined()
    }

    /// A `#` would begin a directive.
    private static func escaped(_ text: String) -> String {
        text.replacing(scalars: ["\\": "\\\\", "#": "\\#"])
    }

    /// A string of YAML, which takes those of JSON.
    private static func quoted(_ text: String) -> String {
        "\"" + text.printable.replacing(scalars: ["\\": "\\\\", "\"": "\\\""]) + "\""
    }
}
