import Expectations
import Model
import Vocabulary

/// JUnit XML, as GitLab, Jenkins and most others read it: a suite for each init, a case for each scenario.
public struct JUnitReport: Reporter {
    public static let name = "junit"
    public static let summary = "JUnit XML, for CI systems"
    public static let needsVersions = true
    private let options: ReportOptions

    public init(_ options: ReportOptions) { self.options = options }

    public func text(_ report: RunReport) -> String {
        let counts = report.counts
        var text = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
        text +=
            element(
                "testsuites",
                [
                    ("name", "harness"), ("tests", "\(report.results.count + report.unexpectedPasses.count)"),
                    (
                        "failures",
                        "\(report.results.count { $0.failuresThatCount != nil } + report.unexpectedPasses.count)"
                    ),
                    ("errors", "\(counts.errors)"), ("skipped", "\(counts.notApplicable + counts.known)"),
                    ("time", seconds(report.duration)),
                ]) + "\n"
        for (subject, results) in report.results.bySubject {
            text +=
                "  "
                + element(
                    "testsuite",
                    [
                        ("name", subject), ("tests", "\(results.count)"),
                        ("failures", "\(results.count { $0.failuresThatCount != nil })"),
                        ("errors", "\(results.count { if case .error = $0.verdict { true } else { false } })"),
                        ("skipped", "\(results.count(where: \.isSkipped))"),
                        ("time", seconds(results.map(\.duration).reduce(.zero, +))),
                    ]) + "\n"
            text += properties(report, results[0].initName)
            for result in results { text += testCase(result) }
            text += "  </testsuite>\n"
        }
        if !report.unexpectedPasses.isEmpty {
            let count = report.unexpectedPasses.count
            text +=
                "  "
                + element("testsuite", [("name", "known failures"), ("tests", "\(count)"), ("failures", "\(count)")])
                + "\n"
            for pass in report.unexpectedPasses {
                text +=
                    "    "
                    + element("testcase", [("name", "\(pass.initName) \(pass.row)"), ("classname", "known failures")])
                text += element("failure", [("message", pass.sentence)], isEmpty: true) + "</testcase>\n"
            }
            text += "  </testsuite>\n"
        }
        return text + "</testsuites>\n"
    }

    private func properties(_ report: RunReport, _ initName: String) -> String {
        var list = [
            ("harness.version", options.version), ("harness.witness", "\(report.witness)"),
            ("harness.speed", "\(report.speed)"),
        ]
        if let version = options.versions[initName] {
            list.append(("init.version", version))
        }
        if let note = report.noteOfInterruption { list.append(("harness.interrupted", note)) }
        return "    <properties>\n"
            + list.filter { !$0.1.isEmpty }.map {
                "      " + element("property", [("name", $0.0), ("value", $0.1)], isEmpty: true) + "\n"
            }
            .joined() + "    </properties>\n"
    }

    private func testCase(_ result: RunResult) -> String {
        let place = result.scenario.place
        let head = element(
            "testcase",
            [
                ("name", result.scenario.title), ("classname", "\(result.subject).\(result.scenario.theme)"),
                ("file", place.file), ("line", "\(place.line)"), ("time", seconds(result.duration)),
            ])
        let body: String
        switch result.verdict {
        case .passed: return "    " + head.dropLast() + "/>\n"
        case .flaky(let failures) where !result.isBad:
            let message = failures.first.map { "\($0.expected): \($0.observed)" } ?? ""
            body =
                element("flakyFailure", [("message", message.bounded), ("type", "expectation")])
                + JUnitReport.escaped(result.details) + "</flakyFailure>"
        case .failed where result.known != nil:
            body = element("skipped", [("message", "known failure: \(result.known?.reason ?? "")")], isEmpty: true)
        case .notApplicable(let reason): body = element("skipped", [("message", reason)], isEmpty: true)
        case .error(let reason): body = element("error", [("message", reason.bounded)], isEmpty: true)
        case .failed(let failures), .flaky(let failures):
            let message = failures.first.map { "\($0.expected): \($0.observed)" } ?? ""
            body =
                element("failure", [("message", message.bounded), ("type", "expectation")])
                + JUnitReport.escaped(result.details)
                + "</failure>"
        }
        return "    \(head)\n      \(body)\n    </testcase>\n"
    }

    private func element(_ name: String, _ attributes: [(String, String)], isEmpty: Bool = false) -> String {
        "<\(name)" + attributes.map { " \($0.0)=\"\(JUnitReport.escaped($0.1))\"" }.joined() + (isEmpty ? "/>" : ">")
    }

    private func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.inMilliseconds.rounded()
        return "\(milliseconds / 1000)"
    }

    /// What XML 1.0 cannot hold, control characters and half of a pair, is replaced.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            case "\t": result += "&#9;"
            default:
                let isAllowed =
                    scalar.value >= 0x20 && !(0x202A...0x202E).contains(scalar.value)
                    && !(0x2066...0x2069).contains(scalar.value)
                    && scalar.value != 0xFFFE && scalar.value != 0xFFFF
                    && !(0x7F...0x9F).contains(scalar.value)
                result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
            }
        }
        return result
    }
}

extension RunResult {
    /// Not run, or known to fail.
    fileprivate var isSkipped: Bool {
        switch verdict {
        case .notApplicable: true
        case .failed: known != nil
        case .passed, .flaky, .error: false
        }
    }
}
