import Expectations
import Journal
import Model
import Vocabulary

/// Two recorded runs held against each other: which verdicts are not the same, then what happened in each, side by side from the first
/// difference on.
public struct DifferenceReport: Sendable {
    private let style: TerminalStyle
    /// Everything, however long it is.
    private let isWhole: Bool

    /// How many runs are drawn, how many rows each has, and how many rows are shown before a difference.
    private static let (runsShown, rowsShown, context) = (4, 40, 3)
    /// How many events of a run are compared: the time that it takes grows with how many are not the same.
    private static let comparedAtMost = 2000

    /// - Parameter isWhole: all runs that differ, and every row of them.
    public init(style: TerminalStyle, isWhole: Bool = false) { (self.style, self.isWhole) = (style, isWhole) }

    /// Results of the same init and scenario are held against each other.
    public func text(_ first: RunReport, _ second: RunReport, names: (String, String)) -> String {
        let pairs = DifferenceReport.pairs(first, second)
        var result =
            "A  \(names.0.printable): \(first.counts.sentence)\nB  \(names.1.printable): \(second.counts.sentence)\n"
        for (name, report) in [("A", first), ("B", second)] {
            if let note = report.noteOfInterruption { result += "\(name)  \(note)\n" }
        }
        let onlyIn = (first.results.count - pairs.count, second.results.count - pairs.count)
        if onlyIn.0 > 0 { result += "\(onlyIn.0) scenario\(onlyIn.0 == 1 ? " is" : "s are") only in A\n" }
        if onlyIn.1 > 0 { result += "\(onlyIn.1) scenario\(onlyIn.1 == 1 ? " is" : "s are") only in B\n" }
        let changed = pairs.filter { $0.a.verdict.nameAndReason.name != $0.b.verdict.nameAndReason.name }
        result += "\n"
        for pair in changed {
            let words = [pair.a, pair.b].map { $0.verdict.nameAndReason.name }
            result += style.cut("\(words[0]) → \(words[1])  \(pair.a.name)") + "\n"
        }
        result += changed.isEmpty ? "every scenario that is in both has the same verdict\n\n" : "\n"
        // Where no verdict tells them apart, what happened may.
        let drawn = changed.isEmpty ? pairs : changed
        var shown: [(Pair, Comparison)] = []
        for pair in drawn where pair.a.eventCount > 0 && pair.b.eventCount > 0 {
            if let comparison = Comparison(pair.a, pair.b) { shown.append((pair, comparison)) }
            if !isWhole, shown.count > DifferenceReport.runsShown { break }
        }
        if shown.isEmpty {
            result += changed.isEmpty ? "the same events happened in both\n" : ""
            return style.shown(result)
        }
        let limit = isWhole ? shown.count : DifferenceReport.runsShown
        for (pair, comparison) in shown.prefix(limit) { result += block(pair, comparison) + "\n" }
        if shown.count > limit { result += "more runs differ (--verbose, or --filter for one of them)\n" }
        return style.shown(result)
    }

    /// Whether a scenario has another verdict in the second, or is in one of them only.
    public static func verdictsDiffer(_ first: RunReport, _ second: RunReport) -> Bool {
        let pairs = pairs(first, second)
        return pairs.count < max(first.results.count, second.results.count)
            || pairs.contains { $0.a.verdict.nameAndReason.name != $0.b.verdict.nameAndReason.name }
    }

    /// Whether there is a scenario that is in both.
    public static func haveSomethingInCommon(_ first: RunReport, _ second: RunReport) -> Bool {
        !pairs(first, second).isEmpty
    }

    private typealias Pair = (a: RunResult, b: RunResult)

