import Expectations
import Import
import Model
import Reports
import Vocabulary

extension CheckReport {
    /// The same runs with what failed at its place in the Dockerfile, or in the script that is the container's program, for reports that
    /// speak of lines.
    ///
    /// - Parameters:
    ///   - dockerfile: what the image was built from.
    ///   - path: its path, as it is written in the report.
    ///   - text: the text of a file beside it; nil: there is none.
    package func run(locatedIn dockerfile: Dockerfile, at path: String, text: (String) -> String?) -> RunReport {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let script = dockerfile.programInContext.map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
        let last = script.flatMap(text).flatMap(CheckReport.lastCommand)
        var results: [RunResult] = []
        for entry in entries where entry.answer == .bad && entry.acceptance == nil {
            guard let failed = entry.results.first(where: \.isBad), case .failed(let failures) = failed.verdict,
                let failure = failures.first
            else {
                continue
            }
            let place: SourcePlace
            if let script, let last, entry.item.isOfProgramsEnd {
                place = SourcePlace(file: script, line: last, column: 1)
            } else {
                place = SourcePlace(file: path, line: entry.item.instruction(of: dockerfile)?.line ?? 1, column: 1)
            }
            var scenario = failed.scenario
            scenario.title = "\(entry.item.id): \(entry.item.title)"
            let moved = Failure(
                place: place, failure.question, observed: "\(failure.observed); so: \(entry.item.harm)")
            let journal = failed.examples.first?.journal ?? failed.journal
            var located = RunResult(
                initName: failed.initName, command: failed.command, scenario: scenario, runtime: failed.runtime,
                verdict: .failed([moved]), duration: failed.duration, journal: journal)
            located.isOnlyWorthKnowing = entry.item.weight == .worthKnowing
            results.append(located)
        }
        var report = run
        report.results = results
        return report
    }

    /// The last line of a script that is a command, from 1; nil: it is no script.
    private static func lastCommand(of text: String) -> Int? {
        guard text.hasPrefix("#!") else { return nil }
        let closing: Set<String> = ["fi", "done", "esac", "}", ";;", "else", ")"]
        var result: Int?
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            if !words.isEmpty, !words.hasPrefix("#"), !closing.contains(words) { result = number + 1 }
        }
        return result
    }
}

extension CheckItem {
    /// It is about what the program does to the end, which a script's last command decides.
    fileprivate var isOfProgramsEnd: Bool {
        [.stop, .stopBusy, .status, .orphans, .failure, .runtimes].contains(self)
    }

    /// What says most about it.
    fileprivate func instruction(of dockerfile: Dockerfile) -> Dockerfile.Instruction? {
        switch self {
        case .user, .privileges: dockerfile.instruction("USER", "ENTRYPOINT", "CMD")
        case .together, .recreate: dockerfile.instruction("VOLUME", "ENTRYPOINT", "CMD")
        case .stopBusy, .runtimes: dockerfile.instruction("STOPSIGNAL", "ENTRYPOINT", "CMD")
        default: dockerfile.instruction("ENTRYPOINT", "CMD")
        }
    }
}
