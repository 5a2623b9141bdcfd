import Expectations
import Journal
import Model
import Vocabulary

/// A timeline in letters, as wide as the terminal. Time is not to scale: a stretch in which nothing happens is shortened.
struct TextTimeline {
    let timeline: Timeline
    /// In columns, at least 40.
    let width: Int
    let glyphs: Glyphs

    /// What is drawn with.
    struct Glyphs {
        let runs, zombie, ended, killed, received, dropped, over, more: Character

        static let unicode = Glyphs(
            runs: "━", zombie: "░", ended: "●", killed: "✝", received: "▼", dropped: "×", over: "┆", more: "…")
        /// Where the locale is not UTF-8.
        static let ascii = Glyphs(
            runs: "=", zombie: "~", ended: "o", killed: "+", received: "v", dropped: "x", over: ":", more: ".")
    }

    /// How many rows are drawn at most.
    var rowLimit = 9

    /// - Parameter evidence: events that are numbered in the picture, in their order.
    func lines(evidence: [Event]) -> [String] {
        let rows = chosen(evidence)
        let labels = rows.map { row in
            let name =
                String(repeating: " ", count: min(row.depth, 4)) + (row.container.map { "\($0) " } ?? "") + row.label
            return name.count > 22 ? name.prefix(21) + String(glyphs.more) : name[...]
        }
        let margin = (labels.map(\.count).max() ?? 0) + 2
        let columns = max(16, width - margin - 2)
        let axis = Axis(moments(rows, evidence), from: timeline.begin, to: timeline.end, columns: columns)
        var result = [String(repeating: " ", count: margin) + ruler(axis)]
        for (row, label) in zip(rows, labels) {
            var line = [Character](repeating: " ", count: columns + 1)
            if let begin = row.begin {
                let end = row.end ?? timeline.end
                for column in axis.column(begin)...axis.column(end) { line[column] = glyphs.runs }
                if let exit = row.end {
                    let gone = row.gone ?? timeline.end
                    let (first, last) = (axis.column(exit) + 1, axis.column(gone))
                    if row.kind == .process, row.depth > 0, first < last, gone.duration(since: exit) > .milliseconds(20)
                    {
                        for column in first...last { line[column] = glyphs.zombie }
                    }
                }
            } else {
                for mark in row.marks where mark.kind == .graceOver {
                    line[axis.column(mark.at)] = glyphs.over
                }
            }
            for mark in row.marks {
                let column = axis.column(mark.at)
                switch mark.kind {
                case .received, .merged:
                    line[column] = glyphs.received
                case .dropped:
                    line[column] = glyphs.dropped
                case .ended:
                    line[column] = glyphs.ended
                case .killed:
                    line[column] = glyphs.killed
                default: continue
                }
            }
            // What is numbered is what the text is about: it goes before everything.
            var taken: Set<Int> = []
            for (number, event) in evidence.enumerated() where row.marks.contains(where: { $0.event == event }) {
                var column = axis.column(event.instant)
                while taken.contains(column), column < columns { column += 1 }
                taken.insert(column)
                line[column] = TextTimeline.digit(number)
            }
            result.append(
                "\(label)\(String(repeating: " ", count: margin - label.count))" + String(line).trimmingBlanksAtEnd)
        }
        let hidden = timeline.rows.count { $0.kind != .runtime } - rows.count { $0.kind != .runtime }
        if hidden > 0 {
            result.append(
                String(repeating: " ", count: margin) + "and \(hidden) more \(hidden == 1 ? "process" : "processes")")
        }
        return result
    }

    /// What the letters mean.
    static func legend(_ glyphs: Glyphs) -> String {
        let meanings: [(Character, String)] = [
            (glyphs.runs, "runs"), (glyphs.zombie, "zombie"), (glyphs.ended, "ends"), (glyphs.killed, "killed"),
            (glyphs.received, "signal"), (glyphs.dropped, "dropped"), (glyphs.over, "grace period over"),
        ]
        return meanings.map { "\($0.0) \($0.1)" }.joined(separator: "  ")
            + "  1: below; not to scale"
    }

    /// 1 to 9, then letters.
    static func digit(_ number: Int) -> Character {
        number < 9
            ? Character("\(number + 1)") : Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(min(25, number - 9))))
    }

    /// The rows that the evidence is about, then those with the most to show, in their order.
    private func chosen(_ evidence: [Event]) -> [Timeline.Row] {
        let indices = timeline.rows.indices.filter { index in
            let row = timeline.rows[index]
            return row.kind != .runtime
                || row.marks.contains { $0.kind == .graceOver || evidence.contains($0.event) }
        }
        guard indices.count > rowLimit else { return indices.map { timeline.rows[$0] } }
        let wanted = Set(evidence)
        func weight(_ index: Int) -> Int {
            let row = timeline.rows[index]
            if row.marks.contains(where: { wanted.contains($0.event) }) { return 100 }
            if row.kind == .runtime || row.depth == 0 { return 90 }
            return (10 - row.depth) * 2 + min(row.marks.count, 8)
        }
        return indices.sorted { (weight($1), $0) < (weight($0), $1) }.prefix(rowLimit).sorted().map {
            timeline.rows[$0]
        }
    }

    private func moments(_ rows: [Timeline.Row], _ evidence: [Event]) -> [MonotonicInstant] {
        rows.flatMap { row in
            [row.begin, row.end, row.gone].compactMap(\.self)
                + row.marks.filter { $0.kind != .said && $0.kind != .printed && $0.kind != .reaped }.map(\.at)
        } + evidence.map(\.instant)
    }

    /// Times above the picture, as many as there is room for.
    private func ruler(_ axis: Axis) -> String {
        var line = ""
        for moment in axis.moments {
            let column = axis.column(moment)
            let text = moment == axis.moments.first ? "0" : moment.duration(since: timeline.origin).rounded
            if moment < timeline.origin { continue }
            if column >= line.count + (line.isEmpty ? 0 : 2), column + text.count <= axis.columns + 2 {
                line += String(repeating: " ", count: column - line.count) + text
            }
        }
        return line
    }

    /// Which column a moment is in: between two things that happen there are the more columns the longer it takes, but never many.
    struct Axis {
        let moments: [MonotonicInstant]
        let columns: Int
        private let positions: [Double]

        init(_ all: [MonotonicInstant], from begin: MonotonicInstant, to end: MonotonicInstant, columns: Int) {
            let moments = Set(all.filter { $0 >= begin && $0 <= end } + [begin, end]).sorted()
            var positions = [0.0]
            for (one, other) in zip(moments, moments.dropFirst()) {
                // Each doubling beyond a tenth of a millisecond is a step.
                var gap = other.duration(since: one).inNanoseconds / 100_000
                var weight = 0.15
                while gap > 0 {
                    weight += 1
                    gap >>= 1
                }
                positions.append(positions[positions.count - 1] + weight)
            }
            (self.moments, self.columns) = (moments, columns)
            let whole = max(positions.last ?? 1, 0.001)
            self.positions = positions.map { $0 / whole * Double(columns) }
        }

        /// 0 to `columns`.
        func column(_ instant: MonotonicInstant) -> Int {
            var (low, high) = (0, moments.count)
            while low < high {
                let middle = (low + high) / 2
                if moments[middle] < instant { low = middle + 1 } else { high = middle }
            }
            return Int(positions[min(low, positions.count - 1)].rounded())
        }
    }
}

extension String {
    fileprivate var trimmingBlanksAtEnd: String {
        var result = self[...]
        while result.last == " " { result.removeLast() }
        return String(result)
    }
}
