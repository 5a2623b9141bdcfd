import Causes
import Expectations
import Journal
import Model
import Vocabulary

/// The report for people: of one init the causes of what failed, each with a picture; of several the matrix. What the reader does
/// next comes last.
public struct HumanReport: Reporter {
    public static let name = "human"
    public static let summary = "for people"

    /// How much is said: sums alone, what the reader does next, or everything.
    public enum Detail: Sendable {
        case quiet, normal, verbose
    }

    private let style: TerminalStyle
    private let detail: Detail
    /// The command that runs again what failed; nil: there is none.
    private let again: String?
    /// The folder of the suite.
    private let suite: String?
    private let peers: [Peer]

    public init(_ options: ReportOptions) {
        self.init(
            style: options.style, detail: options.detail, again: options.again, suite: options.suite,
            peers: options.peers)
    }

    public init(
        style: TerminalStyle = TerminalStyle(), detail: Detail = .normal, again: String? = nil, suite: String? = nil,
        peers: [Peer] = []
    ) {
        (self.style, self.detail, self.again, self.suite, self.peers) = (style, detail, again, suite, peers)
    }

    public func text(_ report: RunReport) -> String {
        var result = ""
        if report.speed != 1 {
            result +=
                "up to \(report.speed) times faster: the runtime's clocks and the fakes'; real programs, and what waits for them, run as ever\n\n"
        }
        let subjects = report.subjects
        // A few failures are shown in full, however many inits there are.
        let isAbreast = subjects.count > 1
        let isBrief = isAbreast && report.results.count(where: \.isBad) > HumanReport.picturesOfAlone
        if detail == .verbose { result += journals(report) }
        if detail != .quiet {
            let findings = report.findings
            if !isBrief || detail == .verbose {
                for one in findings { result += pictures(one, isNamed: isAbreast) }
                if findings.contains(where: { !$0.causes.isEmpty || !$0.alone.isEmpty }) {
                    result += style.paint(style.cut(TextTimeline.legend(glyphs)), .dim)
                    result += isAbreast ? "\n\n" : "\n"
                }
                result += sweeps(report)
            }
            if isAbreast { result += matrix(report) }
            result += isBrief ? briefly(findings) : failedPlaces(report)
            result += shared(report) + known(report) + flaky(report) + notApplicable(report)
        }
        for pass in report.unexpectedPasses {
            result += "\(style.paint("PASSED", .red))  \(pass.sentence) (\(pass.place.file):\(pass.place.line))\n"
        }
        result += skipped(report) + summary(report)
        return style.shown(result)
    }

    // MARK: - Causes and failures

    /// How many failures that no cause explains are drawn; the others have a line each.
    private static let picturesOfAlone = 4
    /// How many proofs are listed under a picture, of a cause and of a failure, and how many rows it has.
    private static let proofsShown = (ofCause: 3, ofFailure: 6, verbose: 40)
    private static let rowsShown = (ofCause: 5, ofFailure: 9)

    private var glyphs: TextTimeline.Glyphs { style.isUnicode ? .unicode : .ascii }

    private func pictures(_ findings: Findings, isNamed: Bool) -> String {
        var result = ""
        let subject = isNamed ? style.paint(findings.subject, .bold) + ": " : ""
        let isOne = findings.causes.count == 1
        let explained = findings.causes.map(\.results.count).reduce(0, +)
        if !findings.causes.isEmpty {
            let head = "\(explained) failed for \(isOne ? "one reason" : "\(findings.causes.count) reasons")"
            result += subject + style.paint(head, .bold) + "\n\n"
        }
        for (number, (found, results)) in findings.causes.enumerated() {
            result += style.wrapped(found.sentence, indent: 3, first: style.paint("\(number + 1)", .red) + "  ")
            // The shortest story tells it best.
            let example = results.indices.min { results[$0].eventCount < results[$1].eventCount } ?? 0
            if results.count > 1 {
                result += style.wrapped("\(results.count) failed: \(HumanReport.rows(results))", indent: 3)
            }
            result += failures(results[example], areAllShown: results.count == 1)
            let proofs = found.proofs[found.runs[example]] ?? []
            result += picture(results[example], proofs.map { Evidence($0) }, isOfCause: true)
            result += style.wrapped("try: \(found.cause.remedy)", indent: 3) + "\n"
        }
        let alone = findings.alone
        for (number, result_) in alone.enumerated() {
            let isDrawn = detail == .verbose || number < HumanReport.picturesOfAlone
            result += block(result_, isDrawn: isDrawn)
        }
        return result
    }

