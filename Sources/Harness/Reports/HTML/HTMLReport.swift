import Causes
import Expectations
import Journal
import Model
import Vocabulary

/// One page with everything in it: the causes, the matrix, and each run with its timeline and its events. It needs no network; without its
/// script everything but the events can be read.
public struct HTMLReport: Reporter {
    public static let name = "html"
    public static let summary = "one page with the causes, the matrix and each run's timeline"
    public static let needsJournals = true
    private let options: ReportOptions

    public init(_ options: ReportOptions) { self.options = options }

    static var styleOfTimeline: String { String(decoding: PackageResources.timeline_css, as: UTF8.self) }
    private static var style: String { String(decoding: PackageResources.report_css, as: UTF8.self) }
    private static var script: String { String(decoding: PackageResources.report_js, as: UTF8.self) }

    public func text(_ report: RunReport) throws -> String {
        let journal = try RecordedPage.element(of: report, compress: options.compress)
        let findings = report.findings
        let outcome = !report.isGood ? "failed" : report.isWhole ? "passed" : "incomplete"
        var causes: [Int: String] = [:]
        for finding in findings {
            for (cause, places) in zip(finding.causes, finding.placesOfCauses) {
                for place in places { causes[place] = cause.found.cause.id }
            }
        }
        var text = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>harness: \(outcome)</title>
            <style>\(HTMLReport.style)\(HTMLReport.styleOfTimeline)</style></head><body><main>
            <h1>harness: <span class="\(outcome == "passed" ? "good" : "bad")">\(outcome)</span></h1>
            <p>\(escaped(report.counts.sentence)) in \(escaped(report.duration.rounded)).
            <span class="quiet">\(escaped("Witness: \(report.witness). \(options.machine.isEmpty ? "" : options.machine + ". ")\(options.version.isEmpty ? "" : "harness " + options.version)"))</span></p>

            """
        if let note = report.noteOfInterruption { text += "<p class=\"bad\">\(escaped(note))</p>\n" }
        for pass in report.unexpectedPasses { text += "<p class=\"bad\">\(escaped(pass.sentence))</p>\n" }
        text += section(of: findings) + matrix(report) + filter(report, Set(causes.values).sorted())
        text += "<section aria-label=\"Runs\">\n"
        // What failed comes first, what did not apply last.
        let order = report.results.indices.sorted { (report.results[$0].rank, $0) < (report.results[$1].rank, $1) }
        for number in order { text += run(report.results[number], number, cause: causes[number]) }
        return text + "</section></main>\n<script>\(HTMLReport.script)</script>\n"
            + journal() + "</body></html>\n"
    }

    private func escaped(_ text: String) -> String { JUnitReport.escaped(text.printable) }

    // MARK: - Causes and matrix

    private func section(of findings: [Findings]) -> String {
        if findings.isEmpty { return "" }
        func link(_ text: String, _ place: Int) -> String { "<a href=\"#run-\(place)\">\(escaped(text))</a>" }
        var text = "<h2>Why</h2>\n"
        for finding in findings {
            for ((found, results), places) in zip(finding.causes, finding.placesOfCauses) {
                let links = zip(results, places).map { link($0.scenario.row, $1) }
                text +=
                    "<div class=\"cause\"><strong>\(escaped(finding.subject)): \(escaped(found.sentence))</strong><br>"
                text +=
                    "\(results.count) failed: \(links.joined(separator: ", "))<br>Try: \(escaped(found.cause.remedy))</div>\n"
            }
            for (result, place) in zip(finding.alone, finding.placesOfAlone) {
                let row = result.scenario.behaviour.map { "\($0) " } ?? ""
                text +=
                    "<div class=\"cause\">\(escaped(finding.subject)): \(link(row + result.scenario.title, place))</div>\n"
            }
        }
        return text
    }

    private func matrix(_ report: RunReport) -> String {
        let themes = Matrix(report.results) { $0.scenario.theme }
        if themes.keys.isEmpty { return "" }
        var text = "<h2>Matrix</h2>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">init</th>"
        for theme in themes.keys { text += "<th scope=\"col\">\(escaped(theme))</th>" }
        text += "</tr></thead><tbody>\n"
        for column in themes.columns {
            text += "<tr><th scope=\"row\">\(escaped(column))</th>"
            for theme in themes.keys {
                let cell = themes.cell(theme, column)
                let kind = cell.failed + cell.errors > 0 ? "bad" : cell.applicable == 0 ? "quiet" : "good"
                text += "<td class=\"\(kind)\">\(escaped(cell.text))</td>"
            }
            text += "</tr>\n"
        }
        return text + "</tbody></table></div>\n"
    }

    /// What the marks of a timeline are, in words.
    private static let legend =
        "Timelines are not to scale. A bar is a process, from its start to its end: orange while it is an orphan, a dashed red frame while it is a "
        + "zombie. ▼ a signal, × one that the kernel dropped, ● ends, † is killed; small triangles at the top are the scenario's lines. "
        + "Point at a mark to read what happened; drag across a timeline to see only the events of that stretch."

    private func filter(_ report: RunReport, _ causes: [String]) -> String {
        func choice(_ name: String, _ label: String, _ values: [String]) -> String {
            "<label>\(label)<select name=\"\(name)\"><option value=\"\">all</option>"
                + values.map { "<option>\(escaped($0))</option>" }.joined() + "</select></label>\n"
        }
        var verdicts: [String] = []
        for result in report.results {
            let name = result.verdict.nameAndReason.name
            if !verdicts.contains(name) { verdicts.append(name) }
        }
        return "<h2>Runs</h2>\n<form aria-label=\"Filter\">\n" + choice("init", "Init", report.subjects)
            + choice("verdict", "Verdict", verdicts.sorted()) + choice("cause", "Cause", causes)
            + "<label>Title or row<input name=\"text\" type=\"search\"></label>\n<span id=\"shown\" class=\"quiet\" role=\"status\"></span></form>\n<p class=\"quiet\">\(HTMLReport.legend)</p>\n"
    }

    // MARK: - Runs

    private func run(_ result: RunResult, _ number: Int, cause: String?) -> String {
        let (verdict, reason) = result.verdict.nameAndReason
        let place = "\(result.scenario.place.file):\(result.scenario.place.line)"
        let kind = result.isBad ? "bad" : verdict == "passed" ? "good" : "quiet"
        let searched = "\(result.scenario.title) \(result.scenario.row) \(place)".lowercased()
        var text =
            "<details class=\"run\" id=\"run-\(number)\" data-init=\"\(escaped(result.subject))\" data-verdict=\"\(verdict)\" "
        text += "data-cause=\"\(escaped(cause ?? ""))\" data-text=\"\(escaped(searched))\">"
        text +=
            "<summary><span class=\"\(kind)\">\(verdict)</span> \(escaped(result.subject)): \(escaped(result.scenario.title)) "
        text += "<span class=\"quiet\">\(escaped(place)), \(escaped(result.duration.rounded))</span></summary><div>\n"
        if let known = result.known, verdict == "failed" {
            text += "<p>known to fail\(escaped(known.reason.isEmpty ? "" : ": " + known.reason))</p>\n"
        }
        if let reason { text += "<p>\(escaped(reason.bounded))</p>\n" }
        let summary = result.scenario.summary.split(separator: "\n").joined(separator: " ")
        if !summary.isEmpty { text += "<p class=\"quiet\">\(escaped(summary))</p>\n" }
        var evidence: [Event] = []
        switch result.verdict {
        case .failed(let failures), .flaky(let failures):
            for failure in failures {
                evidence += failure.evidence.map(\.event)
                text +=
                    "<div class=\"failure\"><code>\(escaped("\(failure.place.file):\(failure.place.line)"))</code><br>"
                text +=
                    "expected <strong>\(escaped(failure.expected.bounded))</strong><br>observed <strong>\(escaped(failure.observed.bounded))</strong></div>\n"
            }
        case .passed, .notApplicable, .error: break
        }
        let sweeps = result.linesOfSweeps
        if !sweeps.isEmpty { text += "<pre>\(sweeps.map(escaped).joined(separator: "\n"))</pre>\n" }
        let views = result.views
        guard let timeline = Timeline(result, views) else { return text + "</div></details>\n" }
        let drawing = SVGTimeline(
            timeline: timeline, title: "Timeline of \(result.name)", evidence: evidence, hasStyle: false)
        text += "<div class=\"scroll\">\(drawing.text)</div>\n"
        return text + table(result.linesAndEvents(views), evidence, drawing) + "</div></details>\n"
    }

    /// The events, for the script: each is its place in the drawing, counted from the one before, whether it proves something, and its line.
    private func table(_ all: [(line: String, event: Event)], _ evidence: [Event], _ drawing: SVGTimeline) -> String {
        let proofs = Set(evidence), moments = Set(evidence.map(\.instant))
        var data: [UInt8] = []
        var last = 0
        for ((line, event), position) in zip(all, drawing.positions(of: all.map(\.event.instant))) {
            let isProof = moments.contains(event.instant) && proofs.contains(event)
            data += "\(data.isEmpty ? "[" : ",")[\(position - last),\(isProof ? 1 : 0),".utf8
            line.appendAsJSON(to: &data, escapesMarkup: true)
            data.append(UInt8(ascii: "]"))
            last = position
        }
        data += (data.isEmpty ? "[]" : "]").utf8
        return """
            <div class="range"><label>From<input class="from" type="range" min="0" max="1000" value="0"></label>
            <label>To<input class="to" type="range" min="0" max="1000" value="1000"></label><output class="quiet"></output></div>
            <div class="events" tabindex="0" role="region" aria-label="Events"></div>
            <script type="application/json" class="data">\(String(decoding: data, as: UTF8.self))</script>

            """
    }
}

extension RunResult {
    /// The less, the sooner it is looked at.
    fileprivate var rank: Int {
        if isBad { return 0 }
        return switch verdict {
        case .failed: 1
        case .flaky: 2
        case .error: 0
        case .passed: 3
        case .notApplicable: 4
        }
    }
}
