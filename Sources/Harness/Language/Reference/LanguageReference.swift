import Model

/// The reference of the language, made from the table that the parser reads by.
public struct LanguageReference: Sendable {
    /// One form of line, as the reference shows it.
    public struct Entry: Sendable {
        /// As it is written: words small, values in capitals, optional parts in brackets.
        public let pattern: String
        /// What it does or asks, in a sentence or some.
        public let meaning: String
        /// What is so without it.
        public let otherwise: String?
        /// A whole scenario, or where one is.
        public let example: String
        /// False: it is read and checked, and this version cannot do it.
        /// Diagnostics that a line of this form can give, with the reason.
        public fileprivate(set) var errors: [String]
        /// The words of the language that it is made of.
        public let words: [String]
        let production: String
        let slots: [Slot]
        let isOnce: Bool
    }

    /// Lines of one kind of block.
    public struct Section: Sendable {
        /// Its heading.
        public let title: String
        let introduction: String
        /// What the grammar calls such a line.
        let symbol: String
        /// Its lines, in the order of the reference.
        public let entries: [Entry]
    }

    /// All kinds of lines, in the order of the reference.
    public let sections: [Section]

    /// Reads the tables of the grammar.
    public init() {
        sections = [
            Section(
                title: "Files", introduction: "A file has any number of scenarios, at the margin.",
                symbol: "header", entries: Grammar.fileForms.map(Entry.init)),
            Section(
                title: "What there is",
                introduction:
                    "These lines come before the first step, in any order; each is needed only where it differs from the default.",
                symbol: "setup", entries: Grammar.setupForms.map(Entry.init)),
            Section(
                title: "Several containers",
                introduction:
                    "A scenario may be about several containers that belong together, by the rules of Compose or of Kubernetes: each has a block of "
                    + "its own, with the lines of \u{201C}What there is\u{201D} but for those about the whole. `start`, `stop`, `restart` and `down` are then about all of "
                    + "them, in the runtime's order; questions about services and containers by name are answered by whichever container they are in; what is asked "
                    + "of one container, or done to it alone, is in the block of `in`.",
                symbol: "member", entries: Grammar.memberForms.map(Entry.init)),
            Section(
                title: "What a container waits for", introduction: "This line is in the block of a `container`.",
                symbol: "dependency", entries: Grammar.dependencyForms.map(Entry.init)),
            Section(
                title: "How a service behaves", introduction: "These lines are in the block of a `service`.",
                symbol: "behaviour", entries: Grammar.behaviourForms.map(Entry.init)),
            Section(
                title: "What happens, and what must be so",
                introduction:
                    "Steps and expectations are carried out in the order in which they are written. An expectation that does not hold fails the scenario, which goes on; a step that cannot be carried out ends it.",
                symbol: "step", entries: Grammar.stepForms.map(Entry.init)),
            Section(
                title: "Conditions",
                introduction: "What comes after `expect` and `wait for`. The kernel is asked, not the init.",
                symbol: "condition", entries: Grammar.conditionForms.map(Entry.init)),
            Section(
                title: "Profiles",
                introduction:
                    "A profile says how an init is started and what can be expected of it. It is in a file that ends with `.init`.",
                symbol: "profile line",
                entries: (Grammar.profileFileForms.map(Entry.init) + Grammar.profileForms.map(Entry.init))
                    .map(\.ofProfile)),
        ]
    }

    /// Every word of scenarios, each once.
    public var words: [String] { Set(sections.dropLast().flatMap(\.entries).flatMap(\.words)).sorted() }

    /// What each kind of diagnostic means.
    public static func meaning(of id: Diagnostic.ID) -> String {
        switch id {
        case .notText: "The file is not UTF-8 text, or too large to be a scenario."
        case .badIndentation:
            "A line is indented further in or out than anything that it could belong to, or under a line that has no block."
        case .unclosed: "A quotation or a regular expression does not end on its line."
        case .unknownWord: "No line of this kind begins with this word, or no condition goes on with it."
        case .unexpected: "The line goes on with something else than it can."
        case .missing: "The line ends too early."
        case .badValue: "What is in the place of a value is none, or out of its range."
        case .setupAfterStep: "What there is, said behind something that happens."
        case .duplicate: "The same thing is said twice; a note points at the first."
        case .conflict: "Two things that cannot both be."
        case .unknownService: "There is no service of this name in the scenario."
        case .unknownVolume: "There is no volume of this name in the scenario."
        case .cycle: "Services that come after each other; the notes point at each."
        case .impossible: "A step that cannot happen where it is."
        case .undecidable: "A question that nothing in the scenario could decide: it would pass or fail for no reason."
        case .provesNothing:
            "A warning: the question is answered before anything can have happened, and the answer is the same for every init."
        case .tooEarly: "A warning: the signal comes before any program can have prepared for it."
        case .incomplete: "A scenario, block or profile that says too little to be run."
        }
    }
}

extension LanguageReference.Entry {
    /// The same without the errors that only a line of a scenario can give.
    fileprivate var ofProfile: LanguageReference.Entry {
        var result = self
        result.errors.removeAll { $0.hasPrefix("`conflict`") }
        return result
    }