    /// One of the runs that a cause explains: what was expected of it, and what was so.
    private func failures(_ entry: RunResult, areAllShown: Bool) -> String {
        guard case .failed(let failures) = entry.verdict else { return "" }
        let place = "\(shortName(entry.scenario.place.file)):\(entry.scenario.place.line)"
        if areAllShown {
            return style.wrapped("\(place)  \(entry.scenario.title.printable)", indent: 3)
                + entry.limitsMet.map { style.wrapped("limit: \($0)", indent: 3) }.joined()
                + failures.map { failure in
                    style.wrapped(
                        "\(failure.expected.bounded): \(failure.observed.bounded)", indent: 8,
                        first: "   line \(failure.place.line)  ")
                }.joined()
        }
        return failures.prefix(1).map { failure in
            style.cut("   \(place)  \(failure.expected): \(failure.observed)") + "\n"
        }.joined()
    }

    /// "SF03 (2), SF04, SF05".
    static func rows(_ results: [RunResult]) -> String {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for result in results {
            if counts[result.scenario.row] == nil { order.append(result.scenario.row) }
            counts[result.scenario.row, default: 0] += 1
        }
        return order.map { row in
            let count = counts[row] ?? 1
            return row.printable + (count > 1 ? " (\(count))" : "")
        }.joined(separator: ", ")
    }

    private func place(_ entry: RunResult) -> String { "\(entry.scenario.place.file):\(entry.scenario.place.line)" }

    func picture(_ entry: RunResult, _ evidence: [Evidence], isOfCause: Bool) -> String {
        var result = ""
        let limits = HumanReport.proofsShown
        let limit = detail == .verbose ? limits.verbose : isOfCause ? limits.ofCause : limits.ofFailure
        let shown = Array(evidence.prefix(limit))
        let margin = "   "
        if let timeline = Timeline(entry) ?? entry.examples.first.flatMap(Timeline.init) {
            let rows = HumanReport.rowsShown
            let drawn = TextTimeline(
                timeline: timeline, width: style.width - margin.count, glyphs: glyphs,
                rowLimit: isOfCause ? rows.ofCause : rows.ofFailure)
            for line in drawn.lines(evidence: shown.map(\.event)) { result += margin + line + "\n" }
        }
        for (number, line) in entry.lines(of: shown).enumerated() {
            result += style.paint(style.cut("\(margin)\(TextTimeline.digit(number)) \(line)"), .dim) + "\n"
        }
        if evidence.count > shown.count {
            result += style.paint("\(margin)  and \(evidence.count - shown.count) more like these", .dim) + "\n"
        }
        return result
    }