    /// Where each run is of one init, they may be two: then scenarios are the same where their files and titles are. Repetitions are
    /// held against each other in their order.
    private static func pairs(_ first: RunReport, _ second: RunReport) -> [Pair] {
        let subjects = (first.subjects, second.subjects)
        let isOfOneInit = subjects.0.count == 1 && subjects.1.count == 1
        let others = ResultIndex(second.results)
        var taken: [String: Int] = [:]
        return first.results.compactMap { a in
            let subject = isOfOneInit ? subjects.1[0] : a.subject
            let key = ResultIndex.key(subject, a.scenario, a.scenario.place.file)
            let place = taken[key, default: 0]
            taken[key] = place + 1
            let candidates = others.results(of: a.scenario, on: subject)
            return candidates.indices.contains(place) ? (a, candidates[place]) : nil
        }
    }

    // MARK: - One run beside the other

    private func block(_ pair: Pair, _ comparison: Comparison) -> String {
        let place = pair.a.scenario.place
        var result = style.paint("\(pair.a.name)  (\(place.file):\(place.line))".printable, .bold) + "\n"
        let half = (style.width - 3) / 2
        func column(_ text: String) -> String {
            let shown = text.count > half ? text.prefix(half - 1) + "…" : text[...]
            return shown + String(repeating: " ", count: max(0, half - shown.count))
        }
        func row(_ left: String, _ mark: String, _ right: String, _ colour: TerminalStyle.Colour?) -> String {
            var text = "\(column(left)) \(mark) \(column(right))"
            while text.last == " " { text.removeLast() }
            return (colour.map { style.paint(text, $0) } ?? text) + "\n"
        }
        for (name, entry) in [("A", pair.a), ("B", pair.b)] {
            let (verdict, reason) = entry.verdict.nameAndReason
            result += style.cut("\(name)  \(verdict)\(reason.map { ": \($0.bounded.printable)" } ?? "")") + "\n"
        }
        var rows: [String] = []
        for hunk in comparison.hunks(context: DifferenceReport.context) {
            if hunk.skipped > 0 {
                rows.append(
                    style.paint("… \(hunk.skipped) event\(hunk.skipped == 1 ? " is" : "s are") the same", .dim) + "\n")
            }
            for line in hunk.lines {
                switch line {
                case .same(let a, let b): rows.append(row(a, " ", b, nil))
                case .changed(let a?, let b?): rows.append(row(a, "|", b, .red))
                case .changed(let a, let b): rows.append(row(a ?? "", b == nil ? "<" : ">", b ?? "", .red))
                }
            }
        }
        let limit = isWhole ? rows.count : DifferenceReport.rowsShown
        result += rows.prefix(limit).joined()
        if rows.count > limit { result += "… \(rows.count - limit) more rows (--verbose)\n" }
        if comparison.isCut {
            result += "… only \(DifferenceReport.comparedAtMost) events from the first difference on were compared\n"
        }
        return result
    }

    /// The events of two runs, as far as they can be the same: without their times and with processes numbered as they appear.
    private struct Comparison {
        enum Line {
            case same(String, String)
            case changed(String?, String?)
        }

        struct Hunk {
            /// How many lines before it are left out: they are the same.
            var skipped: Int
            var lines: [Line]
        }

        private let lines: [Line]
        /// How many before them are the same.
        private let skipped: Int
        /// Later events were not looked at.
        let isCut: Bool