    fileprivate init<Subject>(_ form: Form<Subject>) {
        pattern = form.pattern.text
        meaning = form.meaning
        otherwise = form.otherwise
        example = form.example
        words = form.pattern.words
        production = form.pattern.parts.map(LanguageReference.production).joined(separator: " ")
        slots = form.pattern.slots
        isOnce = form.isOnce
        errors = LanguageReference.errors(form.pattern, isOnce: form.isOnce)
    }
}

extension LanguageReference {
    fileprivate static func production(_ part: Pattern.Part) -> String {
        switch part {
        case .word(let spelling, _): "\"\(spelling)\""
        case .slot(let slot, _): slot.rawValue
        case .optional(let inner, _): "[ \(inner.map(production).joined(separator: " ")) ]"
        case .alternatives(let branches, _):
            "( \(branches.map { $0.map(production).joined(separator: " ") }.joined(separator: " | ")) )"
        }
    }

    /// What can be wrong with a line of this form besides its spelling.
    fileprivate static func errors(_ pattern: Pattern, isOnce: Bool) -> [String] {
        var result: [String] = []
        var values: [String] = []
        for slot in pattern.slots where slot.canBeWrong && !values.contains(slot.rawValue) {
            values.append(slot.rawValue)
        }
        if !values.isEmpty { result.append("`bad-value` (\(values.joined(separator: ", ")))") }
        if isOnce { result.append("`duplicate` (it is written once)") }
        if pattern.slots.contains(where: {
            [.service, .services, .party, .parties, .question, .condition].contains($0)
        }) {
            result.append("`unknown-service`")
        }
        return result + (particular[pattern.text] ?? [])
    }

    /// Errors that follow from what the line means.
    private static let particular: [String: [String]] = [
        "scenario TITLE": ["`duplicate` (the title)", "`incomplete` (nothing happens, is expected, or is started)"],
        "volume VOLUME at PATH [from DIRECTORY] [owner OWNER] [empty]": [
            "`duplicate` (name or path)", "`conflict` (a tmpfs is there)",
        ],
        "auto-remove on": ["`conflict` (there is a restart policy too)"],
        "pre-stop COMMAND": ["`conflict` (another runtime than kubernetes)"],
        "command COMMAND": ["`conflict` (there are services too)"],
        "entrypoint initialises marker PATH steps NAMES [each TIME] then COMMAND": [
            "`conflict` (there are services too)"
        ],
        "file PATH [mode MODE] [owner OWNER]": [
            "`duplicate` (the path)", "`conflict` (below /proc, /sys, /dev or /.harness)",
            "`unexpected` (lines without `| `)",
        ],
        "service NEW-NAME [after SERVICES]": ["`duplicate` (the name)", "`cycle`"],
        "exits CODE (after TIME | on CAUGHT)": ["`conflict` (another end, or the signal is ignored)"],
        "runs COMMAND": ["`conflict` (any other behaviour)"],
        "writes data PATH": ["`conflict` (another service writes there; a second file)"],
        "stop [grace GRACE]": ["`impossible` (nothing was started before)", "`too-early` (right after a start)"],
        "kill [SIGNAL]": ["`too-early` (right after a start)"],
        "signal SIGNAL to PARTY": ["`too-early` (to `init`, right after a start)"],
        "remove volume VOLUME": ["`unknown-volume`"],
        "pause": ["`impossible` (paused already)"],
        "resume": ["`impossible` (not paused)"],
        "orphan COUNT from SERVICE living TIME": ["`impossible` (a real program makes none on demand)"],
        "repeat NUMBER times": ["`impossible` (0 times)", "`incomplete` (no block)"],
        "sweep (kill | stop [grace GRACE] | restart [grace GRACE] | signal SIGNAL to PARTY | crash SERVICE) "
            + "(from TIME to TIME step TIME | at every event) [of the next life]": [
                "`bad-value` (more than 10000 moments, or none)", "`incomplete` (no block)",
                "`impossible` (nothing in the block starts the container, or with `of the next life` a second time)",
            ],
        "expect QUESTION [within TIME] [for TIME]": [
            "`undecidable` (see the condition; nothing was started before)",
            "`proves-nothing` (nothing can have happened yet)", "`conflict` (`no … within` with `for`)",
        ],
        "PARTY stopped before PARTY": ["`undecidable` (before itself)"],
        "orphans reaped": ["`undecidable` (nothing makes orphans)"],
        "state STATE": ["`undecidable` (`restarting` without a restart policy, `removed` without `auto-remove on`)"],
        "restarts NUMBER": ["`undecidable` (without a restart policy)"],
        "restart delays TIMES": ["`undecidable` (without a restart policy)"],
        "initialised (once | NUMBER times)": ["`undecidable` (without an entrypoint)"],
        "step NAME ran (once | NUMBER times)": ["`undecidable` (no such step)"],
        "data PATH CLEANNESS": ["`undecidable` (no service writes there)"],
        "stop took (less than TIME | at least TIME)": ["`undecidable` (nothing was stopped before)"],
    ]
}

extension Slot {
    /// Whether a word in its place can be none of these.
    fileprivate var canBeWrong: Bool {
        switch self {
        case .tags, .names, .name, .word, .command, .directory, .image, .condition, .question, .title, .text, .texts:
            false
        default: true
        }
    }
}
