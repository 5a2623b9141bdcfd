import Journal
import Kernel
import Model
import Reports
import Sandbox
import Vocabulary

/// What an experiment cures, and how a container ends that has no better reason.
extension CauseSearch {
    // MARK: - Experiments

    /// No experiment is watched longer, however long the container's own lives were.
    static let longestExperiment = Duration.seconds(15)
    /// How many are made at once.
    static let experimentsAtOnce = 6

    /// The same with one thing changed: where it lives then, that was the reason.
    mutating func experiments() throws {
        let words = seen.lives.flatMap(\.lastWords)
        let table = scripts() + Hypothesis.all(for: scenario, diagnoser.profile, seen)
        // The likeliest first: by what was printed, and else as the table has it.
        let ranked = table.enumerated().sorted { one, other in
            let (left, right) = (one.element.suspicion(in: words), other.element.suspicion(in: words))
            return left == right ? one.offset < other.offset : left > right
        }.map(\.element)
        let lasting = min(max(seen.longestLife * 2, .milliseconds(500)) + .seconds(1), CauseSearch.longestExperiment)
        var untried: Set<String> = []
        for start in stride(from: 0, to: ranked.count, by: CauseSearch.experimentsAtOnce) {
            let batch = ranked[start..<min(start + CauseSearch.experimentsAtOnce, ranked.count)]
            let observations = try diagnoser.observeAll(
                batch.map { hypothesis in
                    var (scenario, profile) = (self.scenario, diagnoser.profile)
                    hypothesis.apply(&scenario, &profile)
                    return (scenario, profile, hypothesis.starts)
                }, lasting: lasting)
            if session.isCancelled { throw CannotRun(reason: RunReport.interrupted, remedy: "") }
            for (hypothesis, outcome) in zip(batch, observations) {
                guard case .success(let observation) = outcome else {
                    untried.insert(hypothesis.change)
                    if case .failure(let error) = outcome { notTried.append("\(hypothesis.change): \(error)") }
                    continue
                }
                guard hypothesis.isShown(observation) else { continue }
                let end = seen.lives.last { $0.end != nil }
                let said = end.map { lifeWords($0, 2) } ?? []
                let doubt = end.flatMap { self.doubt(in: hypothesis, $0, observation.lives.last) }
                note(
                    hypothesis.cause, hypothesis.what,
                    ["\(hypothesis.change), and nothing else changed, it stays up"] + (doubt.map { [$0] } ?? []) + said,
                    hypothesis.remedy, certainty: doubt == nil ? .shown : .possible)
                if doubt == nil { return }
            }
        }
        for hypothesis in ranked where hypothesis.suspicion(in: words) > 1 {
            let outcome =
                untried.contains(hypothesis.change)
                ? "this machine cannot try it \(hypothesis.change)"
                : "but \(hypothesis.change) it does not stay up either"
            note(
                hypothesis.cause, hypothesis.what, ["what it printed fits; \(outcome)"], hypothesis.remedy,
                certainty: .possible)
        }
    }

    /// Why a container that stays up in an experiment may not be cured: it may wait, and have the same trouble.
    private func doubt(in hypothesis: Hypothesis, _ failed: Diagnosis.Life, _ cured: Diagnosis.Life?) -> String? {
        guard failed.end?.status != .exited(0), !failed.lastWords.isEmpty, let cured else { return nil }
        func words(_ life: Diagnosis.Life) -> Set<String> {
            Set(life.lastWords.map { line in line.filter { !$0.isNumber } })
        }
        if words(cured) == words(failed) { return "but it prints the same, and nothing more" }
        guard [.endOfInput, .needsTerminal].contains(hypothesis.cause) else { return nil }
        let text = failed.lastWords.joined(separator: "\n").lowercased()
        let saysSo = ["tty", "terminal", "stdin", "standard input", "eof", "end of file", "ioctl", "input device"]
            .contains(where: text.contains)
        return saysSo ? nil : "but what it printed does not speak of that, and it may only wait for input"
    }

    /// Scripts that the command or another script executes, and that cannot be executed as they are.
    func scripts() -> [Hypothesis] {
        var waiting = command + seen.lives.flatMap(\.lastWords).flatMap(CauseSearch.paths)
        var known: Set<String> = []
        var result: [Hypothesis] = []
        while let word = waiting.popLast(), known.count < 200 {
            guard let path = image.path(ofProgram: word), known.insert(path).inserted,
                let bytes = image.bytes(of: path), bytes.starts(with: [0x23, 0x21])
            else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            waiting += CauseSearch.paths(in: text)
            guard let problem = ExecProblem(of: bytes, in: image) else { continue }
            switch problem {
            case .carriageReturn(let line):
                result.append(
                    cure(
                        path, text.withoutCarriageReturns, .carriageReturn,
                        "the first line of \(path) ends with a carriage return, which the kernel takes for a part of the interpreter's name (\(line))",
                        "with line ends of \(path) without it", "sed -i 's/\\r$//' \(path)"))
            case .missingInterpreter(let interpreter, let line):
                let rest = text.drop { $0 != "\n" }
                result.append(
                    cure(
                        path, "#!/bin/sh\(rest)", .missingInterpreter,
                        "the interpreter of \(path), \(interpreter), is not there (its first line: \(line))",
                        "with /bin/sh as the interpreter of \(path)",
                        "install \(interpreter), or name one that is there"))
            case .missingLoader, .otherProcessor, .noFirstLine: continue
            }
        }
        return result
    }

