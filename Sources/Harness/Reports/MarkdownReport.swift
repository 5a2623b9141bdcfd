import Expectations
import Model
import Vocabulary

/// The report as a page: inits against themes, inits against rows, and why what failed has failed.
public struct MarkdownReport: Reporter {
    public static let name = "markdown"
    public static let summary = "a page: the matrix, and what failed"
    public static let needsVersions = true

    /// An init's version, by its name.
    private let versions: [String: String]
    /// As it is to be written: `2026-11-21`.
    private let date: String
    /// A line about the machine.
    private let machine: String

    public init(_ options: ReportOptions) {
        self.init(versions: options.versions, date: options.date, machine: options.machine)
    }

    public init(versions: [String: String], date: String, machine: String) {
        self.versions = versions
        self.date = date
        self.machine = machine
    }

    public func text(_ report: RunReport) -> String {
        let counts = report.counts
        var result = """
            # Inits against behaviours

            Made by `make matrix` on \(date), \(machine). \(counts.passed) passed, \(counts.failed) failed, \(counts.known) known to fail, \(counts.notApplicable) not \
            applicable\(counts.errors > 0 ? ", \(counts.errors) errors" : ""). Witness: \(plain("\(report.witness)".printable)).

            A cell is how many of the scenarios that apply an init has passed ([BEHAVIOURS.md](BEHAVIOURS.md)); n/a: none applies. That an init fails a row is a statement about it, not always a
            fault.

            """
        if let note = report.noteOfInterruption { result += "\n**\(note)**\n" }
        let runtimes = Runtime.allCases.filter { runtime in
            report.results.contains { $0.scenario.runtime == nil && $0.runtime == runtime }
        }
        if runtimes.count > 1 { return result + byRuntime(report, runtimes) + notRun(report) }
        result += "\n## By theme\n\n"
        let themes = Matrix(report.results) { $0.scenario.theme }
        result += row(["init", "version"] + themes.keys)
        result += row(Array(repeating: "---", count: themes.keys.count + 2))
        for name in themes.columns {
            result += row([name, versions[name] ?? ""] + themes.keys.map { themes.cell($0, name).text })
        }
        result += "\n## By row\n\n"
        let rows = Matrix(report.results) { $0.scenario.row }
        result += row(["row"] + rows.columns)
        result += row(Array(repeating: "---", count: rows.columns.count + 1))
        for key in rows.keys { result += row([key] + rows.columns.map { rows.cell(key, $0).text }) }
        result += "\n## What failed\n\n"
        var left: [String: Int] = [:]
        for entry in report.results where entry.hasFailed { left[key(entry), default: 0] += 1 }
        // The first of each init and row, and how many there are besides.
        for entry in report.results where entry.hasFailed {
            guard let count = left.removeValue(forKey: key(entry)) else { continue }
            result += failure(entry) + (count > 1 ? " (and \(count - 1) more)" : "") + "\n"
        }
        return result + notRun(report)
    }

    private func notRun(_ report: RunReport) -> String {
        if report.skipped.isEmpty { return "" }
        return "\n## What was not run\n\n" + report.skipped.map { "- \($0.name): \($0.reason)\n" }.joined()
    }

    /// How many each init has passed on each runtime, and in which rows that depends on the runtime. Scenarios that name a runtime are about
    /// that one, and left out.
    private func byRuntime(_ report: RunReport, _ runtimes: [Runtime]) -> String {
        let results = report.results.filter { $0.scenario.runtime == nil }
        let columns = runtimes.map(\.rawValue)
        let whole = Matrix(results, by: \.initName, column: \.runtime.rawValue)
        var text = "\n## By runtime\n\n" + row(["init", "version"] + columns)
        text += row(Array(repeating: "---", count: columns.count + 2))
        for name in whole.keys {
            text += row([name, versions[name] ?? ""] + columns.map { whole.cell(name, $0).text })
        }
        text += "\n## Where the runtime makes the difference\n\n"
        let rows = Matrix(results, by: RowOfInit.init, column: \.runtime.rawValue)
        text += row(["row", "inits"] + columns) + row(Array(repeating: "---", count: columns.count + 2))
        // Inits with the same counts share a line.
        var lines: [(row: String, cells: [String], inits: [String])] = []
        for key in rows.keys {
            let cells = columns.map { rows.cell(key, $0).text }
            guard Set(cells).count > 1 else { continue }
            if let place = lines.firstIndex(where: { $0.row == key.row && $0.cells == cells }) {
                lines[place].inits.append(key.initName)
            } else {
                lines.append((key.row, cells, [key.initName]))
            }
        }
        for line in lines { text += row([line.row, line.inits.joined(separator: ", ")] + line.cells) }
        let errors = results.filter { if case .error = $0.verdict { true } else { false } }
        if !errors.isEmpty { text += "\n## Errors\n\n" + errors.map { failure($0) + "\n" }.joined() }
        return text
    }

    private struct RowOfInit: Hashable {
        let row: String
        let initName: String

        init(_ result: RunResult) { (row, initName) = (result.scenario.row, result.initName) }
    }

    private func row(_ cells: [String]) -> String {
        "| " + cells.map { $0.printable.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }

    private func key(_ entry: RunResult) -> String { "\(entry.subject) \(entry.scenario.row)" }

    private func failure(_ entry: RunResult) -> String {
        switch entry.verdict {
        case .failed(let failures):
            guard let first = failures.first else { return "" }
            return
                "- \(entry.subject), \(entry.scenario.row.printable), \(entry.scenario.title.printable): `\(first.expected.bounded)`; \(plain(first.observed.bounded))"
        case .error(let reason):
            return
                "- \(entry.subject), \(entry.scenario.row.printable), \(entry.scenario.title.printable): error: \(plain(reason.bounded.printable))"
        case .passed, .flaky, .notApplicable: return ""
        }
    }

    /// What is no markup, on one line.
    private func plain(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\n", "\r", "\t": result += " "
            case "*", "_", "`", "<", "[", "|", "\\": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }
}