    private func block(_ entry: RunResult, isDrawn: Bool) -> String {
        let head = "\(style.paint(entry.subject, .bold)): \(entry.scenario.title.printable)  (\(place(entry)))\n"
        switch entry.verdict {
        case .failed(let failures), .flaky(let failures):
            let word = if case .flaky = entry.verdict { "FLAKY" } else { "FAILED" }
            var result = "\(style.paint(word, .red))  \(head)"
            result += whoIsFirst(entry)
            for limit in entry.limitsMet { result += "  limit     \(limit)\n" }
            if isDrawn {
                for line in entry.scenario.summary.printableLines {
                    result += style.paint("  # \(line)", .dim) + "\n"
                }
            }
            for failure in isDrawn ? failures[...] : failures.prefix(1) {
                result += "  \(failure.place.file):\(failure.place.line)\n"
                result += "    expected  \(failure.expected.bounded)\n"
                result += "    observed  \(failure.observed.bounded)\n"
            }
            if !isDrawn { return result + "\n" }
            for lines in entry.linesOfSweeps { result += style.paint("      \(lines)", .dim) + "\n" }
            var seen: Set<Evidence> = []
            let evidence = failures.flatMap(\.evidence).filter { seen.insert($0).inserted }
            return result + picture(entry, evidence.sorted { $0.event.instant < $1.event.instant }, isOfCause: false)
                + "\n"
        case .error(let reason):
            return "\(style.paint("ERROR", .magenta))  \(head)\(whoIsFirst(entry))    \(reason.bounded.printable)\n\n"
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

    /// What failed, a line for each file with the lines of its scenarios: as `harness run` takes it.
    private func failedPlaces(_ report: RunReport) -> String {
        let bad = report.results.filter(\.isBad)
        if bad.isEmpty { return "" }
        var files: [String] = []
        var lines: [String: [Int]] = [:]
        for result in bad {
            let place = result.scenario.place
            if lines[place.file] == nil { files.append(place.file) }
            if lines[place.file]?.contains(place.line) != true { lines[place.file, default: []].append(place.line) }
        }
        let names = files.sorted().map { file in
            "\(shortName(file)):\((lines[file] ?? []).sorted().map(String.init).joined(separator: ","))"
        }
        return style.wrapped(names.joined(separator: " "), indent: 8, first: style.paint("failed", .red) + "  ")
    }

    /// A file of the suite by its name alone, as `harness run` takes it; any other by its path.
    private func shortName(_ file: String) -> String {
        guard let suite, file.hasPrefix(suite + "/"), file.hasSuffix(".scenario") else { return file }
        return String((file.split(separator: "/").last ?? "").dropLast(".scenario".count))
    }

    // MARK: - Several inits

    /// How many lines the failures of several inits have at most.
    private static let briefLimit = 40

    /// A line for each init that has failed something: the rows, by cause.
    private func briefly(_ findings: [Findings]) -> String {
        let width = findings.map(\.subject.count).max() ?? 0
        let lines = findings.map { one -> String in
            let count = one.alone.count + one.causes.map(\.results.count).reduce(0, +)
            let alone = one.alone.isEmpty ? [] : [HumanReport.rows(one.alone)]
            let parts = one.causes.map { "\($0.found.cause.id): \(HumanReport.rows($0.results))" } + alone
            let name = one.subject + String(repeating: " ", count: width - one.subject.count)
            return style.cut("\(name)  \(count): \(parts.joined(separator: "; "))") + "\n"
        }
        let shown = detail == .verbose ? lines.count : HumanReport.briefLimit
        var result = lines.prefix(shown).joined()
        if lines.count > shown { result += "and \(lines.count - shown) more\n" }
        return result.isEmpty ? "" : result + "\n"
    }

    /// With more scenarios than these, sweeps that passed are no news.
    private static let fewResults = 5

    /// The tables of sweeps that passed; those of the others are in what failed.
    private func sweeps(_ report: RunReport) -> String {
        guard detail == .verbose || report.results.count <= HumanReport.fewResults else { return "" }
        var result = ""
        for entry in report.results where !entry.sweeps.isEmpty && !entry.isBad {
            result +=
                "\(style.paint("SWEPT", .green))  \(style.paint(entry.subject, .bold)): \(entry.scenario.title.printable)\n"
            for line in entry.sweeps.flatMap(\.table) { result += style.wrapped(line, indent: 6) }
            result += "\n"
        }
        return result
    }

    private func journals(_ report: RunReport) -> String {
        var result = ""
        for entry in report.results where !entry.journal.events.isEmpty || !entry.parts.isEmpty {
            result += "\(style.paint("JOURNAL", .bold))  \(entry.subject): \(entry.scenario.title.printable)\n"
            for line in entry.journalLines { result += "  \(line)\n" }
            result += "\n"
        }
        return result
    }

    // MARK: - Matrix

    /// With more inits than these the table is turned: inits against themes.
    private static let initsAbreast = 8

    /// Themes against a few inits, or many inits against themes; a cell is a verdict, or how many of several passed.
    private func matrix(_ report: RunReport) -> String {
        let themes = Matrix(report.results) { $0.scenario.theme }
        guard !themes.keys.isEmpty else { return "" }
        if themes.columns.count > HumanReport.initsAbreast {
            return table(themes.columns, themes.keys) { themes.cell($1, $0) } + "\n"
        }
        return table(themes.keys, themes.columns) { themes.cell($0, $1) } + "\n"
    }

    private func table(
        _ lines: [String], _ columns: [String], cell: (String, String) -> Matrix<String>.Cell
    ) -> String {
        let lineWidth = max(4, lines.map(\.count).max() ?? 0)
        let widths = columns.map { max($0.count, 7) }
        var result = pad("", lineWidth)
        for (name, width) in zip(columns, widths) { result += "  " + style.paint(pad(name, width), .bold) }
        result += "\n"
        for line in lines {
            result += pad(line, lineWidth)
            for (name, width) in zip(columns, widths) {
                let cell = cell(line, name)
                result += "  " + style.paint(pad(cell.text, width), colour(of: cell))
            }
            result += "\n"
        }
        return result
    }

    private func colour(of cell: Matrix<String>.Cell) -> TerminalStyle.Colour {
        if cell.applicable == 0 { return .dim }
        if cell.errors > 0 { return .magenta }
        return cell.failed == 0 ? .green : .red
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    // MARK: - The end

    /// How many reasons for not being applicable are shown at most.
    private static let reasonsShown = 3

    /// Why scenarios did not apply, the commonest first.
    private func notApplicable(_ report: RunReport) -> String {
        var counts: [String: Int] = [:]
        // Once: there are very many results.
        let isAbreast = report.subjects.count > 1
        for entry in report.results {
            if case .notApplicable(let reason) = entry.verdict {
                counts[(isAbreast ? "\(entry.subject): " : "") + reason.printable, default: 0] += 1
            }
        }
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        if detail == .verbose { return sorted.map { "n/a  \($0.value) × \($0.key)\n" }.joined() + "\n" }
        let shown = sorted.prefix(HumanReport.reasonsShown).map { "\($0.value) × \($0.key)" }
        let rest = sorted.dropFirst(HumanReport.reasonsShown).map(\.value).reduce(0, +)
        if shown.isEmpty { return "" }
        return style.cut(
            "n/a  " + (shown + (rest > 0 ? ["\(rest) for other reasons (--verbose)"] : [])).joined(separator: "; "))
            + "\n"
    }

    /// What inits that are right but for a few rows fail, too.
    private func shared(_ report: RunReport) -> String {
        let isAbreast = report.subjects.count > 1
        // Where there is no init, none is its peer.
        let bad = report.results.filter { $0.initName != "none" && $0.failuresThatCount != nil }
        return bad.bySubject.compactMap { subject, own in
            peers.sentence(of: own).map {
                style.wrapped(isAbreast ? "\(subject): \($0)" : $0, indent: 7, first: "peers  ")
            }
        }.joined()
    }

    /// What is known to fail, and has, a line for each init.
    private func known(_ report: RunReport) -> String {
        var result = ""
        let known = report.results.filter { result in
            if case .failed = result.verdict { result.known != nil } else { false }
        }
        for (subject, own) in known.bySubject {
            let reasons = Set(own.compactMap(\.known?.reason)).filter { !$0.isEmpty }.sorted().joined(separator: "; ")
            let line =
                "known  \(subject): \(HumanReport.rows(own))" + (reasons.isEmpty ? "" : " (\(reasons.printable))")
            result += style.cut(line) + "\n"
        }
        return result
    }

    /// What has failed and passed, each with how it failed.
    private func flaky(_ report: RunReport) -> String {
        report.results.compactMap { entry -> String? in
            guard case .flaky(let failures) = entry.verdict, let failure = failures.first else { return nil }
            return style.cut("flaky  \(entry.name): \(failure.expected): \(failure.observed)") + "\n"
        }.joined()
    }

    private func skipped(_ report: RunReport) -> String {
        report.skipped.map { "skipped  \($0.name): \($0.reason)\n" }.joined()
    }

    private func summary(_ report: RunReport) -> String {
        let counts = report.counts
        var result = "witness: \("\(report.witness)".printable)\n"
        result += "\(counts.passed) passed, "
        result += counts.failed > 0 ? style.paint("\(counts.failed) failed", .red) : "\(counts.failed) failed"
        if counts.known > 0 { result += ", \(counts.known) known to fail" }
        if counts.flaky > 0 { result += ", \(style.paint("\(counts.flaky) flaky", .magenta))" }
        result += ", \(counts.notApplicable) not applicable"
        if counts.errors > 0 { result += ", \(counts.errors) error\(counts.errors == 1 ? "" : "s")" }
        result += "  (\(report.duration.rounded), \(report.jobs) at a time)\n"
        if let change = report.change {
            result += style.wrapped(change.sentence, indent: 9, first: "")
        }
        if let note = report.noteOfInterruption { result += note + "\n" }
        if let again, report.results.contains(where: \.isBad) { result += "again: \(again)\n" }
        return result
    }
}

extension Change {
    /// "against old.jsonl: 2 worse, 1 better (SF03), 5 still fail"
    var sentence: String {
        func named(_ count: String, _ results: [RunResult]) -> String {
            results.isEmpty ? count : "\(count) (\(HumanReport.rows(results)))"
        }
        var parts = ["\(worse) worse", named("\(better.count) better", better), "\(same) still fail"]
        if !lost.isEmpty { parts.append(named("\(lost.count) no longer apply", lost)) }
        if added > 0 { parts.append("\(added) new") }
        return "against \(name.printable): \(parts.joined(separator: ", "))"
    }
}
