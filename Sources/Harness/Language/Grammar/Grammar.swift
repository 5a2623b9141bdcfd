import Model

/// The language as a value: what the parser reads by, what the formatter writes by, and what the reference is made from.
struct Grammar: Sendable {
    let words: Words
    let files: FormTable<String>
    /// The lines of a scenario: what there is, and what happens.
    let scenario: FormTable<Draft>
    /// The lines of one of several containers.
    let member: FormTable<Draft>
    /// The lines of a block of steps.
    let steps: FormTable<Draft>
    let behaviour: FormTable<Service>
    let conditions: FormTable<Condition?>
    let profiles: FormTable<String>
    let profile: FormTable<InitProfile>

    let no: Words.Index
    let nobody: Words.Index
    let zombies: Words.Index
    let processes: Words.Index
    let service: Words.Index
    let killed: Words.Index

    /// A scenario that is being read, and the step of the present line, if it is one.
    struct Draft: Sendable {
        var scenario: Scenario
        var action: Step.Action?
        /// What the container that is being read waits for.
        var dependencies: [Member.Dependency] = []
        /// What the line has declared, which takes its place or has a block.
        var block = Block.none

        enum Block {
            case none, service, file, steps, volume, member
        }
    }

    static let shared = Grammar()

    private init() {
        let patterns: [[Pattern]] = [
            Grammar.fileForms.map(\.pattern), Grammar.setupForms.map(\.pattern), Grammar.memberForms.map(\.pattern),
            Grammar.dependencyForms.map(\.pattern), Grammar.behaviourForms.map(\.pattern),
            Grammar.stepForms.map(\.pattern), Grammar.conditionForms.map(\.pattern),
            Grammar.profileFileForms.map(\.pattern), Grammar.profileForms.map(\.pattern),
        ]
        let words = Words(patterns.joined().flatMap(\.words))
        self.words = words
        func number(_ word: String) -> Words.Index {
            words.spellings.firstIndex(of: word).map { Words.Index($0) } ?? Words.none
        }
        no = number("no")
        nobody = number("nobody")
        zombies = number("zombies")
        processes = number("processes")
        service = number("service")
        killed = number("killed")
        files = FormTable(Grammar.fileForms, phrase: "'scenario'", words: words)
        scenario = FormTable(
            Grammar.setupForms + Grammar.memberForms + Grammar.stepForms, phrase: "a word of a scenario", words: words)
        member = FormTable(
            Grammar.setupForms.filter { !Grammar.isOfWhole($0.pattern) } + Grammar.dependencyForms,
            phrase: "a word of a container", words: words)
        steps = FormTable(Grammar.stepForms, phrase: "a step", words: words)
        behaviour = FormTable(Grammar.behaviourForms, phrase: "a behaviour of a service", words: words)
        conditions = FormTable(Grammar.conditionForms, phrase: "a condition", words: words)
        profiles = FormTable(Grammar.profileFileForms, phrase: "'init'", words: words)
        profile = FormTable(Grammar.profileForms, phrase: "a word of a profile", words: words)
    }

    /// Where a word belongs that is where it does not, as a message says it.
    func home(of word: Words.Index) -> String? {
        guard word != Words.none else { return nil }
        if !scenario.beginning(with: word).isEmpty { return scenario.phrase }
        if !member.beginning(with: word).isEmpty { return member.phrase }
        if !behaviour.beginning(with: word).isEmpty { return behaviour.phrase }
        if !conditions.beginning(with: word).isEmpty { return "a condition, which comes after 'expect'" }
        return nil
    }

    static let fileForms: [Form<String>] = [
        Form(
            "scenario TITLE",
            "Begins a scenario; its lines are indented in the block below. The comment right above it is its description.",
            example: """
                # Nothing is left of a sleep when it is told to end.
                scenario "a first scenario"
                  service app

                  start
                  expect app ready within 5s
                  stop
                  expect exit 0
                """
        ) { $0 = $1.text(0) ?? "" }
    ]

    static let profileFileForms: [Form<String>] = [
        Form(
            "init WORD",
            "Begins a profile; its lines are indented in the block below. The comment right above it says what it is.",
            example: ""
        ) { $0 = $1.text(0) ?? "" }
    ]
}