        /// Nil: nothing differs.
        init?(_ a: RunResult, _ b: RunResult) {
            let (allA, allB) = (a.linesWithoutNumbers, b.linesWithoutNumbers)
            // What is the same at the beginning and at the end costs nothing.
            let head = zip(allA, allB).prefix { $0.text == $1.text }.count
            if head == allA.count, head == allB.count { return nil }
            let skipped = max(0, head - DifferenceReport.context)
            let limit = DifferenceReport.comparedAtMost
            isCut = max(allA.count, allB.count) - skipped > limit
            self.skipped = skipped
            let first = Array(allA.dropFirst(skipped).prefix(limit))
            let second = Array(allB.dropFirst(skipped).prefix(limit))
            // Texts as numbers: they are compared very often.
            var numbers: [String: Int] = [:]
            func number(_ line: (text: String, line: String)) -> Int {
                if let known = numbers[line.text] { return known }
                numbers[line.text] = numbers.count
                return numbers.count - 1
            }
            let difference = second.map(number).difference(from: first.map(number))
            var removed: Set<Int> = [], inserted: Set<Int> = []
            for change in difference {
                switch change {
                case .remove(let offset, _, _): removed.insert(offset)
                case .insert(let offset, _, _): inserted.insert(offset)
                }
            }
            var lines: [Line] = []
            var (i, j) = (0, 0)
            while i < first.count || j < second.count {
                let isRemoved = removed.contains(i), isInserted = inserted.contains(j)
                switch (isRemoved, isInserted) {
                case (false, false):
                    guard i < first.count, j < second.count else { break }
                    lines.append(.same(first[i].line, second[j].line))
                case (true, true): lines.append(.changed(first[i].line, second[j].line))
                case (true, false): lines.append(.changed(first[i].line, nil))
                case (false, true): lines.append(.changed(nil, second[j].line))
                }
                if isRemoved || !isInserted { i += 1 }
                if isInserted || !isRemoved { j += 1 }
            }
            self.lines = lines
        }

        /// What differs, with some lines before and after it.
        func hunks(context: Int) -> [Hunk] {
            var isShown = [Bool](repeating: false, count: lines.count)
            for (place, line) in lines.enumerated() {
                guard case .changed = line else { continue }
                for near in max(0, place - context)...min(lines.count - 1, place + context) { isShown[near] = true }
            }
            var result: [Hunk] = []
            var skipped = self.skipped
            for (place, line) in lines.enumerated() {
                guard isShown[place] else {
                    skipped += 1
                    continue
                }
                if place == 0 || !isShown[place - 1] {
                    result.append(Hunk(skipped: skipped, lines: []))
                    skipped = 0
                }
                result[result.count - 1].lines.append(line)
            }
            if skipped > 0 { result.append(Hunk(skipped: skipped, lines: [])) }
            return result
        }
    }
}

extension RunResult {
    /// Its events without what differs in every run. `text` is what is compared, `line` has the time, too.
    fileprivate var linesWithoutNumbers: [(text: String, line: String)] {
        journals.flatMap { container, journal -> [(text: String, line: String)] in
            let numbered = journal.renumbered
            let view = JournalView(numbered)
            let name = container.map { "\($0.bounded.printable): " } ?? ""
            let root = numbered.events.isEmpty ? "" : " (\(view.tree.roots.first.map(view.tree.programName) ?? ""))"
            return numbered.events.compactMap { event in
                // How late the machine was, and what was looked at now and then, is not of the run.
                switch event.kind {
                case .late, .mark, .kernel(.census), .kernel(.absent): return nil
                default: break
                }
                let (source, text) = view.sentence(event)
                // The name of PID 1's program is no difference.
                func short(_ text: String) -> String { text.replacing("PID 1\(root)", with: "PID 1") }
                return ("\(name)\(source) \(short(text))", name + short(view.line(event)))
            }
        }
    }
}

extension Journal {
    /// The same with processes called 1, 2, 3 in the order in which they appear.
    fileprivate var renumbered: Journal {
        var numbers: [Int32: Int32] = [:]
        func number(_ pid: Int32) -> Int32 {
            if pid <= 0 { return pid }
            if numbers[pid] == nil { numbers[pid] = Int32(numbers.count + 1) }
            return numbers[pid] ?? pid
        }
        var result = Journal(witness: witness)
        result.origin = origin
        result.append(
            contentsOf: events.map { event in
                var record = EventRecord(event.kind)
                record.pid = record.pid.map(number)
                record.other = record.other.map(number)
                record.pids = record.pids?.map(number)
                record.processes = record.processes?.map {
                    EventRecord.ProcessRecord(
                        pid: number($0.pid), parent: number($0.parent), name: $0.name, is_zombie: $0.is_zombie)
                }
                guard let kind = try? record.kind() else { return event }
                return Event(at: event.instant, kind)
            })
        return result
    }
}
