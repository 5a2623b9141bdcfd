import Model
import Vocabulary

/// Reads a file of init profiles.
///
/// - Parameter needsCommand: false for a file that says of inits only what they are known to fail.
public func parseProfiles(_ bytes: [UInt8], file: String, needsCommand: Bool = true) -> Parsed<InitProfile> {
    let grammar = Grammar.shared
    let text = LexedText(bytes, file: file, words: grammar.words)
    var parser = ProfileParser(
        text: text, matcher: Matcher(text, grammar), grammar: grammar, needsCommand: needsCommand)
    for (index, block) in text.entries(in: text.lines.indices) { parser.read(profileAt: index, block) }
    return Parsed(values: parser.profiles, diagnostics: text.diagnostics + parser.diagnostics)
}

/// Makes profiles of lines.
private struct ProfileParser {
    let text: LexedText
    var matcher: Matcher
    let grammar: Grammar
    let needsCommand: Bool
    var profiles: [InitProfile] = []
    var diagnostics: [Diagnostic] = []
    /// Where each name was last.
    var places: [String: SourcePlace] = [:]

    private mutating func match<Subject>(_ index: Int, _ table: FormTable<Subject>) -> Form<Subject>? {
        let line = text.lines[index]
        if line.isText {
            diagnostics.append(
                Diagnostic(.unexpected, "a profile has no lines of text", at: text.place(line)))
        }
        guard line.firstToken < line.endOfTokens else { return nil }
        do {
            return try matcher.match(line, table)
        } catch {
            diagnostics.append(error)
            return nil
        }
    }

    mutating func read(profileAt index: Int, _ block: Range<Int>) {
        guard let form = match(index, grammar.profiles) else { return }
        let place = text.place(text.lines[index])
        var name = ""
        form.apply(&name, matcher.captures)
        if needsCommand, name == "none" || name == "all" {
            diagnostics.append(
                Diagnostic(
                    .badValue, "'\(name)' is not an init's name: the word has a meaning of its own", at: place,
                    length: Int(text.lines[index].end - text.lines[index].contentStart)))
        }
        if let other = places[name] {
            diagnostics.append(
                Diagnostic(
                    .duplicate, "there is an init '\(name)' in this file already", at: place,
                    notes: [.init("it is set here", at: other)]))
        }
        places[name] = place
        var profile = InitProfile(name: name, place: place)
        profile.summary = text.comment(above: index)
        var stood: [(pattern: String, place: SourcePlace)] = []
        let complaints = diagnostics.count
        for (inner, innerBlock) in text.entries(in: block) {
            let line = text.lines[inner]
            guard let form = match(inner, grammar.profile) else { continue }
            if form.isOnce, let other = stood.first(where: { $0.pattern == form.pattern.text }) {
                diagnostics.append(
                    Diagnostic(
                        .duplicate, "'\(form.pattern.words[0])' is set a second time", at: text.place(line),
                        length: form.pattern.words[0].utf8.count, notes: [.init("it is set here", at: other.place)]))
                continue
            }
            stood.append((form.pattern.text, text.place(line)))
            let before = (profile.files.count, profile.additions.count)
            form.apply(&profile, matcher.captures)
            if form.pattern.words.first == "known", let last = profile.knownFailures.indices.last {
                profile.knownFailures[last].place = text.place(line)
            }
            if profile.files.count > before.0 {
                profile.files[before.0].text = text.fileText(innerBlock, under: inner, complain: &diagnostics)
                profile.files[before.0].place = text.place(line)
            } else if profile.additions.count > before.1 {
                profile.additions[before.1].text = text.fileText(innerBlock, under: inner, complain: &diagnostics)
                profile.additions[before.1].place = text.place(line)
            } else if let first = innerBlock.first {
                diagnostics.append(
                    Diagnostic(
                        .badIndentation, "this line of a profile has no block", at: text.place(text.lines[first])))
            }
        }
        if needsCommand && profile.command.isEmpty && diagnostics.count == complaints && text.diagnostics.isEmpty {
            diagnostics.append(Diagnostic(.incomplete, "the 'command' of '\(name)' is missing", at: place))
        }
        if needsCommand && diagnostics.count == complaints && text.diagnostics.isEmpty { check(profile) }
        profiles.append(profile)
    }

    /// What the lines say together: who looks after several services must be told of them, in one way or another.
    private mutating func check(_ profile: InitProfile) {
        let hasServices = profile.command.contains("{services}")
        let asksForServices = !profile.abilities.isDisjoint(with: [.supervision, .ordering])
        if asksForServices, !hasServices, !profile.isToldOfServicesByFiles {
            diagnostics.append(
                Diagnostic(
                    .conflict,
                    "an init with supervision or ordering has '{services}' in its command, or files that name them",
                    at: profile.place))
        }
        if hasServices == profile.serviceArguments.isEmpty {
            diagnostics.append(
                Diagnostic(
                    .incomplete, "'{services}' in the command and 'service-arguments' go together", at: profile.place))
        }
        for addition in profile.additions where !profile.files.contains(where: { $0.path == addition.path }) {
            diagnostics.append(
                Diagnostic(.incomplete, "there is no 'file \(addition.path)' to add to", at: addition.place))
        }
        for file in profile.files + profile.additions {
            for problem in Template.problems(
                in: file, isForEach: file.isForEachService || profile.additions.contains(file))
            {
                diagnostics.append(Diagnostic(.badValue, problem, at: file.place))
            }
        }
    }
}
