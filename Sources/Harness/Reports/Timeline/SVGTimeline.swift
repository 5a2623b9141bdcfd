import Expectations
import Journal
import Language
import Model
import Vocabulary

/// A timeline as SVG: a row for each process, bars from their start to their end, arrows from senders of signals to receivers. Time is
/// not to scale: a stretch in which nothing happens is shortened.
struct SVGTimeline {
    let timeline: Timeline
    /// Said to those who cannot see it.
    let title: String
    /// Events that are marked, in their order.
    var evidence: [Event] = []
    /// Whether the style is in it: else it is the page's.
    var hasStyle = true

    private static let (width, margin, rowHeight, top) = (960, 190, 24, 48)
    /// How many rows are drawn at most, and how many marks on all of them.
    private static let limits = (rows: 60, marks: 1500)

    /// What is drawn.
    private var rows: ArraySlice<Int> {
        timeline.rows.indices.filter { timeline.rows[$0].kind != .runtime || !timeline.rows[$0].marks.isEmpty }
            .prefix(SVGTimeline.limits.rows)
    }

    /// Where each of some moments is, in units of the drawing.
    func positions(of instants: [MonotonicInstant]) -> [Int] {
        let axis = axis
        return instants.map { SVGTimeline.margin + axis.column($0) }
    }

    /// From where to where moments are.
    static let range = margin...(width - 20)

    private var axis: TextTimeline.Axis {
        let moments = rows.flatMap { index -> [MonotonicInstant] in
            let row = timeline.rows[index]
            return [row.begin, row.end, row.gone].compactMap(\.self) + row.marks.filter(\.isDrawn).map(\.at)
        }
        return TextTimeline.Axis(
            moments, from: timeline.begin, to: timeline.end,
            columns: SVGTimeline.range.upperBound - SVGTimeline.range.lowerBound)
    }

    var text: String {
        let rows = rows
        let places = Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
        let axis = axis
        func x(_ instant: MonotonicInstant) -> Int { SVGTimeline.margin + axis.column(instant) }
        func y(_ place: Int) -> Int { SVGTimeline.top + place * SVGTimeline.rowHeight + SVGTimeline.rowHeight / 2 }
        let height = SVGTimeline.top + rows.count * SVGTimeline.rowHeight + 10
        var body = ""
        // The axis, and the scenario's steps.
        var lastLabel = -1000
        for moment in axis.moments where moment >= timeline.origin {
            let at = x(moment)
            if at - lastLabel < 64 { continue }
            lastLabel = at
            let words = moment.duration(since: timeline.origin).rounded
            body +=
                "<line class=\"tick\" x1=\"\(at)\" x2=\"\(at)\" y1=\"\(SVGTimeline.top - 6)\" y2=\"\(height - 8)\"/>"
            body += "<text class=\"time\" x=\"\(at)\" y=\"\(SVGTimeline.top - 12)\">\(words)</text>\n"
        }
        var lastStep = -1000
        for step in timeline.steps {
            let at = x(step.at)
            let label =
                at - lastStep < 22 ? "" : "<text class=\"step\" x=\"\(at)\" y=\"10\">\(step.place.line)</text>"
            if !label.isEmpty { lastStep = at }
            body +=
                "<g class=\"step\"><title>\(JUnitReport.escaped("line \(step.place.line): \(step.text)".bounded.printable))</title>"
            body += "<path d=\"M\(at - 4) 13h8l-4 5z\"/>\(label)</g>\n"
        }
        for pause in timeline.pauses {
            body +=
                "<rect class=\"pause\" x=\"\(x(pause.from))\" width=\"\(max(2, x(pause.to) - x(pause.from)))\" y=\"\(SVGTimeline.top)\" "
                + "height=\"\(height - SVGTimeline.top - 8)\"><title>paused</title></rect>\n"
        }
        for (place, index) in rows.enumerated() {
            let row = timeline.rows[index]
            let indent = 8 + min(row.depth, 6) * 12
            let name = (row.container.map { "\($0): " } ?? "") + row.label
            let shown = name.count > 24 ? name.prefix(23) + "…" : name[...]
            body +=
                "<text class=\"name\" x=\"\(indent)\" y=\"\(y(place) + 4)\">\(JUnitReport.escaped(String(shown)))</text>\n"
            guard let begin = row.begin else { continue }
            let end = row.end ?? timeline.end
            var words = "\(name): from \(begin.duration(since: timeline.origin).rounded)"
            words += row.end.map { " to \($0.duration(since: timeline.origin).rounded)" } ?? ", still running"
            body += bar("bar \(row.kind == .injected ? "injected" : "process")", x(begin), x(end), y(place), words)
            if let orphaned = row.orphaned, orphaned < end {
                body += bar(
                    "bar orphan", x(orphaned), x(end), y(place),
                    "\(name): an orphan from \(orphaned.duration(since: timeline.origin).rounded)")
            }
            if let exit = row.end, row.kind == .process, row.depth > 0 {
                let gone = row.gone ?? timeline.end
                if gone.duration(since: exit) > .milliseconds(20) {
                    body += bar(
                        "bar zombie", x(exit), x(gone), y(place),
                        "\(name): a zombie for \(gone.duration(since: exit).rounded)")
                }
            }
        }
        var count = 0
        for (place, index) in rows.enumerated() {
            for mark in timeline.rows[index].marks
            where (mark.isDrawn || mark.isMinor) && count < SVGTimeline.limits.marks {
                count += 1
                if let from = mark.from.flatMap({ places[$0] }), from != place {
                    body +=
                        "<line class=\"arrow \(mark.kind.rawValue)\" x1=\"\(x(mark.at))\" x2=\"\(x(mark.at))\" y1=\"\(y(from))\" y2=\"\(y(place))\"/>"
                }
                let at = mark.at.duration(since: timeline.origin).rounded
                let number = evidence.firstIndex(of: mark.event)
                body += shape(
                    mark.kind, x(mark.at), y(place), "\(at): \(timeline.text(of: mark, in: timeline.rows[index]))",
                    number: number)
            }
        }
        let head =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" viewBox=\"0 0 \(SVGTimeline.width) \(height)\" data-range=\"\(SVGTimeline.range.lowerBound) \(SVGTimeline.range.upperBound)\" role=\"img\" aria-label=\"\(JUnitReport.escaped(title))\">"
        let style = hasStyle ? "<style>\(HTMLReport.styleOfTimeline)</style>" : ""
        let hidden = timeline.rows.count - rows.count
        let more = hidden > 0 ? "<text class=\"name\" x=\"8\" y=\"\(height - 2)\">and \(hidden) more</text>" : ""
        return
            "\(head)<title>\(JUnitReport.escaped(title))</title>\(style)<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\(body)\(more)</svg>\n"
    }

