import Causes
import Expectations
import Model
import Vocabulary

/// Workflow commands that mark each failure at the line of the expectation that did not hold.
public struct GitHubReport: Reporter {
    public static let name = "github"
    public static let summary = "annotations for a GitHub workflow's log"
    public static let speaksOfLines = true

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) -> String {
        var text = ""
        for result in report.results {
            switch result.verdict {
            case .passed, .notApplicable: continue
            case .failed, .flaky:
                for failure in result.failuresThatCount ?? [] {
                    text += annotation(
                        failure.place, result.name, "\(failure.expected): \(failure.observed)",
                        result.isOnlyWorthKnowing ? "warning" : "error")
                }
            case .error(let reason): text += annotation(result.scenario.place, result.name, reason)
            }
        }
        for pass in report.unexpectedPasses { text += annotation(pass.place, pass.initName, pass.sentence) }
        if let note = report.noteOfInterruption { text += "::warning::\(WorkflowCommand.data(note))\n" }
        return text
            + "::notice::\(report.counts.sentence)\n"
    }

    private func annotation(
        _ place: SourcePlace, _ title: String, _ message: String, _ level: String = "error"
    ) -> String {
        "::\(level) file=\(WorkflowCommand.property(place.file)),line=\(max(1, place.line)),"
            + "title=\(WorkflowCommand.property(title.bounded.printable))::\(WorkflowCommand.data(message.bounded.printable))\n"
    }
}

/// A page in Markdown for a job's summary: the causes, then what failed.
public struct SummaryReport: Reporter {
    public static let name = "summary"
    public static let summary = "a job's summary in Markdown ($GITHUB_STEP_SUMMARY)"

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) -> String {
        let mark = report.isGood && report.isWhole ? "✅" : "❌"
        var text = "## \(mark) \(report.counts.sentence)\n\n"
        if let note = report.noteOfInterruption { text += "**\(plain(note))**\n\n" }
        for findings in report.findings {
            text += "### \(plain(findings.subject))\n\n"
            for (found, results) in findings.causes {
                text += "- **\(plain(found.sentence))** (\(results.count): \(plain(HumanReport.rows(results))))  \n"
                text += "  Try: \(plain(found.cause.remedy))\n"
            }
            for result in findings.alone {
                let place = "`\(result.scenario.place.file):\(result.scenario.place.line)`"
                text += "- \(plain(result.scenario.title)) (\(place)): \(plain(words(result)))\n"
            }
            text += "\n"
        }
        for pass in report.unexpectedPasses { text += "- \(plain(pass.sentence))\n" }
        return text + "Witness: \(plain("\(report.witness)"))\n"
    }

    private func words(_ result: RunResult) -> String {
        switch result.verdict {
        case .failed(let failures), .flaky(let failures):
            failures.first.map { "\($0.expected): \($0.observed)".bounded } ?? ""
        case .error(let reason): "error: \(reason)".bounded
        case .passed, .notApplicable: ""
        }
    }

    /// What is no markup, on one line.
    private func plain(_ text: String) -> String {
        var result = ""
        for character in text.printable {
            switch character {
            case "<": result += "&lt;"
            case "&": result += "&amp;"
            case "*", "_", "`", "[", "]", "|", "\\", "#", "~": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }
}

/// Escapes of workflow commands (actions/toolkit, packages/core/src/command.ts).
enum WorkflowCommand {
    static func data(_ text: String) -> String {
        // By scalars: CR LF is one character, and neither of them.
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "%": result += "%25"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    static func property(_ text: String) -> String {
        data(text).replacing(scalars: [":": "%3A", ",": "%2C"])
    }
}
