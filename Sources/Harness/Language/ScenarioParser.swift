import Model
import Vocabulary

/// What a text has given: the values that could be read, and everything that is wrong with it.
public struct Parsed<Value: Sendable>: Sendable {
    public var values: [Value]
    /// In the order of their places.
    public var diagnostics: [Diagnostic]

    init(values: [Value], diagnostics: [Diagnostic]) {
        self.values = values
        self.diagnostics = diagnostics.enumerated().sorted {
            ($0.element.place.line, $0.element.place.column, $0.offset)
                < ($1.element.place.line, $1.element.place.column, $1.offset)
        }.map(\.element)
    }

    /// Whether it can be run.
    public var isWellFormed: Bool { !diagnostics.contains { $0.severity == .error } }
}

/// Reads a scenario file.
///
/// - Parameters:
///   - bytes: UTF-8, with or without byte order mark; lines end with LF or CRLF. 64 MiB at most.
///   - file: what diagnostics and places call it.
public func parseScenarios(_ bytes: [UInt8], file: String) -> Parsed<Scenario> {
    var parser = ScenarioParser(LexedText(bytes, file: file, words: Grammar.shared.words))
    parser.readAll()
    return Parsed(values: parser.scenarios, diagnostics: parser.text.diagnostics + parser.diagnostics)
}

/// Makes scenarios of lines.
struct ScenarioParser {
    let text: LexedText
    private(set) var scenarios: [Scenario] = []
    private(set) var diagnostics: [Diagnostic] = []
    private var matcher: Matcher
    private let grammar = Grammar.shared
    /// Where each title was first.
    private var titles: [String: SourcePlace] = [:]
    /// Where each form that may be there only once is in the present block.
    private var stood: [(pattern: String, place: SourcePlace)] = []
    /// The first step of the present scenario.
    private var firstStep: SourcePlace?
    /// How many problems have been looked for on their lines, and how many are at most.
    private var locatedCount = 0
    private static let locationLimit = 1000
    /// The first of the lexer's diagnostics that comes after what has been read.
    private var nextLexicalComplaint = 0

    init(_ text: LexedText) {
        self.text = text
        matcher = Matcher(text, grammar)
    }

    mutating func readAll() {
        for (index, block) in text.entries(in: text.lines.indices) { read(scenarioAt: index, block) }
    }