    private func bar(_ kind: String, _ from: Int, _ to: Int, _ y: Int, _ words: String) -> String {
        "<rect class=\"\(kind)\" x=\"\(from)\" width=\"\(max(2, to - from))\" y=\"\(y - 5)\" height=\"10\"><title>\(JUnitReport.escaped(words))</title></rect>\n"
    }

    private func shape(_ kind: Timeline.Mark.Kind, _ x: Int, _ y: Int, _ words: String, number: Int?) -> String {
        let title = "<title>\(JUnitReport.escaped(words))</title>"
        let drawing: String
        switch kind {
        case .received, .merged: drawing = "<path d=\"M\(x - 5) \(y - 8)h10l-5 8z\"/>"
        case .dropped: drawing = "<path d=\"M\(x - 4) \(y - 4)l8 8m0 -8l-8 8\"/>"
        case .ended: drawing = "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"5\"/>"
        case .killed: drawing = "<path d=\"M\(x) \(y - 7)v14m-5 -9h10\"/>"
        case .said, .printed, .executed: drawing = "<path class=\"minor\" d=\"M\(x) \(y - 4)v8\"/>"
        case .graceOver: drawing = "<path d=\"M\(x) \(y - 11)v22\"/>"
        default: drawing = "<rect x=\"\(x - 3)\" y=\"\(y - 3)\" width=\"6\" height=\"6\"/>"
        }
        let label = number.map { "<text class=\"number\" x=\"\(x + 6)\" y=\"\(y - 5)\">\($0 + 1)</text>" } ?? ""
        return "<g class=\"mark \(kind.rawValue)\">\(title)\(drawing)\(label)</g>\n"
    }
}

extension Timeline.Mark {
    /// What is drawn small, and stretches no time: what was said, printed and executed, for its words.
    fileprivate var isMinor: Bool { [.said, .printed, .executed].contains(kind) }

    /// What time is stretched for.
    fileprivate var isDrawn: Bool {
        switch kind {
        case .received, .dropped, .merged, .ended, .killed, .graceOver, .stopRequested, .sent, .other, .started: true
        case .reaped, .printed, .said, .executed: false
        }
    }
}

/// The timeline of the first run that failed, else of the first that has one.
public struct SVGReport: Reporter {
    public static let name = "svg"
    public static let summary = "the timeline of the first run that failed, else of the first"
    public static let needsJournals = true

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) -> String {
        let drawn = report.results.filter(\.isBad) + report.results
        for result in drawn {
            guard let timeline = Timeline(result) else { continue }
            var evidence: [Event] = []
            if case .failed(let failures) = result.verdict { evidence = failures.flatMap(\.evidence).map(\.event) }
            return SVGTimeline(timeline: timeline, title: result.name, evidence: evidence).text
        }
        return
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 200 40\"><text x=\"8\" y=\"24\">nothing was run</text></svg>\n"
    }
}