    func cure(
        _ path: String, _ text: String, _ cause: Diagnosis.Cause, _ what: String, _ change: String, _ remedy: String
    ) -> Hypothesis {
        Hypothesis(
            cause: cause, what: what, remedy: remedy, change: change, words: [path, "not found", "no such file"],
            apply: { scenario, _ in
                scenario.settings.files.removeAll { $0.path == path }
                scenario.settings.files.append(File(path: path, text: text, mode: 0o755, place: .none))
            })
    }

    /// The absolute paths in a text.
    static func paths(in text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || "/._-+".contains($0)) }.map(String.init).filter {
            $0.hasPrefix("/")
        }
    }

    // MARK: - How it ends

    mutating func end() {
        guard let life = seen.lives.last(where: { $0.end != nil }), let end = life.end else { return }
        let evidence =
            seen.lives.enumerated().map { "start \($0.offset + 1): \(Diagnosis.words($0.element))" }.suffix(2)
            + lifeWords(life)
        switch end.status {
        case .exited(0):
            let remedy =
                switch scenario.restart {
                case .always, .unlessStopped:
                    "nothing, if its work is done: then a policy that takes 0 for success (on-failure)"
                case .no, .onFailure: "nothing, if its work is done; else the program in the foreground"
                }
            note(.endsByItself, "it ends by itself with status 0", evidence, remedy)
        case .signaled(let signal, _):
            note(.fails, "PID 1 dies of \(signal)", evidence, "what sends \(signal): see the evidence")
        case .exited(let code):
            let signal = code > 128 && code <= 192 ? " (128 + \(Signal(rawValue: code - 128)))" : ""
            let said = CauseSearch.tellingLine(life.lastWords).map { ", having printed \(Spelling.quoted($0))" } ?? ""
            if life.programs.count > 1, let last = life.programs.last, end.after - last.after < .seconds(1),
                !isSameScript(life)
            {
                note(
                    .diesAfterExec,
                    "PID 1 becomes \(last.path), which ends \((end.after - last.after).rounded) later with status \(code)\(signal)\(said)",
                    evidence, "what \(last.path) says itself; its own log")
            } else {
                note(
                    .fails, "it ends with status \(code)\(signal)\(said)", evidence,
                    life.lastWords.isEmpty ? "its own log: it printed nothing" : "what it says itself")
            }
        }
    }

    /// Programs that a script runs in: what ends then is the script.
    static let shells: Set<String> = ["sh", "bash", "dash", "ash", "busybox", "ksh", "zsh"]
    /// Programs by which a script becomes itself again as another user.
    static let changersOfUser: Set<String> = ["gosu", "su-exec", "setpriv", "chroot"]

    /// Whether PID 1 is still the script that it began as, if as another user.
    func isSameScript(_ life: Diagnosis.Life) -> Bool {
        let names = life.programs.map { $0.path.split(separator: "/").last.map(String.init) ?? "" }
        return names.last.map(CauseSearch.shells.contains) == true
            && names.contains(where: CauseSearch.changersOfUser.contains)
    }

    /// Words that a line has which says what went wrong, the plainest first. They choose what is shown, and claim nothing.
    static let tellingWords: [[String]] = [
        ["fatal", "emerg", "panic"],
        [
            "denied", "cannot", "can't", "could not", "unable", "not found", "invalid", "unknown", "missing", "no such",
            "there is no", "must ", "refus", "already", "unexpected", "expected ", "syntax", "not specified",
            "not recognized", "not allowed",
        ], ["error", "failed"],
    ]

    /// Words of lines that tell of no failure, or of one in cleaning up after it.
    static let harmlessWords = ["warn", "[note]", "[info]", "notice", "debug", "not delete", "not remove"]

    /// The line that tells most of why it ends: the first that has one of the plainest words and is more than a time and a
    /// level, else the last. What calls itself a warning is taken only where nothing else is.
    static func tellingLine(_ lines: [String]) -> String? {
        let spoken = lines.filter { line in
            let words = line.split(whereSeparator: \.isWhitespace).filter { !$0.hasPrefix("[") && !$0.hasPrefix("<") }
            return words.count { $0.contains(where: \.isLetter) } > 1
        }
        let grave = spoken.filter { !harmlessWords.contains(where: $0.lowercased().contains) }
        for candidates in [grave, spoken] {
            for words in tellingWords {
                let telling = candidates.first { line in words.contains(where: line.lowercased().contains) }
                if let telling { return String(telling.prefix(160)) }
            }
        }
        return lines.last.map { String($0.prefix(160)) }
    }
}

extension String {
    /// By scalars: CR LF is one character.
    fileprivate var withoutCarriageReturns: String {
        var result = ""
        result.unicodeScalars.append(contentsOf: unicodeScalars.filter { $0 != "\r" })
        return result
    }
}