    mutating func complain(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

    // MARK: - Lines

    /// The form that a line has, or nil when it has none, which is complained of.
    private mutating func match<Subject>(_ index: Int, _ table: FormTable<Subject>) -> Form<Subject>? {
        let line = text.lines[index]
        if line.isText {
            complain(
                Diagnostic(
                    .unexpected, "a line of text belongs in the block of a 'file'", at: text.place(line),
                    length: Int(line.end - line.contentStart)))
            return nil
        }
        // A line that could not even be cut into words has been complained of.
        guard line.firstToken < line.endOfTokens else { return nil }
        do {
            let form = try matcher.match(line, table)
            let place = text.place(line)
            if form.isOnce {
                if let other = stood.first(where: { $0.pattern == form.pattern.text }) {
                    complain(
                        Diagnostic(
                            .duplicate, "'\(keyword(of: form))' is set a second time", at: place,
                            length: keyword(of: form).utf8.count, notes: [.init("it is set here", at: other.place)]))
                    return nil
                }
                stood.append((form.pattern.text, place))
            }
            return form
        } catch {
            complain(error)
            return nil
        }
    }

    /// The words that a form begins with.
    private func keyword<Subject>(of form: Form<Subject>) -> String {
        var result: [String] = []
        for case .word(let spelling, _) in form.pattern.parts.prefix(while: {
            if case .word = $0 { true } else { false }
        }) {
            result.append(spelling)
        }
        return result.joined(separator: " ")
    }

    private mutating func complainOfBlock(_ block: Range<Int>, of index: Int) {
        guard let first = block.first else { return }
        let line = text.lines[index]
        let said = line.isText ? "|" : text.text(text.tokens[Int(line.firstToken)])
        complain(
            Diagnostic(
                .badIndentation, "'\(shown(said))' has no block, but this line is indented under it",
                at: text.place(text.lines[first]), notes: [.init("this is the line above", at: text.place(line))]))
    }

    // MARK: - Scenarios

    private mutating func read(scenarioAt index: Int, _ block: Range<Int>) {
        stood.removeAll(keepingCapacity: true)
        firstStep = nil
        let place = text.place(text.lines[index])
        var title = ""
        // Where the first line cannot be read, what else is wrong is told all the same.
        let form = match(index, grammar.files)
        if let form {
            form.apply(&title, matcher.captures)
            noteTitle(title, at: place)
        }
        var draft = Grammar.Draft(scenario: Scenario(title: title, place: place))
        draft.scenario.summary = text.comment(above: index)
        let complaints = diagnostics.count
        for (inner, innerBlock) in text.entries(in: block) { read(lineAt: inner, innerBlock, &draft) }
        let couldBeCut = !hasLexicalComplaint(upTo: text.lines[block.last ?? index].number)
        let isWhole = form != nil && couldBeCut && diagnostics[complaints...].isEmpty
        for problem in draft.scenario.problems(isWhole: isWhole) { complain(located(problem)) }
        if form != nil { scenarios.append(draft.scenario) }
    }

    private mutating func noteTitle(_ title: String, at place: SourcePlace) {
        guard let other = titles[title] else {
            titles[title] = place
            return
        }
        complain(
            Diagnostic(
                .duplicate, "there is a scenario \(Spelling.quoted(shown(title))) in this file already", at: place,
                notes: [.init("it is set here", at: other)]))
    }

    /// Whether lines that have not been asked about, up to this one, could not be cut into words.
    private mutating func hasLexicalComplaint(upTo number: Int32) -> Bool {
        let before = nextLexicalComplaint
        while nextLexicalComplaint < text.diagnostics.count,
            text.diagnostics[nextLexicalComplaint].place.line <= Int(number)
        {
            nextLexicalComplaint += 1
        }
        return nextLexicalComplaint > before
    }

    /// A problem at the word that it is about, where that is on its line.
    private mutating func located(_ problem: Scenario.Problem) -> Diagnostic {
        let diagnostic = problem.diagnostic
        guard let subject = problem.subject else { return diagnostic }
        if problem.isAboutSetup, let setup = stood.first(where: { $0.pattern.hasPrefix(subject + " ") }) {
            return Diagnostic(diagnostic.id, diagnostic.message, at: setup.place, length: subject.utf8.count)
        }
        // To look for each of very many on a long line would take too long.
        locatedCount += 1
        if locatedCount > ScenarioParser.locationLimit { return diagnostic }
        guard let line = text.line(number: diagnostic.place.line), let range = text.range(of: subject, in: line)
        else { return diagnostic }
        return Diagnostic(
            diagnostic.id, diagnostic.message, at: text.place(line, range.start), length: Int(range.end - range.start),
            suggestion: diagnostic.suggestion, notes: diagnostic.notes)
    }

    private mutating func read(lineAt index: Int, _ block: Range<Int>, _ draft: inout Grammar.Draft) {
        draft.block = .none
        draft.action = nil
        guard let form = match(index, grammar.scenario) else { return readService(index, block, &draft) }
        let place = text.place(text.lines[index])
        form.apply(&draft, matcher.captures)
        if draft.action != nil {
            if firstStep == nil { firstStep = place }
            if let action = readStep(index, form, block, &draft) {
                draft.scenario.steps.append(Step(action, place: place))
            }
            return
        }
        if let firstStep {
            let word = keyword(of: form)
            complain(
                Diagnostic(
                    .setupAfterStep, "'\(word)' says what there is: it comes before the first step", at: place,
                    length: word.utf8.count, notes: [.init("the first step is here", at: firstStep)]))
        }
        readBlock(of: index, block, &draft)
    }

    /// The rest of a line of the set-up.
    private mutating func readBlock(of index: Int, _ block: Range<Int>, _ draft: inout Grammar.Draft) {
        let namePlace = self.namePlace(index)
        switch draft.block {
        case .member:
            let last = draft.scenario.members.count - 1
            readMember(index, block, &draft.scenario.members[last], runtime: draft.scenario.runtime)
        case .service:
            draft.scenario.services[draft.scenario.services.count - 1].place = namePlace
            readBehaviour(block, &draft.scenario.services[draft.scenario.services.count - 1])
        case .file:
            let last = draft.scenario.settings.files.count - 1
            draft.scenario.settings.files[last].place = namePlace
            draft.scenario.settings.files[last].text = text.fileText(block, under: index, complain: &diagnostics)
        case .volume:
            draft.scenario.settings.volumes[draft.scenario.settings.volumes.count - 1].place = namePlace
            complainOfBlock(block, of: index)
        case .none, .steps: complainOfBlock(block, of: index)
        }
    }

    /// What one of several containers is made of.
    private mutating func readMember(_ index: Int, _ block: Range<Int>, _ member: inout Member, runtime: Runtime?) {
        let outer = stood
        stood = []
        defer { stood = outer }
        let line = text.lines[index]
        let place = text.place(line, text.tokens[Int(line.endOfTokens) - 1].start)
        var draft = Grammar.Draft(scenario: Scenario(title: member.name, place: place))
        for (inner, innerBlock) in text.entries(in: block) {
            draft.block = .none
            guard let form = match(inner, grammar.member) else { continue }
            form.apply(&draft, matcher.captures)
            readBlock(of: inner, innerBlock, &draft)
        }
        member.place = place
        member.dependencies = draft.dependencies
        member.scenario = draft.scenario
    }

    /// The rest of a line that cannot be read. A service is there all the same, if it has a name: what is said of it
    /// elsewhere is no further mistake.
    private mutating func readService(_ index: Int, _ block: Range<Int>, _ draft: inout Grammar.Draft) {
        let line = text.lines[index]
        let tokens = text.tokens[Int(line.firstToken)..<Int(line.endOfTokens)]
        guard let first = tokens.first, text.text(first) == "service", let second = tokens.dropFirst().first else {
            return
        }
        var service = Service(name: text.text(second), place: text.place(line, second.start))
        readBehaviour(block, &service)
        if !draft.scenario.services.contains(where: { $0.name == service.name }) {
            draft.scenario.services.append(service)
        }
    }

    /// The place of a line's second word: the name of what it declares.
    private func namePlace(_ index: Int) -> SourcePlace {
        let line = text.lines[index]
        let second = Int(line.firstToken) + 1
        return second < Int(line.endOfTokens) ? text.place(line, text.tokens[second].start) : text.place(line)
    }

    // MARK: - Blocks

    /// More lines about one service are a mistake.
    private static let behaviourLimit = 200

    private mutating func readBehaviour(_ block: Range<Int>, _ service: inout Service) {
        let outer = stood
        defer { stood = outer }
        for (index, inner) in text.entries(in: block) {
            guard let form = match(index, grammar.behaviour) else { continue }
            complainOfBlock(inner, of: index)
            let before = service.traits.count
            if before == ScenarioParser.behaviourLimit {
                return complain(
                    Diagnostic(
                        .badValue, "a service has at most \(ScenarioParser.behaviourLimit) lines",
                        at: text.place(text.lines[index])))
            }
            form.apply(&service, matcher.captures)
            let added = service.traits[before...]
            if service.traits[..<before].contains(where: { old in added.contains { $0.excludes(old) } }) {
                complain(
                    Diagnostic(
                        .conflict, "this contradicts or repeats what '\(service.name)' is told above",
                        at: text.place(text.lines[index])))
                service.traits.removeSubrange(before...)
            }
        }
    }

    /// The rest of a step whose line has been read: its block.
    private mutating func readStep(
        _ index: Int, _ form: Form<Grammar.Draft>, _ block: Range<Int>, _ draft: inout Grammar.Draft
    ) -> Step.Action? {
        let action = draft.action
        guard draft.block == .steps else {
            complainOfBlock(block, of: index)
            return action
        }
        var steps: [Step] = []
        if block.isEmpty {
            complain(
                Diagnostic(
                    .incomplete,
                    "the steps that '\(keyword(of: form))' is about are missing: they go below it, indented",
                    at: text.place(text.lines[index])))
        }
        for (inner, innerBlock) in text.entries(in: block) {
            guard let form = match(inner, grammar.steps) else { continue }
            draft.block = .none
            form.apply(&draft, matcher.captures)
            if let action = readStep(inner, form, innerBlock, &draft) {
                steps.append(Step(action, place: text.place(text.lines[inner])))
            }
        }
        switch action {
        case .repeated(let times, _)?: return .repeated(times: times, steps)
        case .sweep(let plan, _)?: return .sweep(plan, steps)
        case .within(let container, _)?: return .within(container: container, steps)
        default: return action
        }
    }
}
