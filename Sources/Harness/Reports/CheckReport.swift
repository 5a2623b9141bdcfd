import Causes
import Expectations
import FoundationEssentials
import Journal
import Model
import Vocabulary

/// What `harness check` has found: a line for each check, then for each that is not good what happened, what it does, and what to change.
package struct CheckReport: Sendable {
    /// What was checked.
    package let name: String
    /// PID 1's command line.
    package let command: [String]
    /// What showed that it was ready.
    package let readiness: String
    /// How it ended when it was stopped; nil: it was not.
    package let stop: String?
    /// In the order of the table.
    package let entries: [CheckEntry]
    /// Everything that was run: every other report can be made of it.
    package let run: RunReport
    /// Why it does not start; nil: it does.
    package var diagnosis: Diagnosis?

    package init(
        name: String, command: [String], readiness: String, stop: String?, entries: [CheckEntry], run: RunReport
    ) {
        (self.name, self.command, self.readiness, self.stop) = (name, command, readiness, stop)
        (self.entries, self.run) = (entries, run)
    }

    /// Something that would be harmful could not be tried.
    package var hasErrors: Bool {
        entries.contains { entry in
            if case .error = entry.answer { entry.item.weight == .harmful } else { false }
        }
    }

    /// Nothing harmful was found.
    package var isGood: Bool { !entries.contains(where: \.isHarmful) }

    /// What explains what failed: a cause that its events prove; nil: none is known.
    private func cause(of entry: CheckEntry) -> FoundCause? {
        for result in entry.results.flatMap({ $0.examples + [$0] }) {
            guard case .failed(let failures) = result.verdict else { continue }
            let run = FailedRun(result.scenario, result.journal, failures)
            if let found = Cause.causes(of: [run], in: entry.item.causes).first { return found }
        }
        return nil
    }

    // MARK: - For people

    /// How many lines a sweep has.
    private static let sweptLines = 12

    /// The page.
    ///
    /// - Parameter detail: `quiet`: the sums; `verbose`: every run in full.
    package func text(style: TerminalStyle, detail: HumanReport.Detail = .normal) -> String {
        var result = ""
        if detail != .quiet {
            result += style.paint(name.printable, .bold) + "  \(Spelling.command(command).printable)\n"
            result += style.wrapped([readiness, stop].compactMap(\.self).joined(separator: "; "), indent: 0) + "\n"
            result += table(style) + "\n"
            for entry in entries where entry.answer == .bad { result += finding(entry, style, detail) }
            if entries.contains(where: { $0.answer == .bad && !$0.results.isEmpty }) {
                let glyphs: TextTimeline.Glyphs = style.isUnicode ? .unicode : .ascii
                result += style.paint(style.cut(TextTimeline.legend(glyphs)), .dim) + "\n\n"
            }
        }
        return style.shown(result + sums(style))
    }

    private func table(_ style: TerminalStyle) -> String {
        let shown = entries.filter { $0.answer != .skipped }
        let words = shown.map(\.word.count).max() ?? 0
        let ids = shown.map(\.item.id.count).max() ?? 0
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        return shown.map { entry in
            var note = entry.note
            if let reason = entry.reason { note = reason }
            if let acceptance = entry.acceptance, entry.answer == .bad { note = acceptance }
            let line = style.cut(
                "\(pad(entry.word, words))  \(pad(entry.item.id, ids))  \(entry.item.title)"
                    + (note.isEmpty ? "" : ": \(note.printable)"))
            return style.paint(String(line.prefix(words)), colour(of: entry)) + line.dropFirst(words) + "\n"
        }.joined()
    }

    private func colour(of entry: CheckEntry) -> TerminalStyle.Colour {
        switch entry.answer {
        case .good: .green
        case .bad where entry.isHarmful: .red
        case .bad: .magenta
        case .untold, .error, .skipped: .dim
        }
    }

    private func finding(_ entry: CheckEntry, _ style: TerminalStyle, _ detail: HumanReport.Detail) -> String {
        let item = entry.item
        var result =
            style.paint(item.id, .bold) + "  "
            + style.paint(entry.word, colour(of: entry)) + "\n"
        if item == .start, let diagnosis {
            return result
                + diagnosis.text.split(separator: "\n", omittingEmptySubsequences: false).map { "   \($0)" }
                .joined(separator: "\n") + "\n" + consequence(entry, remedy: nil, style)
        }
        guard let failed = entry.results.first(where: { $0.failuresThatCount != nil || $0.isBad }),
            case .failed(let failures) = failed.verdict
        else { return result + consequence(entry, remedy: item.remedy, style) }
        let found = cause(of: entry)
        if let found { result += style.wrapped(found.sentence, indent: 3) }
        let failedCount = entry.results.filter(\.isBad).count
        // Of a sweep the table says more.
        for failure in failures.prefix(1) where failed.sweeps.isEmpty {
            result += style.wrapped("\(failure.expected.bounded): \(failure.observed.bounded)", indent: 3)
        }
        if failedCount > 1 {
            result += style.wrapped("\(failedCount) of \(entry.results.count) runs failed", indent: 3)
        }
        let sweeps = failed.sweeps.flatMap(\.table)
        for line in sweeps.prefix(detail == .verbose ? .max : CheckReport.sweptLines) {
            result += style.wrapped(line, indent: 5, first: "   ")
        }
        let shown = failed.examples.first ?? failed
        let evidence =
            found?.proofs.values.first.map { $0.map { Evidence($0) } } ?? shown.failuresThatCount?.flatMap(\.evidence)
            ?? []
        let human = HumanReport(style: style, detail: detail)
        result += human.picture(shown, evidence.sorted { $0.event.instant < $1.event.instant }, isOfCause: true)
        return result + consequence(entry, remedy: found?.cause.remedy ?? item.remedy, style)
    }

    private func consequence(_ entry: CheckEntry, remedy: String?, _ style: TerminalStyle) -> String {
        var result = style.wrapped("so: \(entry.item.harm)", indent: 3)
        if let remedy { result += style.wrapped("try: \(remedy)", indent: 3) }
        return result + "\n"
    }

    private func sums(_ style: TerminalStyle) -> String {
        func count(_ word: String) -> Int { entries.count { $0.word == word } }
        var parts: [String] = []
        for word in ["harmful", "worth knowing", "accepted", "good", "could not be told"] where count(word) > 0 {
            let text = "\(count(word)) \(word)"
            parts.append(word == "harmful" ? style.paint(text, .red) : text)
        }
        return "\(parts.joined(separator: ", "))  (\(run.duration.rounded), witness: \("\(run.witness)".printable))\n"
    }

    // MARK: - For programs

    /// One document of schema `harness.check/1`, with a newline at its end.
    ///
    /// - Throws: what JSONEncoder throws.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let document = Document(
            schema: "harness.check/1", target: name, command: command, readiness: readiness, stop: stop,
            duration_ms: Double(run.duration.inNanoseconds) / 1e6, witness: "\(run.witness)",
            harmful: entries.count(where: \.isHarmful),
            checks: entries.map { entry in
                let failed = entry.results.first(where: \.isBad)
                var observed: String?
                if case .failed(let failures)? = failed?.verdict {
                    observed = failures.first.map { "\($0.expected): \($0.observed)".bounded }
                }
                let found = entry.answer == .bad ? cause(of: entry) : nil
                return Check(
                    id: entry.item.id, title: entry.item.title, answer: entry.word,
                    note: entry.note.isEmpty ? nil : entry.note,
                    reason: entry.reason, observed: observed, cause: found?.cause.id, sentence: found?.sentence,
                    harm: entry.answer == .bad ? entry.item.harm : nil,
                    remedy: entry.answer == .bad ? found?.cause.remedy ?? entry.item.remedy : nil,
                    accepted: entry.acceptance)
            },
            diagnosis: diagnosis.map {
                $0.findings.map { Finding(cause: $0.cause.rawValue, what: $0.what, remedy: $0.remedy) }
            })
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }

    private struct Document: Encodable {
        let schema, target: String
        let command: [String]
        let readiness: String
        let stop: String?
        let duration_ms: Double
        let witness: String
        let harmful: Int
        let checks: [Check]
        let diagnosis: [Finding]?
    }

    private struct Check: Encodable {
        let id, title, answer: String
        let note, reason, observed, cause, sentence, harm, remedy, accepted: String?
    }

    private struct Finding: Encodable { let cause, what, remedy: String }
}
