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
        if report.speed != 1 {
            result +=
                "up to \(report.speed) times faster: the runtime's clocks and the fakes'; real programs, and what waits for them, run as ever\n\n"
        }
        if detail != .quiet { result += failures(report) + notes(report) }
        if detail == .verbose { result += journals(report) }
        result += matrix(report)
        result += notApplicable(report)
        for skipped in report.skipped { result += "skipped  \(skipped.name): \(skipped.reason)\n" }
        return result + summary(report)
    }

    // MARK: - Failures

    private func failures(_ report: RunReport) -> String {
        var result = ""
        var shown: [String: Int] = [:]
        for entry in report.results {
            let key = "\(entry.subject) \(entry.scenario.row)"
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
            var result =
                "\(paint("FAILED", .red))  \(paint(entry.subject, .bold)): \(scenario.title.printable)  (\(place))\n"
            result += whoIsFirst(entry)
            for limit in entry.limitsMet { result += "  limit     \(limit.printable)\n" }
            for line in scenario.summary.split(separator: "\n") { result += paint("  # \(line)", .dim) + "\n" }
            for failure in failures {
                result += "  \(failure.place.file):\(failure.place.line)\n"
                result += "    expected  \(failure.expected)\n"
                result += "    observed  \(failure.observed)\n"
                for line in failure.evidence { result += paint("      \(line)", .dim) + "\n" }
            }
            return result + "\n"
        case .error(let reason):
            return
                "\(paint("ERROR", .magenta))  \(paint(entry.subject, .bold)): \(scenario.title.printable)  (\(place))\n"
                + "\(whoIsFirst(entry))    \(reason.printable)\n\n"
        case .passed, .notApplicable: return ""
        }
    }

    /// PID 1's command line, and whether an init is in front of the scenario's own.
    private func whoIsFirst(_ entry: RunResult) -> String {
        if entry.command.isEmpty { return "" }
        let command = Spelling.command(entry.command).printable
        let shown = command.count > 120 ? "\(command.prefix(120))…" : command
        // In a PID namespace that is shared it is not PID 1.
        let role = entry.scenario.sharesProcesses ? "command" : "PID 1  "
        return "  \(role)   \(shown)\(entry.initName == "none" ? "  (the scenario's own command, no init)" : "")\n"
    }

    /// How many reasons for not being applicable are shown at most.
    private static let reasonsShown = 8

    /// Why scenarios did not apply, the commonest first.
    private func notApplicable(_ report: RunReport) -> String {
        var counts: [String: Int] = [:]
        for entry in report.results {
            if case .notApplicable(let reason) = entry.verdict {
                counts["\(entry.subject): \(reason)", default: 0] += 1
            }
        }
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let limit = detail == .verbose ? sorted.count : HumanReport.reasonsShown
        var result = sorted.prefix(limit).map { "n/a  \($0.value) × \($0.key)\n" }.joined()
        if sorted.count > limit { result += "n/a  … and \(sorted.count - limit) more reasons; --verbose shows them\n" }
        return result.isEmpty ? "" : result + "\n"
    }

    /// The tables of sweeps that passed; those of the others are in what failed.
    private func notes(_ report: RunReport) -> String {
        var result = ""
        for entry in report.results where !entry.notes.isEmpty && !entry.isBad {
            result += "\(paint("SWEPT", .green))  \(paint(entry.subject, .bold)): \(entry.scenario.title)\n"
            for line in entry.notes { result += "      \(line.printable)\n" }
            result += "\n"
        }
        return result
    }

    private func journals(_ report: RunReport) -> String {
        var result = ""
        for entry in report.results where !entry.journal.events.isEmpty || !entry.parts.isEmpty {
            result += "\(paint("JOURNAL", .bold))  \(entry.subject): \(entry.scenario.title.printable)\n"
            for line in entry.journalLines { result += "  \(line)\n" }
            result += "\n"
        }
        return result
    }

    // MARK: - Matrix

    /// With more inits than these the table is turned: inits against themes.
    private static let initsAbreast = 8

    /// Behaviours against a few inits, or many inits against themes; a cell is a verdict, or how many of several passed.
    private func matrix(_ report: RunReport) -> String {
        let rows = Matrix(report.results) { $0.scenario.row }
        guard !rows.keys.isEmpty else { return "" }
        if rows.columns.count > HumanReport.initsAbreast {
            let themes = Matrix(report.results) { $0.scenario.theme }
            return table(themes.columns, themes.keys) { themes.cell($1, $0) } + "\n"
        }
        var titles: [String: String] = [:]
        for result in report.results where titles[result.scenario.row] == nil {
            titles[result.scenario.row] = result.scenario.title
        }
        return table(rows.keys, rows.columns, notes: titles) { rows.cell($0, $1) } + "\n"
    }

    private func table(
        _ lines: [String], _ columns: [String], notes: [String: String] = [:],
        cell: (String, String) -> Matrix<String>.Cell
    ) -> String {
        let lineWidth = max(4, lines.map(\.count).max() ?? 0)
        let widths = columns.map { max($0.count, 7) }
        var result = pad("", lineWidth)
        for (name, width) in zip(columns, widths) { result += "  " + paint(pad(name, width), .bold) }
        result += "\n"
        for line in lines {
            result += pad(line, lineWidth)
            for (name, width) in zip(columns, widths) {
                let cell = cell(line, name)
                result += "  " + paint(pad(cell.text, width), colour(of: cell))
            }
            if lineWidth < 8, let note = notes[line] { result += "  " + paint(note, .dim) }
            result += "\n"
        }
        return result
    }

    private func colour(of cell: Matrix<String>.Cell) -> Colour {
        if cell.applicable == 0 { return .dim }
        if cell.errors > 0 { return .magenta }
        return cell.failed == 0 ? .green : .red
    }

    private func summary(_ report: RunReport) -> String {
        let counts = report.counts
        var result = "\(counts.passed) passed, \(counts.failed) failed, \(counts.notApplicable) not applicable"
        if counts.errors > 0 { result += ", \(counts.errors) error\(counts.errors == 1 ? "" : "s")" }
        result += "  (\(report.duration.rounded), \(report.jobs) at a time)\n"
        if let note = report.noteOfInterruption { result += note + "\n" }
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
