import Expectations
import Journal
import Model
import Vocabulary

/// The report for people: each failure with its evidence, the matrix, the sums.
public struct HumanReport: Sendable {
    public enum Detail: Sendable {
        case quiet, normal, verbose
    }

    private let isColoured: Bool
    private let detail: Detail
    /// Failures of one init and one row beyond these are counted, not shown.
    private static let failuresShownPerRow = 2

    public init(isColoured: Bool, detail: Detail) {
        self.isColoured = isColoured
        self.detail = detail
    }

    public func text(_ report: RunReport) -> String {
        var result = ""
        if detail != .quiet { result += failures(report) }
        if detail == .verbose { result += journals(report) }
        result += matrix(report)
        for skipped in report.skipped { result += "skipped  \(skipped.name): \(skipped.reason)\n" }
        return result + summary(report)
    }

    // MARK: - Failures

    private func failures(_ report: RunReport) -> String {
        var result = ""
        var shown: [String: Int] = [:]
        for entry in report.results {
            let key = "\(entry.initName) \(entry.scenario.row)"
            switch entry.verdict {
            case .passed, .notApplicable: continue
            case .failed, .error:
                shown[key, default: 0] += 1
                if shown[key, default: 0] <= HumanReport.failuresShownPerRow { result += block(entry) }
            }
        }
        for (key, count) in shown.sorted(by: { $0.key < $1.key }) where count > HumanReport.failuresShownPerRow {
            result += "… and \(count - HumanReport.failuresShownPerRow) more of \(key)\n\n"
        }
        return result
    }

    private func block(_ entry: RunResult) -> String {
        let scenario = entry.scenario
        let place = "\(scenario.place.file):\(scenario.place.line)"
        switch entry.verdict {
        case .failed(let failures):
            var result = "\(paint("FAILED", .red))  \(paint(entry.initName, .bold)): \(scenario.title)  (\(place))\n"
            for failure in failures {
                result += "  \(failure.place.file):\(failure.place.line)\n"
                result += "    expected  \(failure.expected)\n"
                result += "    observed  \(failure.observed)\n"
                for line in failure.evidence { result += paint("      \(line)", .dim) + "\n" }
            }
            return result + "\n"
        case .error(let reason):
            return
                "\(paint("ERROR", .magenta))  \(paint(entry.initName, .bold)): \(scenario.title)  (\(place))\n    \(reason)\n\n"
        case .passed, .notApplicable: return ""
        }
    }

    private func journals(_ report: RunReport) -> String {
        var result = ""
        for entry in report.results where !entry.journal.events.isEmpty {
            result += "\(paint("JOURNAL", .bold))  \(entry.initName): \(entry.scenario.title)\n"
            let view = JournalView(entry.journal)
            for event in entry.journal.events { result += "  \(view.line(event))\n" }
            result += "\n"
        }
        return result
    }

    // MARK: - Matrix

    /// Behaviours against inits; a cell is a verdict, or how many of several scenarios passed.
    private func matrix(_ report: RunReport) -> String {
        var rows: [String] = []
        var inits: [String] = []
        var cells: [String: [RunResult]] = [:]
        var titles: [String: String] = [:]
        for result in report.results {
            let row = result.scenario.row
            if titles[row] == nil {
                rows.append(row)
                titles[row] = result.scenario.title
            }
            if !inits.contains(result.initName) { inits.append(result.initName) }
            cells["\(row)\u{0}\(result.initName)", default: []].append(result)
        }
        guard !rows.isEmpty else { return "" }
        let rowWidth = max(4, rows.map(\.count).max() ?? 0)
        let widths = inits.map { max($0.count, 7) }
        var result = pad("", rowWidth)
        for (name, width) in zip(inits, widths) { result += "  " + paint(pad(name, width), .bold) }
        result += "\n"
        for row in rows {
            result += pad(row, rowWidth)
            for (name, width) in zip(inits, widths) {
                let (text, colour) = cell(cells["\(row)\u{0}\(name)"] ?? [])
                result += "  " + paint(pad(text, width), colour)
            }
            if rowWidth < 8 { result += "  " + paint(titles[row] ?? "", .dim) }
            result += "\n"
        }
        return result + "\n"
    }

    private func cell(_ results: [RunResult]) -> (String, Colour) {
        let applicable = results.filter { if case .notApplicable = $0.verdict { false } else { true } }
        if results.isEmpty { return ("", .none) }
        if applicable.isEmpty { return ("n/a", .dim) }
        if applicable.contains(where: { if case .error = $0.verdict { true } else { false } }) {
            return ("error", .magenta)
        }
        let passed = applicable.count { $0.verdict == .passed }
        if applicable.count == 1 { return passed == 1 ? ("pass", .green) : ("FAIL", .red) }
        return ("\(passed)/\(applicable.count)", passed == applicable.count ? .green : .red)
    }

    private func summary(_ report: RunReport) -> String {
        let counts = report.counts
        var result = "\(counts.passed) passed, \(counts.failed) failed, \(counts.notApplicable) not applicable"
        if counts.errors > 0 { result += ", \(counts.errors) error\(counts.errors == 1 ? "" : "s")" }
        result += "  (\(report.duration.rounded), \(report.jobs) at a time)\n"
        return result + "witness: \(report.witness)\n"
    }

    // MARK: - Letters

    private enum Colour: String {
        case none = ""
        case red = "31"
        case green = "32"
        case magenta = "35"
        case dim = "2"
        case bold = "1"
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        isColoured && colour != .none ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
